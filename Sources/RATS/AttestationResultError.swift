/// Why a text is no attestation result that can be used.
public struct AttestationResultError: Error, Sendable, Hashable {
    /// A stable word for programs, such as `conflicting_tee_keys`.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}
