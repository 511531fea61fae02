import Encodings
import FoundationEssentials
import Verification

/// What a signer may say: the values of a manifest under the names that they have here, if all of them are granted.
struct ReferenceGrant {
    let manifest: SignedManifest
    /// The values by the names that policies ask for.
    let values: [(name: String, value: JSONValue)]
    /// From when on they count no longer.
    let end: Date

    /// Throws ``BrokerError`` of kind `denied` when the manifest goes beyond what was granted: code `name_not_granted`,
    /// `manifest_not_granted`, `manifest_downgrade` or `manifest_expired`.
    init(_ manifest: SignedManifest, of signer: ReferenceSigner, at now: Date) throws(BrokerError) {
        if let allowed = signer.manifests, !allowed.contains(where: { Self.matches($0, manifest.id) }) {
            throw .manifestRefused(
                "manifest_not_granted", "\(signer.name) may not sign the manifest '\(manifest.id)'")
        }
        guard manifest.version >= signer.minimumVersion else {
            throw .manifestRefused(
                "manifest_downgrade",
                "'\(manifest.id)' has the version \(manifest.version), and at least \(signer.minimumVersion) is demanded"
            )
        }
        var values: [(name: String, value: JSONValue)] = []
        for value in manifest.values {
            let name = signer.renames[value.name] ?? value.name
            guard signer.names.contains(where: { Self.matches($0, name) }) else {
                throw .manifestRefused(
                    "name_not_granted", "\(signer.name) may not give a value to the name '\(name)'")
            }
            guard !values.contains(where: { $0.name == name }) else {
                throw .manifestRefused("name_not_granted", "two values of it would have the name '\(name)'")
            }
            values.append((name, value.value))
        }
        let age = (manifest.signedAt ?? now).addingTimeInterval(signer.maximumAge.inSeconds)
        let end = min(age, manifest.validUntil ?? age)
        guard end > now else {
            throw .manifestRefused(
                "manifest_expired",
                "it was signed on \((manifest.signedAt ?? now).rfc3339), which is longer ago than \(signer.name)'s maximumAge"
            )
        }
        self.manifest = manifest
        self.values = values
        self.end = Date(wholeSeconds: end.wholeSeconds)
    }

    /// Whether a name is the pattern, or begins with what stands before its `*`; compared byte by byte.
    private static func matches(_ pattern: String, _ name: String) -> Bool {
        pattern.hasSuffix("*")
            ? name.utf8.starts(with: pattern.dropLast().utf8) : name.utf8.elementsEqual(pattern.utf8)
    }
}

extension BrokerError {
    static func manifestRefused(_ code: String, _ cause: String) -> BrokerError {
        BrokerError(
            kind: code == "malformed_manifest" ? .malformed : .denied, variant: "ReferenceManifest", code: code,
            message: "The manifest is refused (code: \(code)): \(cause)")
    }
}
