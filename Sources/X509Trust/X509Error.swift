import COpenSSL

/// Why a certificate is refused or could not be made.
public struct X509Error: Error, Sendable, Hashable {
    /// A stable word for programs, such as `chain_not_trusted`.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    static let malformedCertificate = X509Error(
        code: "malformed_certificate", message: "The bytes are not one X.509 certificate.")

    static let malformedKey = X509Error(code: "malformed_key", message: "The bytes are no public key.")

    static let malformedRevocationList = X509Error(
        code: "malformed_revocation_list", message: "The bytes are not one X.509 certificate revocation list.")

    static let noAnchor = X509Error(
        code: "no_anchor", message: "No certificate is trusted, so none can be verified.")

    static func untrusted(_ reason: String) -> X509Error {
        X509Error(code: "chain_not_trusted", message: "The certificate chain is not trusted: \(reason).")
    }

    static func failed(_ operation: String) -> X509Error {
        X509Error(code: "openssl_failure", message: "OpenSSL could not \(operation).")
    }

    /// Passes a pointer on unless it is missing, which is how OpenSSL reports a failure.
    static func require(
        _ pointer: OpaquePointer?, _ operation: String
    ) throws(X509Error) -> OpaquePointer {
        guard let pointer else { throw failed(operation) }
        return pointer
    }

    /// Throws unless `result` is positive, which is how OpenSSL reports success.
    static func require(_ result: Int32, _ operation: String) throws(X509Error) {
        guard result > 0 else { throw failed(operation) }
    }
}
