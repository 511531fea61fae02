import Collateral
import Encodings
import FoundationEssentials
import JOSE
import KBSProtocol
public import Logging
public import RATS
import Storage
public import Verification

/// The broker's use cases: challenges, attestation, release of secrets, and administration.
///
/// One value serves any number of requests at once. It keeps nothing that another broker on the same database would miss.
public final class Broker: Sendable {
    let configuration: BrokerConfiguration
    let environment: BrokerEnvironment
    let database: Database
    let verifiers: VerifierRegistry
    let metrics: BrokerMetrics
    let logger: Logger
    let protocolPolicy: ProtocolPolicy
    let versionRules: ProtocolVersionRules
    let challengeBox: SealedBox
    let sessionCookies: SessionCookies
    let tokenVerifier: TokenVerifier
    let signingKeys: SigningKeyRing
    let policySignatures: PolicySignatures
    let policies: PolicyCache
    let collateral: CollateralCache
    /// Whose bundles of collateral are taken.
    let collateralSigners: TrustedSigners?
    let replicas: ReplicaRepository
    /// Names this broker among the replicas.
    let replicaID = "\(ProcessInfo.processInfo.hostName)-\(Hex.encode(SecretBytes.random(count: 3).copyBytes()))"
    let sessions: SessionRepository
    let decidingRead: DecidingRead
    let callers = CallerCache()
    let resources: ResourceRepository
    let policyDocuments: PolicyRepository
    let registeredValues: ReferenceValueRepository
    let decisionLedger: DecisionRepository
    let revocations: RevocationRepository
    let releaseCounts: ReleaseCountRepository
    let approvals: ApprovalRepository
    let platforms: PlatformRepository
    let secrets: SecretRepository
    let sealingKeys: SealingKeyRing
    let keyWorkshop: KeyWorkshop
    let resourceMatches: ResourceMatches
    let referenceWatch = ReferenceValueWatch()
    let measurements: MeasurementRepository
    let measurementWatch = MeasurementWatch()

    private init(
        _ configuration: BrokerConfiguration, database: Database, keyRing: KeyEncryptionKeyRing,
        verifiers: VerifierRegistry, inspectors: [any CollateralInspector], environment: BrokerEnvironment,
        metrics: BrokerMetrics, logger: Logger
    ) throws(ConfigurationError) {
        self.configuration = configuration
        self.environment = environment
        self.database = database
        self.verifiers = verifiers
        self.metrics = metrics
        self.logger = logger
        var protocolPolicy = configuration.protocolVersions.legacy ? ProtocolPolicy.withLegacy : .standard
        protocolPolicy.launches = verifiers.tees.contains(.sev)
        self.protocolPolicy = protocolPolicy
        versionRules = try ProtocolVersionRules(configuration.protocolVersions)
        challengeBox = try Self.challengeBox(keyRing)
        sessionCookies = try Self.sessionCookies(keyRing)
        tokenVerifier = try Self.tokenVerifier(configuration)
        signingKeys = SigningKeyRing(
            SigningKeyRepository(database, keys: keyRing), environment: environment,
            overlap: configuration.token.rotationOverlap, logger: logger)
        policyDocuments = PolicyRepository(database, keys: keyRing)
        policySignatures = try PolicySignatures(configuration.policies.signatures)
        policies = PolicyCache(
            policyDocuments, signatures: policySignatures, environment: environment, metrics: metrics, logger: logger)
        collateral = CollateralCache(
            database: database, keys: keyRing, origins: try configuration.collateral.origins(), inspectors: inspectors,
            settings: configuration.collateral.settings, clock: environment.clock,
            metrics: CollateralMetrics(factory: metrics.factory), logger: logger)
        collateralSigners = try configuration.collateral.trustedSigners()
        replicas = ReplicaRepository(database)
        sessions = SessionRepository(database, keys: keyRing)
        decidingRead = DecidingRead(database, keys: keyRing)
        let resources = ResourceRepository(database, keys: keyRing)
        self.resources = resources
        resourceMatches = ResourceMatches(logger: logger) { sets async throws(StorageError) in
            try await resources.matches(sets)
        }
        registeredValues = ReferenceValueRepository(database, keys: keyRing)
        measurements = MeasurementRepository(database)
        decisionLedger = DecisionRepository(database)
        revocations = RevocationRepository(database)
        releaseCounts = ReleaseCountRepository(database)
        approvals = ApprovalRepository(database, keys: keyRing)
        platforms = PlatformRepository(database, keys: keyRing)
        secrets = SecretRepository(database, keys: keyRing)
        sealingKeys = SealingKeyRing(SigningKeyRepository(database, keys: keyRing), environment: environment)
        keyWorkshop = KeyWorkshop(maker: environment.makeSecret)
    }

