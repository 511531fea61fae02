import Broker
import CoreMetrics
import FoundationEssentials
import JOSE
import Logging
import RATS

/// Somebody whose admin tokens are believed, with his keys loaded.
struct IdentityProvider: Sendable {
    let issuer: String
    let audience: String
    private let publicKey: VerificationKey?
    private let keySet: JWKSet?
    /// Keys of a cluster, and the roles of its service accounts by subject.
    private let cluster: (keys: IssuerKeys, roles: [String: String])?

    init(
        _ configuration: IdentityProviderConfiguration, clock: WallClock, metrics: any MetricsFactory, logger: Logger
    ) throws(ConfigurationError) {
        issuer = configuration.issuer
        audience = configuration.audience
        let set: JWKSet?
        do {
            publicKey = try configuration.publicKeyFile.map { path in
                try VerificationKey(pem: try ConfigurationFile.text(at: path))
            }
            set = try configuration.jwkSetFile.map { path in
                try JWKSet(json: try ConfigurationFile.bytes(at: path))
            }
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(
                code: "invalid_key", message: "The keys of the identity provider \(issuer) cannot be used: \(error)")
        }
        guard let kubernetes = configuration.kubernetes else {
            (keySet, cluster) = (set, nil)
            return
        }
        keySet = nil
        let keys = IssuerKeys(
            issuer: issuer, initial: set, clock: clock, metrics: metrics, logger: logger,
            source: try Self.source(configuration, kubernetes))
        cluster = (keys, Dictionary(kubernetes.roles.map { ($0.subject, $0.role) }) { first, _ in first })
    }

    /// Where a cluster's keys come from: the issuer itself, or a file, which is read again like the issuer is asked again.
    private static func source(
        _ configuration: IdentityProviderConfiguration, _ kubernetes: KubernetesIdentityConfiguration
    ) throws(ConfigurationError) -> IssuerKeys.Source {
        if kubernetes.discovers, let certificateFile = kubernetes.certificateFile {
            _ = try ConfigurationFile.text(at: certificateFile)
            let discovery = IssuerDiscovery(
                issuer: configuration.issuer, certificateFile: certificateFile, tokenFile: kubernetes.tokenFile)
            return { () async throws(IssuerKeys.Unavailable) in try await discovery.keys() }
        }
        guard let path = configuration.jwkSetFile else {
            throw ConfigurationError(
                code: "missing_key", message: "The identity provider \(configuration.issuer) has no keys.")
        }
        return { () async throws(IssuerKeys.Unavailable) in
            do {
                return try JWKSet(json: try ConfigurationFile.bytes(at: path))
            } catch {
                throw IssuerKeys.Unavailable(message: "\(error)")
            }
        }
    }

    /// The payload of a token that one of this provider's keys signed, with an algorithm meant for that key.
    ///
    /// The key is the provider's own; nothing in the token's header can bring another one.
    func payload(of token: JWS) async -> [UInt8]? {
        if let publicKey, publicKey.algorithms.contains(token.algorithm),
            let payload = try? token.verify(with: publicKey)
        {
            return payload
        }
        guard let identifier = token.header["kid"]?.stringValue, let key = await key(identifier, for: token),
            key.algorithms.contains(token.algorithm)
        else { return nil }
        return try? token.verify(with: key)
    }

    private func key(_ identifier: String, for token: JWS) async -> VerificationKey? {
        guard let cluster else { return keySet?.key(id: identifier) }
        // A token of somebody else is no reason to ask this issuer for its keys.
        guard let claims = try? JWTClaims(payload: token.payload),
            claims.issuer?.utf8.elementsEqual(issuer.utf8) == true
        else { return nil }
        return await cluster.keys.key(id: identifier)
    }

    /// Who the holder of a verified token is here.
    func identity(_ claims: JWTClaims) throws(AdminRefusal) -> (subject: String, role: String, workload: String?) {
        guard let cluster else {
            guard let role = claims.object["role"]?.stringValue, !role.isEmpty else { throw .noRole }
            return (claims.subject ?? AdminPrincipal.unnamed, role, nil)
        }
        // Whatever the token says of a role is not the cluster's to say.
        let token = try ServiceAccountToken(claims)
        guard let role = cluster.roles[token.subject] else { throw .accountNotNamed(subject: token.subject) }
        return (token.subject, role, token.pod)
    }
}
