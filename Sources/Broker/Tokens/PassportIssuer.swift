import Encodings
import FoundationEssentials
import JOSE
import RATS
import X509Trust

/// Somebody else whose attestation tokens unlock resources here, with his trust material loaded.
struct PassportIssuer: Sendable {
    let name: String
    private let audience: String?
    private let keys: JWKSet?
    private let anchors: [[UInt8]]
    private let teeKeyPointers: [String]

    /// Loads the files that the configuration names.
    init(_ configuration: PassportIssuerConfiguration) throws(ConfigurationError) {
        name = configuration.issuer
        audience = configuration.audience
        teeKeyPointers = configuration.teeKeyPointers
        do {
            keys = try configuration.jwkSetFile.map { try JWKSet(json: try ConfigurationFile.bytes(at: $0)) }
            anchors =
                try configuration.certificateFile.map { path in
                    try Certificate.all(pem: try ConfigurationFile.text(at: path)).map(\.der)
                } ?? []
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(
                code: "invalid_key",
                message: "The trust material of the issuer \(configuration.issuer) cannot be used: \(error)")
        }
        guard !anchors.isEmpty || keys?.usableKeys.isEmpty == false else {
            throw ConfigurationError(
                code: "no_trust_material",
                message: "The issuer \(configuration.issuer) has no usable key and no certificate.")
        }
    }

    func verify(_ token: JWS, now: Date) throws(BrokerError) -> AttestationResult {
        let key = try key(for: token, now: now)
        do {
            let claims = try JWTClaims(payload: try token.verify(with: key))
            try claims.validate(
                now: now, leeway: TokenVerifier.leeway, issuer: name, audience: audience, requireExpiration: true)
            // A token that is meant for somebody in particular is not meant for a broker without a name.
            if audience == nil, try !claims.audiences().isEmpty { throw BrokerError.tokenRefused("wrong_audience") }
            guard let profile = try TEEKeyProfile.detect(in: claims.object, extraPointers: teeKeyPointers) else {
                throw BrokerError.tokenRefused("no_tee_key")
            }
            return try AttestationResult(earClaims: claims.object, keyProfile: profile)
        } catch let error as BrokerError {
            throw error
        } catch let error as JOSEError {
            throw .tokenRefused(error.code)
        } catch let error as AttestationResultError {
            throw .tokenRefused(error.code)
        } catch {
            throw .tokenRefused("malformed_claims")
        }
    }

    /// The key that the token must be signed with: from the issuer's key set by `kid`, or the header's `jwk` when
    /// certificates lead from it to one of the issuer's anchors. A bare key in the header is never believed.
    private func key(for token: JWS, now: Date) throws(BrokerError) -> VerificationKey {
        guard token.header["jku"] == nil, token.header["x5u"] == nil, token.header["x5c"] == nil else {
            throw .tokenRefused("header_not_allowed")
        }
        if let jwk = token.header["jwk"] {
            guard let jwk = jwk.objectValue, !anchors.isEmpty else { throw .tokenRefused("unknown_signer") }
            return try EndorsedKey.verified(jwk: jwk, anchors: anchors, now: now)
        }
        guard let identifier = token.header["kid"]?.stringValue, let keys,
            let entry = keys.keys.first(where: { $0.keyID == identifier && $0.verificationKey != nil }),
            let key = entry.verificationKey, entry.jwk["alg"] != nil
        else { throw .tokenRefused("unknown_signer") }
        return key
    }
}
