import Encodings
import FoundationEssentials
import JOSE
import RATS

/// Checks attestation tokens that come as bearer tokens: this broker's own, and those of configured issuers.
struct TokenVerifier: Sendable {
    let issuer: String
    let audience: String
    let passportIssuers: [PassportIssuer]
    /// Seconds by which an issuer's clock may differ.
    static let leeway: Int64 = 60

    /// What a token says, once its signature, issuer, audience and times were checked.
    ///
    /// - Parameters:
    ///   - ownKeys: This broker's keys whose tokens are accepted now.
    ///   - now: The present time.
    func verify(_ compact: String, ownKeys: [TokenSigningKey], now: Date) throws(BrokerError) -> AttestationResult {
        let token: JWS
        do {
            token = try JWS(compact: compact)
        } catch {
            throw .tokenRefused(error.code)
        }
        // The issuer is read before it can be believed, only to choose whose keys may have signed.
        guard let claimed = try? JWTClaims(payload: token.payload).issuer else { throw .tokenRefused("no_issuer") }
        if claimed == issuer { return try own(token, ownKeys, now) }
        guard let passport = passportIssuers.first(where: { $0.name == claimed }) else {
            throw .tokenRefused("unknown_issuer")
        }
        return try passport.verify(token, now: now)
    }

    private func own(_ token: JWS, _ keys: [TokenSigningKey], _ now: Date) throws(BrokerError) -> AttestationResult {
        guard token.algorithm == .es256 else { throw .tokenRefused("algorithm_not_allowed") }
        guard ["jku", "x5u", "x5c", "kid"].allSatisfy({ token.header[$0] == nil }) else {
            throw .tokenRefused("header_not_allowed")
        }
        var verified: [UInt8]?
        for candidate in keys {
            guard let payload = try? token.verify(with: candidate.key.verificationKey) else { continue }
            verified = payload
            break
        }
        guard let verified else { throw .tokenRefused("unknown_signer") }
        do {
            let claims = try JWTClaims(payload: verified)
            try claims.validate(
                now: now, leeway: Self.leeway, issuer: issuer, audience: audience, requireExpiration: true)
            return try AttestationResult(earClaims: claims.object)
        } catch let error as JOSEError {
            throw .tokenRefused(error.code)
        } catch let error as AttestationResultError {
            throw .tokenRefused(error.code)
        } catch {
            throw .tokenRefused("malformed_claims")
        }
    }
}
