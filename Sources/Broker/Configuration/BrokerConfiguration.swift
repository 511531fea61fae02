/// Everything that an operator can set about a broker.
///
/// The defaults deny: no sample evidence, no admin, no foreign issuer, no legacy protocol, no plaintext.
public struct BrokerConfiguration: Sendable, Hashable {
    /// Addresses to listen on, each `host:port` (IPv6 hosts in brackets); port 0 takes a free one.
    public var listen: [String] = ["127.0.0.1:8080"]
    /// How connections are protected.
    public var transport = TransportConfiguration()
    /// Where the database is.
    public var database = DatabaseSettings()
    /// Path of the file with the key-encryption keys.
    public var keyEncryptionKeyFile: String?
    /// The attestation tokens that this broker issues.
    public var token = TokenConfiguration()
    /// Challenges and sessions.
    public var session = SessionConfiguration()
    /// What counts as evidence.
    public var attestation = AttestationConfiguration()
    /// Which kinds of hardware evidence are believed.
    public var verifiers = VerifierConfiguration()
    /// Which versions of the KBS protocol are served.
    public var protocolVersions = ProtocolConfiguration()
    /// Who may administrate.
    public var admin = AdminConfiguration()
    /// Where collateral comes from.
    public var collateral = CollateralConfiguration()
    /// How policies are taken.
    public var policies = PolicyConfiguration()
    /// How reference values are taken.
    public var referenceValues = ReferenceValueConfiguration()
    /// Whose tokens are accepted besides this broker's own.
    public var passport: [PassportIssuerConfiguration] = []
    /// Bounds on what callers may ask for.
    public var limits = LimitConfiguration()
    /// The lowest level of log entries: `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`.
    public var logLevel = "info"

    /// The defaults.
    public init() {}
}

/// How connections are protected.
public struct TransportConfiguration: Sendable, Hashable {
    /// Path of the server's certificate chain (PEM, leaf first).
    public var certificateFile: String?
    /// Path of the certificate's private key (PEM).
    public var keyFile: String?
    /// Serves plain HTTP; only for a broker behind a proxy on the same host, and for tests.
    public var insecurePlaintext = false

    /// No certificate and no permission to go without one: a server cannot start with this.
    public init() {}
}

/// Where the database is.
public struct DatabaseSettings: Sendable, Hashable {
    /// libpq connection string or URI; several hosts with `target_session_attrs=read-write` are allowed.
    public var url: String?
    /// Path of a file that holds the connection string; use it when the string has a password.
    public var urlFile: String?
    /// Connections kept open; requests share them.
    public var connections = 2
    /// How long one statement may take, and how long a request waits for its answer; a decision that is not durable after
    /// about twice that is a refusal to come back later.
    public var statementTimeout: Duration = .seconds(5)

    /// No database: it must be named.
    public init() {}
}

/// The attestation tokens that this broker issues.
public struct TokenConfiguration: Sendable, Hashable {
    /// The `iss` claim.
    public var issuer = "claviger"
    /// The `aud` claim; own tokens are accepted for this audience only.
    public var audience = "claviger-kbs"
    /// How long a token and its session hold.
    public var lifetime: Duration = .seconds(300)
    /// How long tokens of a retired signing key are still accepted; at least as long as they live.
    public var rotationOverlap: Duration = .seconds(3_600)

    /// The defaults.
    public init() {}
}

/// Challenges and sessions.
public struct SessionConfiguration: Sendable, Hashable {
    /// How long a challenge may be answered.
    public var challengeLifetime: Duration = .seconds(300)
    /// How far the clocks of two replicas may differ: a session ends by this much earlier or later at most.
    public var clockTolerance: Duration = .seconds(60)

    /// The defaults.
    public init() {}
}

/// What counts as evidence.
public struct AttestationConfiguration: Sendable, Hashable {
    /// Believes evidence of the TEE `sample`, which anyone can make; for development only.
    public var allowSample = false
    /// What the token names as the verifier's maker.
    public var verifierDeveloper = "https://claviger.dev"
    /// What the token names as the verifier's build.
    public var verifierBuild = "claviger-broker 0.1.0"

    /// The defaults.
    public init() {}
}

/// Which versions of the KBS protocol are served.
public struct ProtocolConfiguration: Sendable, Hashable {
    /// Serves 0.1.0 and 0.1.1 too, whose answers are not authenticated by themselves.
    public var legacy = false
    /// The lowest version whose clients get a resource.
    public var minimumVersion = "0.2.0"
    /// Other lowest versions, by resource pattern (`repository/type/tag`, `*` for a whole segment).
    public var resourceMinimumVersions: [String: String] = [:]

    /// The defaults.
    public init() {}
}

/// Bounds on what callers may ask for.
public struct LimitConfiguration: Sendable, Hashable {
    /// Largest request body in bytes.
    public var bodyBytes = 2_097_152
    /// Largest resource in bytes.
    public var resourceBytes = 1_048_576
    /// Challenges, and attestations, per second that one source address gets.
    public var challengesPerSecond = 200
    /// Challenges, and attestations, that one source address may ask for at once.
    public var challengeBurst = 1_000
    /// How long a connection may stay idle.
    public var idleTimeout: Duration = .seconds(30)
    /// Connections served at once on each address.
    public var connections = 4_096

    /// The defaults.
    public init() {}
}
