import Encodings
import FoundationEssentials
import JOSE

/// Admin tokens: short-lived signed JWTs with a role.
public enum AdminToken {
    /// The issuer that tokens name unless told otherwise.
    public static let defaultIssuer = "claviger-admin"
    /// The audience that tokens name unless told otherwise.
    public static let defaultAudience = "claviger"
    private static let maximumFileBytes = 65_536

    /// What a token says.
    public struct Content: Sendable, Hashable {
        /// Who signs: the broker finds the key by it.
        public var issuer = AdminToken.defaultIssuer
        /// Whom it is for: the broker's configured audience.
        public var audience = AdminToken.defaultAudience
        /// Who acts; appears in the histories.
        public var subject: String
        /// What the broker's access list looks up.
        public var role: String
        /// How long it holds.
        public var lifetime: Duration
        /// Whether the broker takes it for one request only.
        public var isForOneRequest: Bool

        /// The content of a token.
        public init(
            issuer: String = AdminToken.defaultIssuer, audience: String = AdminToken.defaultAudience,
            subject: String = "admin", role: String = "admin", lifetime: Duration = .seconds(3_600),
            isForOneRequest: Bool = false
        ) {
            self.issuer = issuer
            self.audience = audience
            self.subject = subject
            self.role = role
            self.lifetime = lifetime
            self.isForOneRequest = isForOneRequest
        }
    }

    /// Signs a token. Its `exp` is `now` plus the lifetime; `jti` is fresh and random.
    ///
    /// - Throws: `JOSEError` when the key cannot sign.
    public static func sign(
        _ content: Content, with key: SigningKey, now: Date = Date()
    ) throws(JOSEError) -> SecretBytes {
        let issuedAt = Int64(now.timeIntervalSince1970)
        let header: JSONObject = ["alg": .string(key.algorithm.rawValue), "typ": "JWT"]
        var claims: JSONObject = [
            "iss": .string(content.issuer), "sub": .string(content.subject), "aud": [.string(content.audience)],
            "role": .string(content.role), "iat": .int(issuedAt),
            "exp": .int(issuedAt + content.lifetime.components.seconds),
            "jti": .string(Hex.encode(SecretBytes.random(count: 16).copyBytes())),
        ]
        if content.isForOneRequest { claims["claviger_use"] = "once" }
        return SecretBytes(Array(try JWS.sign(header: header, payload: claims.serialized(), with: key).utf8))
    }

    /// Reads a token file: one compact JWS, white space around it is ignored.
    ///
    /// - Throws: `AdminClientError` with `invalid_input`; the message never shows the content.
    public static func read(file: String) throws(AdminClientError) -> SecretBytes {
        let data: SecretBytes
        do throws(BoundedFileError) {
            data = try BoundedFile.secret(file, limit: maximumFileBytes, kind: .stream)
        } catch {
            throw AdminClientError(.invalidInput, "the token file \(error.message)")
        }
        let isBlank: (UInt8) -> Bool = { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        let token = data.withUnsafeBytes { bytes -> SecretBytes? in
            let end = bytes.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? 0
            let token = bytes[..<end].drop(while: isBlank)
            let isToken =
                token.count { $0 == UInt8(ascii: ".") } == 2 && token.allSatisfy { (0x21...0x7E).contains($0) }
            return isToken ? SecretBytes(copying: UnsafeRawBufferPointer(rebasing: token)) : nil
        }
        guard let token else { throw AdminClientError(.invalidInput, "the token file \(file) holds no token") }
        return token
    }
}
