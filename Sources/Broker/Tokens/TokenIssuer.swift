import Encodings
import FoundationEssentials
import JOSE
import RATS

/// A key that signs attestation tokens, with the certificates that vouch for it.
struct TokenSigningKey: Sendable {
    /// RFC 7638 thumbprint; also the key's name in the database.
    let id: String
    let key: SigningKey
    /// DER certificates, leaf first.
    let certificates: [[UInt8]]
    let createdAt: Date
    /// When it stopped signing; `nil` for the active key.
    let retiredAt: Date?

    /// The header's `jwk`, in the order that Trustee writes it.
    var headerJWK: JSONObject {
        var jwk: JSONObject = [:]
        if !certificates.isEmpty { jwk["x5c"] = .array(certificates.map { .string(Base64.encode($0)) }) }
        for (name, value) in key.publicJWK { jwk[name] = value }
        return jwk
    }
}

/// Signs attestation results (EAR, kbs-protocol section 4.1).
struct TokenIssuer: Sendable {
    let signer: TokenSigningKey

    func sign(_ result: AttestationResult) throws(BrokerError) -> String {
        let header: JSONObject = ["typ": "JWT", "alg": "ES256", "jwk": .object(signer.headerJWK)]
        do {
            return try JWS.sign(header: header, payload: result.earClaims().serialized(), with: signer.key)
        } catch {
            throw .internalFailure("signing_failed", "The broker could not sign the attestation token")
        }
    }
}
