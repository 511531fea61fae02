public import Verification

/// What is demanded of NVIDIA GPUs and switches. Without manifests none is believed.
public struct NVIDIAConfiguration: Sendable, Hashable {
    /// Manifests of registers from files.
    public var manifests = NVIDIAManifests()
    /// Refuses devices for whose driver or firmware there is no manifest; otherwise policies see it in the claim `measres`.
    public var requiresManifests = true
    /// Lets manifests count whose signer's certificate has expired; policies see it in `x-nvidia-cert-status`.
    public var allowsExpiredManifestSigners = false
    /// Refuses devices when no answer of NVIDIA's OCSP service is at hand; otherwise policies see it in
    /// `x-nvidia-cert-ocsp-status`.
    public var requiresRevocationStatus = false
    /// Lets in GPUs whose driver does not state the digest of the first firmware.
    public var allowsMissingFirmwareID = false
    /// Lets in reports of agents up to v0.16, with zero bytes behind them.
    public var allowsTrailingZeros = false
    /// Refuses GPUs with protected PCIe that come without all of their neighbours.
    public var requiresTopology = true

    /// The defaults.
    public init() {}

    var options: NVIDIAVerifier.Options {
        var options = NVIDIAVerifier.Options()
        options.manifests = manifests
        options.requiresManifests = requiresManifests
        options.allowsExpiredManifestSigners = allowsExpiredManifestSigners
        options.requiresRevocationStatus = requiresRevocationStatus
        options.allowsMissingFirmwareID = allowsMissingFirmwareID
        options.allowsTrailingZeros = allowsTrailingZeros
        options.requiresTopology = requiresTopology
        return options
    }
}

extension NVIDIAConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        for path in try section.texts("manifestFiles") ?? [] {
            let bytes = try ConfigurationFile.bytes(at: path)
            do throws(NVIDIAManifestError) {
                try manifests.add(bytes)
            } catch {
                throw section.invalid("manifestFiles", "has \(path), which cannot be used. \(error.message)")
            }
        }
        requiresManifests = try section.flag("requireManifests") ?? requiresManifests
        allowsExpiredManifestSigners =
            try section.flag("allowExpiredManifestSigners") ?? allowsExpiredManifestSigners
        requiresRevocationStatus = try section.flag("requireRevocationStatus") ?? requiresRevocationStatus
        allowsMissingFirmwareID = try section.flag("allowMissingFirmwareID") ?? allowsMissingFirmwareID
        allowsTrailingZeros = try section.flag("allowTrailingZeros") ?? allowsTrailingZeros
        requiresTopology = try section.flag("requireTopology") ?? requiresTopology
        try section.finish()
    }
}
