import Broker
import CoreMetrics
import FoundationEssentials
import JOSE
import Logging
import RATS

/// Decides who may administrate: who the caller is, and what his role may do.
struct AdminGate: Sendable {
    private let mode: AdminConfiguration.Mode
    private let providers: [IdentityProvider]
    private let rules: [AccessRule]
    private let maximumLifetime: Double
    private let clock: WallClock
    static let leeway: Int64 = 60

    /// Loads the keys and compiles the access list.
    init(
        _ configuration: AdminConfiguration, clock: WallClock,
        metrics: any MetricsFactory = NOOPMetricsHandler.instance, logger: Logger = Logger(label: "claviger-broker")
    ) throws(ConfigurationError) {
        mode = configuration.mode
        maximumLifetime = configuration.maximumTokenLifetime.inSeconds
        self.clock = clock
        var providers: [IdentityProvider] = []
        var rules: [AccessRule] = []
        if configuration.mode == .authenticated {
            guard !configuration.identityProviders.isEmpty else {
                throw ConfigurationError(
                    code: "no_identity_provider", message: "admin.identityProviders must not be empty.")
            }
            for provider in configuration.identityProviders {
                providers.append(try IdentityProvider(provider, clock: clock, metrics: metrics, logger: logger))
            }
            for rule in configuration.accessList { rules.append(try AccessRule(rule)) }
        }
        self.providers = providers
        self.rules = rules
    }

    /// Lets a request in, or says why not.
    func admit(bearer: String?, method: String, target: String) async throws(AdminRefusal) -> AdminPrincipal {
        guard mode != .denyAll else { throw .everybodyDenied }
        guard let bearer else { throw .noBearerToken }
        let principal = try await authenticate(bearer)
        guard rules.contains(where: { $0.allows(role: principal.role, method: method, target: target) }) else {
            throw .roleNotAllowed(role: principal.role, path: target)
        }
        return principal
    }

    private func authenticate(_ bearer: String) async throws(AdminRefusal) -> AdminPrincipal {
        guard let token = try? JWS(compact: bearer) else { throw .notVerified(code: "admin_token_malformed") }
        // A header that offers a key of its own belongs to another kind of token or to an attack.
        let foreignMembers = ["jwk", "jku", "x5u", "x5c", "crit"]
        guard !foreignMembers.contains(where: { token.header[$0] != nil }) else {
            throw .notVerified(code: "admin_token_header")
        }
        var refusal = AdminRefusal.notVerified(code: "admin_token_unknown_signer")
        for provider in providers {
            guard let payload = await provider.payload(of: token) else { continue }
            do {
                return try principal(payload, provider)
            } catch {
                refusal = error
            }
        }
        throw refusal
    }

    private func principal(_ payload: [UInt8], _ provider: IdentityProvider) throws(AdminRefusal) -> AdminPrincipal {
        let now = clock.now()
        guard let claims = try? JWTClaims(payload: payload) else { throw .notVerified(code: "admin_token_malformed") }
        // An attestation token says what a guest is, never what an administrator may do.
        guard claims.object["eat_profile"] == nil, claims.object["submods"] == nil else {
            throw .notVerified(code: "admin_token_is_attestation")
        }
        let identity = try provider.identity(claims)
        do {
            try claims.validate(
                now: now, leeway: Self.leeway, issuer: provider.issuer, audience: provider.audience,
                requireExpiration: true)
        } catch {
            throw .notVerified(code: error.code)
        }
        guard let seconds = claims.expiresAt,
            Double(seconds) - now.timeIntervalSince1970 <= maximumLifetime + Double(Self.leeway)
        else {
            throw .notVerified(code: "admin_token_lives_too_long")
        }
        return AdminPrincipal(
            issuer: provider.issuer, subject: identity.subject, role: identity.role, workload: identity.workload,
            expiresAt: Date(timeIntervalSince1970: Double(seconds)), singleUse: try Self.singleUse(claims))
    }

    /// The identifier of a token that says that it is for one request. What else it may say of its use is not understood.
    private static func singleUse(_ claims: JWTClaims) throws(AdminRefusal) -> String? {
        guard let use = claims.object["claviger_use"] else { return nil }
        guard use == "once", let identifier = claims.object["jti"]?.stringValue, !identifier.isEmpty else {
            throw .notVerified(code: "admin_token_use")
        }
        return identifier
    }
}
