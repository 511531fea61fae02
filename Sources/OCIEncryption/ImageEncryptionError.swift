/// What can go wrong while an image is encrypted, decrypted or read.
///
/// The message names files, digests and media types; it never holds key material.
public struct ImageEncryptionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stable name of the failure.
    public enum Code: String, Sendable, Hashable {
        /// A JSON document or annotation of the image is malformed.
        case malformed
        /// A blob's bytes are not what its descriptor promises (digest or size).
        case digestMismatch = "digest_mismatch"
        /// The ciphertext's HMAC is wrong: it was changed, or the key is another one.
        case authenticationFailed = "authentication_failed"
        /// A packet could not be opened with the key at hand.
        case wrongKey = "wrong_key"
        /// A key or nonce has the wrong size.
        case invalidKey = "invalid_key"
        /// The image uses something that this implementation does not know.
        case unsupported
        /// A tag, manifest, blob or layer is not there.
        case notFound = "not_found"
        /// The request makes no sense for this image (for example: encrypting what is encrypted).
        case invalidRequest = "invalid_request"
        /// A document or blob is larger than allowed.
        case tooLarge = "too_large"
        /// The file system refused.
        case inputOutput = "input_output"
    }

    /// The failure's stable name.
    public let code: Code
    /// One sentence for the person at the terminal.
    public let message: String

    /// An error with its code and sentence.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the sentence.
    public var description: String { "\(code.rawValue): \(message)" }
}
