import Broker
import FoundationEssentials
import JOSE

/// Somebody whose admin tokens are believed, with his keys loaded.
struct IdentityProvider: Sendable {
    let issuer: String
    let audience: String
    private let publicKey: VerificationKey?
    private let keySet: JWKSet?

    init(_ configuration: IdentityProviderConfiguration) throws(ConfigurationError) {
        issuer = configuration.issuer
        audience = configuration.audience
        do {
            publicKey = try configuration.publicKeyFile.map { path in
                try VerificationKey(pem: try ConfigurationFile.text(at: path))
            }
            keySet = try configuration.jwkSetFile.map { path in
                try JWKSet(json: try ConfigurationFile.bytes(at: path))
            }
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(
                code: "invalid_key", message: "The keys of the identity provider \(issuer) cannot be used: \(error)")
        }
    }

    /// The payload of a token that one of this provider's keys signed, with an algorithm meant for that key.
    ///
    /// The key is the provider's own; nothing in the token's header can bring another one.
    func payload(of token: JWS) -> [UInt8]? {
        if let publicKey, publicKey.algorithms.contains(token.algorithm),
            let payload = try? token.verify(with: publicKey)
        {
            return payload
        }
        guard let identifier = token.header["kid"]?.stringValue, let key = keySet?.key(id: identifier),
            key.algorithms.contains(token.algorithm)
        else { return nil }
        return try? token.verify(with: key)
    }
}
