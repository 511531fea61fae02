public import Encodings

/// The compact serialisation of a JWE (RFC 7516 section 7.1): five parts in base64url with dots between them.
///
/// Whoever seals can put members of his own into the protected header; they are authenticated with the content.
public enum CompactJWE {
    /// Largest message that is looked at, in bytes.
    public static let maximumBytes = 1 << 20

    /// The protected header, of which nothing is authenticated yet.
    public static func unverifiedHeader(of text: String) throws(JOSEError) -> JSONObject {
        try JWEMessage(compact: text).header()
    }
}

extension JWERecipient {
    /// Seals to this recipient in the compact serialisation, with AES-256-GCM under a fresh content key.
    ///
    /// - Parameter members: Members for the protected header; those that say how to open the message win over them.
    public func encryptCompact(
        _ plaintext: SecretBytes, members: JSONObject = [:]
    ) throws(JOSEError) -> String {
        let message = try message(plaintext, members: members)
        return [
            message.protected, Base64.encodeURL(message.encryptedKey), Base64.encodeURL(message.content.nonce),
            Base64.encodeURL(message.content.ciphertext), Base64.encodeURL(message.content.tag),
        ].joined(separator: ".")
    }
}

extension JWEPrivateKey {
    /// Opens a JWE in the compact serialisation; returns the header too, which is authenticated then.
    ///
    /// As ``decrypt(_:allowing:)``: A256GCM only, and every cryptographic failure is the same `decryption_failed`.
    public func decrypt(
        compact text: String, allowing: Set<KeyManagementAlgorithm> = .standard
    ) throws(JOSEError) -> (header: JSONObject, plaintext: SecretBytes) {
        let message = try JWEMessage(compact: text)
        return (try message.header(), try open(message, allowing: allowing))
    }
}

extension JWEMessage {
    init(compact text: String) throws(JOSEError) {
        guard text.utf8.count <= CompactJWE.maximumBytes else {
            throw .malformed("The encrypted message is larger than \(CompactJWE.maximumBytes) bytes")
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5 else { throw .malformed("An encrypted message has five parts with dots between them") }
        var decoded: [[UInt8]] = []
        for part in parts.dropFirst() {
            do { decoded.append(try Base64.decodeURL(part)) } catch {
                throw .malformed("A part of the encrypted message is not base64url without padding")
            }
        }
        self.init(
            protected: parts[0], encryptedKey: decoded[0],
            content: SealedContent(nonce: decoded[1], ciphertext: decoded[2], tag: decoded[3]))
    }
}
