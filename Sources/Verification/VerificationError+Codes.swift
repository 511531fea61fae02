import RATS

extension VerificationError {
    /// The evidence, or a part of it, has not the form of its kind.
    static func malformed(_ message: String) -> VerificationError {
        VerificationError(code: "malformed_evidence", message: message)
    }

    /// The evidence has a form that is not known or not let in.
    static func unsupportedVersion(_ message: String) -> VerificationError {
        VerificationError(code: "unsupported_version", message: message)
    }

    /// The evidence was made for another session.
    static let reportDataMismatch = VerificationError(
        code: "report_data_mismatch",
        message: "The report data is not the digest of this session's nonce and key.")

    /// The guest runs with another init-data document than the one it sent.
    static let initDataMismatch = VerificationError(
        code: "init_data_mismatch",
        message: "The hardware does not vouch for the init-data document that the guest sent.")

    /// A signature over evidence does not verify.
    static func signatureInvalid(_ what: String) -> VerificationError {
        VerificationError(code: "signature_invalid", message: "The signature over \(what) does not verify.")
    }
}
