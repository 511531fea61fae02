/// Why endorsements of CCA platforms cannot be used.
public struct CCAEndorsementError: Error, Sendable, Hashable {
    /// A stable word for programs: `malformed_endorsements` or `endorsements_not_trusted`.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    static func malformed(_ message: String) -> CCAEndorsementError {
        CCAEndorsementError(code: "malformed_endorsements", message: message)
    }

    static func untrusted(_ message: String) -> CCAEndorsementError {
        CCAEndorsementError(code: "endorsements_not_trusted", message: message)
    }
}
