public import Encodings
public import FoundationEssentials
public import JOSE

/// A broker's attestation token together with the private key that it is bound to.
public struct AttestedToken: Sendable {
    /// The token, a compact JWT.
    public let token: SecretBytes
    /// The key that resources come sealed to.
    public let key: JWEPrivateKey
    /// When the token ends; nil when it does not say.
    public let expires: Date?
    /// From when on a new token should be fetched: after 90 % of the token's life as this machine's clock sees it, but
    /// not at once.
    public let renewal: Date
    /// From when on it is renewed without anybody waiting for it: somewhere between 70 and 85 % of its life, so that guests
    /// that started together do not renew together.
    let earlyRenewal: Date
    /// When it was received.
    let received: Date

    /// For how long a token without `exp` is reused, in seconds.
    static let lifeWithoutExpiry: TimeInterval = 300
    /// For how long any token is reused, in seconds. A clock that runs ahead makes fresh tokens look used up, and each
    /// request would attest; a broker that disagrees answers 401.
    static let shortestReuse: TimeInterval = 5

    /// Reads the times of a token that was received at `now`. The signature is the broker's affair and not checked.
    ///
    /// - Throws: `GuestError` with `unexpected` when the text is no JWT, and `attestation_failed` when it is expired or
    ///   not valid yet.
    public init(token text: String, key: JWEPrivateKey, now: Date) throws(GuestError) {
        let claims = try Self.claims(of: text)
        do throws(JOSEError) {
            try claims.validate(now: now, requireExpiration: false)
        } catch {
            throw GuestError(
                .attestationFailed, "The broker's token cannot be used: \(error.message). Compare the clocks.")
        }
        token = SecretBytes(Array(text.utf8))
        self.key = key
        expires = claims.expiresAt.map { Date(timeIntervalSince1970: Double($0)) }
        let life = expires.map { $0.timeIntervalSince(now) } ?? Self.lifeWithoutExpiry
        received = now
        renewal = now.addingTimeInterval(max(life * 0.9, Self.shortestReuse))
        earlyRenewal = now.addingTimeInterval(max(life * Double.random(in: 0.7...0.85), Self.shortestReuse))
    }

    private static func claims(of text: String) throws(GuestError) -> JWTClaims {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }),
            let payload = try? Base64.decodeURL(String(parts[1])),
            let claims = try? JWTClaims(payload: payload)
        else { throw GuestError(.unexpected, "The broker's token is no JSON Web Token.") }
        return claims
    }

    /// The bytes that a `kbs` token request is answered with: `{"token":"<jwt>","tee_keypair":"<PEM>"}`.
    ///
    /// - Throws: `GuestError` with `invalid_request` when the key has no PEM form.
    public func exported() throws(GuestError) -> SecretBytes {
        do throws(JOSEError) {
            let pem = try key.pemRepresentation()
            let text = token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            var bytes = JSONObject([("token", .string(text)), ("tee_keypair", .string(pem))]).serialized()
            return SecretBytes(wiping: &bytes)
        } catch {
            throw GuestError(.invalidRequest, "The TEE key cannot be handed out: \(error.message)")
        }
    }
}
