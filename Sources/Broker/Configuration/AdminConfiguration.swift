/// Who may administrate.
public struct AdminConfiguration: Sendable, Hashable {
    /// How admin requests are judged.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Nobody may administrate.
        case denyAll = "DenyAll"
        /// A signed token with a role, and an access list for the role.
        case authenticated = "AuthenticatedAuthorization"
    }

    /// How admin requests are judged.
    public var mode: Mode = .denyAll
    /// The longest time from now to a token's `exp` that is accepted.
    public var maximumTokenLifetime: Duration = .seconds(86_400)
    /// Whose tokens are believed.
    public var identityProviders: [IdentityProviderConfiguration] = []
    /// What each role may do; roles without an entry may do nothing.
    public var accessList: [AccessRuleConfiguration] = []

    /// Nobody may administrate.
    public init() {}
}

/// Somebody whose admin tokens are believed.
public struct IdentityProviderConfiguration: Sendable, Hashable {
    /// The `iss` claim that tokens must have.
    public var issuer: String
    /// The audience that tokens must be meant for.
    public var audience: String
    /// Path of a public key (PEM); the algorithm follows from the token's header as far as the key allows it.
    public var publicKeyFile: String?
    /// Path of a JWK set (RFC 7517); tokens name their key by `kid`.
    public var jwkSetFile: String?

    /// What more there is to know when the tokens are those of a Kubernetes cluster's service accounts.
    public var kubernetes: KubernetesIdentityConfiguration?

    /// A provider with a public key, a JWK set, or both; or with a cluster behind it.
    public init(
        issuer: String, audience: String, publicKeyFile: String? = nil, jwkSetFile: String? = nil,
        kubernetes: KubernetesIdentityConfiguration? = nil
    ) {
        self.issuer = issuer
        self.audience = audience
        self.publicKeyFile = publicKeyFile
        self.jwkSetFile = jwkSetFile
        self.kubernetes = kubernetes
    }
}

/// What a role may do.
public struct AccessRuleConfiguration: Sendable, Hashable {
    /// The `role` claim that this rule is about.
    public var role: String
    /// A regular expression that the whole request target, with its query, must match.
    public var allowedEndpoints: String
    /// The methods it holds for; all when absent.
    public var methods: [String]?

    /// A rule for one role.
    public init(role: String, allowedEndpoints: String, methods: [String]? = nil) {
        self.role = role
        self.allowedEndpoints = allowedEndpoints
        self.methods = methods
    }
}

/// Somebody else whose attestation tokens unlock resources here (passport mode).
public struct PassportIssuerConfiguration: Sendable, Hashable {
    /// The `iss` claim that tokens must have.
    public var issuer: String
    /// The audience that tokens must be meant for; without it, tokens that name an audience are refused.
    public var audience: String?
    /// Path of a JWK set; tokens name their key by `kid`.
    public var jwkSetFile: String?
    /// Path of trusted root certificates (PEM); tokens carry their key and its chain in the header's `jwk`.
    public var certificateFile: String?
    /// Further places (RFC 6901) where this issuer's tokens may carry the TEE key.
    public var teeKeyPointers: [String] = []

    /// An issuer with a JWK set, certificates, or both.
    public init(
        issuer: String, audience: String? = nil, jwkSetFile: String? = nil, certificateFile: String? = nil,
        teeKeyPointers: [String] = []
    ) {
        self.issuer = issuer
        self.audience = audience
        self.jwkSetFile = jwkSetFile
        self.certificateFile = certificateFile
        self.teeKeyPointers = teeKeyPointers
    }
}
