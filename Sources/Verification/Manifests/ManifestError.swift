/// Why a manifest of reference values is refused.
public struct ManifestError: Error, Sendable, Hashable {
    /// Stable identifier: `malformed_manifest`, `unsigned_manifest`, `untrusted_signer`, `manifest_expired` or
    /// `manifest_not_yet_valid`.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    static func malformed(_ message: String) -> ManifestError { ManifestError("malformed_manifest", message) }

    static func untrusted(_ message: String) -> ManifestError { ManifestError("untrusted_signer", message) }
}
