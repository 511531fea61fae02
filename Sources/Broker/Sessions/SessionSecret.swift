import Crypto
import Encodings
import FoundationEssentials

/// The bearer of an attested session: 256 random bits that the client gets and the database never sees.
///
/// The token's id is a digest of the secret, and the name under which the session is stored is a digest of that id: the
/// cookie and the token lead to the same session, and neither the id nor the name leads back to the secret.
struct SessionSecret: Sendable {
    static let byteCount = 32
    private static let tokenIDCount = 16

    /// The cookie's text.
    let text: String
    /// The id (`jti`) of the session's token: 128 bits in base64url.
    let tokenID: String
    /// What the session is stored under.
    let hash: [UInt8]

    init(_ bytes: [UInt8], text: String) {
        let id = Self.tokenID(bytes)
        self.text = text
        tokenID = Base64.encodeURL(id)
        hash = Self.hash(id)
    }

    /// What the session of a secret is stored under.
    static func hash(ofSecret bytes: [UInt8]) -> [UInt8] { hash(tokenID(bytes)) }

    /// What the session of a token is stored under; `nil` for an id that is not of this broker's making.
    static func hash(ofTokenID text: String) -> [UInt8]? {
        guard let id = try? Base64.decodeURL(text), id.count == tokenIDCount else { return nil }
        return hash(id)
    }

    private static func tokenID(_ bytes: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: Array("claviger token".utf8) + bytes).prefix(tokenIDCount))
    }

    private static func hash(_ id: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: Array("claviger session".utf8) + id))
    }
}
