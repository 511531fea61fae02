import Crypto
import Encodings
import FoundationEssentials

/// The bearer of an attested session: 256 random bits that the client gets and the database never sees.
struct SessionSecret: Sendable {
    private static let byteCount = 32

    /// The cookie's text: one byte that says what it is, then the random bytes, in base64url.
    let text: String
    /// SHA-256 of the random bytes, under which the session is stored.
    let hash: [UInt8]

    static func fresh() -> SessionSecret {
        SessionSecret(SecretBytes.random(count: byteCount).copyBytes())
    }

    private init(_ bytes: [UInt8]) {
        text = Base64.encodeURL([CookieKind.session.rawValue] + bytes)
        hash = Self.digest(bytes)
    }

    /// The hash that belongs to a cookie, or `nil` when the cookie cannot be a session's.
    static func hash(ofCookie text: String) -> [UInt8]? {
        guard text.utf8.count <= 64, let bytes = try? Base64.decodeURL(text), bytes.count == byteCount + 1,
            bytes[0] == CookieKind.session.rawValue
        else { return nil }
        return digest(Array(bytes.dropFirst()))
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: Array("claviger session".utf8) + bytes))
    }
}
