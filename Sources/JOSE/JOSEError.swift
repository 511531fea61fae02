/// Why a key, an encrypted message, a signature or a token was refused.
public struct JOSEError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable identifier: `malformed`, `unsupported_algorithm`, `unsupported_key`, `unsupported_header`, `invalid_key`,
    /// `algorithm_not_allowed`, `decryption_failed`, `encryption_failed`, `signing_failed`, `invalid_signature`,
    /// `expired`, `not_yet_valid`, `issued_in_future`, `missing_expiration`, `wrong_issuer` or `wrong_audience`.
    public let code: String
    /// A sentence for the operator; holds no secret and no part of a plaintext.
    public let message: String

    /// An error with its code and sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    static func malformed(_ message: String) -> JOSEError { JOSEError(code: "malformed", message: message) }
    static func invalidKey(_ message: String) -> JOSEError { JOSEError(code: "invalid_key", message: message) }
    static func unsupportedKey(_ message: String) -> JOSEError { JOSEError(code: "unsupported_key", message: message) }
    static func unsupportedHeader(_ message: String) -> JOSEError {
        JOSEError(code: "unsupported_header", message: message)
    }
    static func unsupportedAlgorithm(_ message: String) -> JOSEError {
        JOSEError(code: "unsupported_algorithm", message: message)
    }
    /// The one answer to every cryptographic failure of a decryption, so that it tells an attacker nothing.
    static let decryptionFailed = JOSEError(
        code: "decryption_failed", message: "The encrypted message cannot be opened with this key")
}

/// Runs `body` and replaces whatever it throws by `replacement`: what cryptographic libraries say is not for the outside.
func replacingErrors<Value>(by replacement: JOSEError, _ body: () throws -> Value) throws(JOSEError) -> Value {
    do { return try body() } catch { throw replacement }
}