    /// Opens a broker over a database that is at hand: migrates it, makes the signing key if there is none, installs the
    /// default policies where the configuration says so, and loads the policies.
    ///
    /// - Parameters:
    ///   - configuration: What the operator set; its database section and key file are not looked at.
    ///   - database: The database.
    ///   - keyRing: The key-encryption keys.
    ///   - verifiers: Who believes which evidence; by default those that the configuration allows.
    ///   - inspectors: Who verifies collateral before it is kept, by default those of AMD's and Intel's; what none of them
    ///     knows is refused.
    ///   - environment: The time and the nonces.
    ///   - metrics: Where the broker counts.
    ///   - logger: Where the broker logs.
    /// - Throws: ``ConfigurationError`` for settings that cannot be used, ``BrokerError`` when the database cannot.
    public static func open(
        _ configuration: BrokerConfiguration, database: Database, keyRing: KeyEncryptionKeyRing,
        verifiers: VerifierRegistry? = nil, inspectors: [any CollateralInspector]? = nil,
        environment: BrokerEnvironment = BrokerEnvironment(), metrics: BrokerMetrics = BrokerMetrics(), logger: Logger
    ) async throws -> Broker {
        let registry =
            verifiers
            ?? VerifierRegistry(
                configuration.verifiers, allowSample: configuration.attestation.allowSample)
        let broker = try Broker(
            configuration, database: database, keyRing: keyRing, verifiers: registry,
            inspectors: inspectors ?? [
                SNPCollateralInspector(), IntelCollateralInspector(),
                NVIDIACollateralInspector(),
            ],
            environment: environment, metrics: metrics, logger: logger)
        if registry.acceptsSampleEvidence {
            logger.warning("sample evidence is believed, which anyone can make; never use this for anything of value")
            metrics.insecureMode("sample-evidence")
        }
        if registry.tees.contains(.sev) {
            logger.warning("launches of SEV and SEV-ES guests are believed, which is legacy; prefer SEV-SNP")
            metrics.insecureMode("legacy-sev")
        }
        if verifiers == nil {
            for warning in configuration.verifiers.warnings {
                logger.warning("\(warning.message)", metadata: ["setting": "\(warning.setting)"])
            }
        }
        if configuration.protocolVersions.legacy {
            logger.warning(
                "protocol versions below 0.2.0 are served; their answers are not authenticated by themselves")
            metrics.insecureMode("legacy-protocol")
        }
        try await storing { () async throws(StorageError) in try await Migrations.migrate(database) }
        try await broker.signingKeys.prepare()
        try await broker.sealingKeys.prepare()
        try await broker.installDefaultPolicies()
        if try await storing({ () async throws(StorageError) in try await broker.policyDocuments.renewSeal() }) {
            logger.notice("policies sealed under the current key-encryption key")
        }
        await broker.renewCollateralSeals()
        try await broker.policies.load()
        return broker
    }

    /// Opens a broker with everything from its configuration: connects to the database and reads the key file first.
    ///
    /// Throws as ``open(_:database:keyRing:verifiers:inspectors:environment:metrics:logger:)`` does.
    public static func open(
        _ configuration: BrokerConfiguration, metrics: BrokerMetrics = BrokerMetrics(), logger: Logger
    ) async throws -> Broker {
        let (database, keyRing) = try await connect(configuration)
        return try await open(configuration, database: database, keyRing: keyRing, metrics: metrics, logger: logger)
    }

    /// Reads the key file and connects to the database that a configuration names.
    static func connect(
        _ configuration: BrokerConfiguration
    ) async throws(ConfigurationError) -> (database: Database, keyRing: KeyEncryptionKeyRing) {
        let keyRing = try keyRing(configuration)
        let settings = DatabaseConfiguration(
            dsn: try configuration.database.connectionString(), connections: configuration.database.connections,
            statementTimeout: configuration.database.statementTimeout,
            requestTimeout: configuration.database.statementTimeout)
        let database: Database
        do {
            database = try await Database.connect(settings)
        } catch {
            throw ConfigurationError(
                code: "database_unusable", message: "The database cannot be used: \(error.message)")
        }
        return (database, keyRing)
    }

    static func challengeBox(_ ring: KeyEncryptionKeyRing) throws(ConfigurationError) -> SealedBox {
        do {
            return SealedBox(
                kind: .challenge,
                keys: try ring.keyIDs.map { try ring.derive(purpose: .challengeCookie, keyID: $0) })
        } catch {
            throw ConfigurationError(code: "invalid_key", message: "The key-encryption keys cannot be used: \(error)")
        }
    }

    static func sessionCookies(_ ring: KeyEncryptionKeyRing) throws(ConfigurationError) -> SessionCookies {
        do throws(StorageError) {
            return try SessionCookies(ring)
        } catch {
            throw ConfigurationError(code: "invalid_key", message: "The key-encryption keys cannot be used: \(error)")
        }
    }
}

extension DatabaseSettings {
    /// The connection string, from the file when one is named.
    func connectionString() throws(ConfigurationError) -> String {
        if let urlFile {
            let text = try ConfigurationFile.text(at: urlFile)
            return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        }
        guard let url else {
            throw ConfigurationError(
                code: "missing_key", message: "There is no database: set database.urlFile or database.url.")
        }
        return url
    }
}
