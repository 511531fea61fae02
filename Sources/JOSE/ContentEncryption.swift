import Crypto
import Encodings
import FoundationEssentials

/// AES-256-GCM over a JWE's content (RFC 7518 section 5.3).
struct SealedContent: Sendable {
    static let nonceSize = 12
    static let tagSize = 16

    var nonce: [UInt8]
    var ciphertext: [UInt8]
    var tag: [UInt8]

    /// Seals under a fresh random nonce.
    static func seal(_ plaintext: SecretBytes, with key: SymmetricKey, authenticating data: [UInt8]) throws(JOSEError)
        -> SealedContent
    {
        let failure = JOSEError(code: "encryption_failed", message: "The content could not be encrypted")
        let box = try replacingErrors(by: failure) {
            try plaintext.withUnsafeBytes { try AES.GCM.seal($0, using: key, authenticating: data) }
        }
        return SealedContent(nonce: Array(box.nonce), ciphertext: Array(box.ciphertext), tag: Array(box.tag))
    }

    func open(with key: SymmetricKey, authenticating data: [UInt8]) throws(JOSEError) -> SecretBytes {
        guard nonce.count == Self.nonceSize, tag.count == Self.tagSize else {
            throw .malformed("The encrypted message's `iv` or `tag` has the wrong length")
        }
        return try replacingErrors(by: .decryptionFailed) {
            let box = try AES.GCM.SealedBox(nonce: AES.GCM.Nonce(data: nonce), ciphertext: ciphertext, tag: tag)
            var plaintext = try AES.GCM.open(box, using: key, authenticating: data)
            defer { plaintext.withUnsafeMutableBytes { wipe($0) } }
            return plaintext.withUnsafeBytes { SecretBytes(copying: $0) }
        }
    }
}
