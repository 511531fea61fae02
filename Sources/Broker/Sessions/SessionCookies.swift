import Crypto
import Encodings
import Storage

/// Makes the cookies of sessions, and tells them from made-up ones before the database is asked.
///
/// A cookie is, in base64url, one byte that says what it is, the secret (32 bytes), and the first 16 bytes of an
/// HMAC-SHA-256 of both under a key that only brokers of one installation have.
struct SessionCookies: Sendable {
    private static let codeCount = 16
    private static let byteCount = 1 + SessionSecret.byteCount + codeCount

    /// The key of new cookies, then those whose cookies are still known.
    private let keys: [SymmetricKey]

    /// - Throws: when the ring cannot be used.
    init(_ ring: KeyEncryptionKeyRing) throws(StorageError) {
        var keys: [SymmetricKey] = []
        for id in ring.keyIDs { keys.append(try ring.derive(purpose: .sessionCookie, keyID: id)) }
        self.keys = keys
    }

    /// A secret that nobody had before, with its cookie.
    func fresh() -> SessionSecret {
        let bytes = SecretBytes.random(count: SessionSecret.byteCount).copyBytes()
        let content = [CookieKind.session.rawValue] + bytes
        let code = keys.first.map { Self.code(content, $0) } ?? []
        return SessionSecret(bytes, text: Base64.encodeURL(content + code))
    }

    /// What the session of a cookie is stored under, or `nil` when no broker of this installation made the cookie.
    func hash(of text: String) -> [UInt8]? {
        guard text.utf8.count <= 128, let bytes = try? Base64.decodeURL(text), bytes.count == Self.byteCount,
            bytes[0] == CookieKind.session.rawValue
        else { return nil }
        let content = Array(bytes.dropLast(Self.codeCount))
        let code = bytes.suffix(Self.codeCount)
        guard keys.contains(where: { constantTimeEqual(Self.code(content, $0), code) }) else { return nil }
        return SessionSecret.hash(ofSecret: Array(content.dropFirst()))
    }

    private static func code(_ content: [UInt8], _ key: SymmetricKey) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: content, using: key).prefix(codeCount))
    }
}
