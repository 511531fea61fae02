/// Why a signed policy bundle, or a key for such, was refused.
public struct PolicyBundleError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable word for programs: `bundle_malformed`, `bundle_invalid` (its documents are no policies), `bundle_unsigned`,
    /// `unknown_signer`, `invalid_signature`, `too_few_signers`, `bundle_not_allowed` (bundles of its name are not taken) or
    /// `unusable_key`.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }

    static func malformed(_ message: String) -> PolicyBundleError {
        PolicyBundleError(code: "bundle_malformed", message: message)
    }
}
