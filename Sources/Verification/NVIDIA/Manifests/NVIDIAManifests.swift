public import X509Trust

/// Reference integrity manifests of NVIDIA's that are at hand, their signatures verified.
public struct NVIDIAManifests: Sendable, Hashable {
    private struct Key: Sendable, Hashable {
        let edition: String
        let chip: String
        let version: String
    }

    private var manifests: [Key: NVIDIAManifest] = [:]

    /// None at all.
    public init() {}

    /// Whether there are none.
    public var isEmpty: Bool { manifests.isEmpty }

    /// Adds a manifest from a file (XML).
    ///
    /// Of several for one version the one whose signer's certificate is newest counts: NVIDIA issues manifests again under the
    /// same name, with other values. Throws ``NVIDIAManifestError``.
    public mutating func add(
        _ bytes: [UInt8], anchors: [PinnedAnchor] = PinnedAnchor.nvidiaManifests
    ) throws(NVIDIAManifestError) {
        add(try NVIDIAManifest(parsing: bytes, anchors: anchors))
    }

    mutating func add(_ manifest: NVIDIAManifest) {
        let key = Key(edition: manifest.edition, chip: manifest.chip, version: manifest.version.uppercased())
        guard manifests[key].map({ $0.issued < manifest.issued }) ?? true else { return }
        manifests[key] = manifest
    }

    func manifest(edition: String, chip: String, version: String) -> NVIDIAManifest? {
        manifests[Key(edition: edition, chip: chip, version: version.uppercased())]
    }
}
