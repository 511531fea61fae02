import Encodings
import FoundationEssentials
import Guest
import GuestAPI
import Logging
import ServiceLifecycle
import Telemetry

/// The agent's parts, wired together.
struct Agent {
    private let settings: AgentSettings
    let logger: Logger
    private let attester: any Attester
    private let client: KBSClient
    let cache: ResourceCache
    /// Opens sealed secrets, each by a decision of the broker.
    let unsealer: Unsealer
    private let files: ProjectedFiles
    private let measurement: AgentMeasurement
    private let secrets: PodSecrets
    private let unsealedFiles: UnsealedFiles
    private let metrics: MetricsRegistry
    private let outcome = AgentOutcome()

    init(_ settings: AgentSettings, metrics: MetricsRegistry, logger: Logger) throws(AgentFailure) {
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
        let counts = GuestMetrics(factory: metrics)
        let configuration = try Self.configuration(settings, counts)
        do throws(GuestError) {
            attester = try AttesterDetection.attester(settings.attester) { logger.warning("\($0)") }
            client = try KBSClient(configuration, attester: attester)
        } catch {
            throw AgentFailure(error)
        }
        measurement = try AgentMeasurement(
            settings, attester: attester, initData: configuration.initData, logger: logger)
        settings.loggedEvents.keep(measurement.events)
        let broker = try Self.source(settings, client)
        let source: any ResourceSource =
            settings.measurement.measuresReleases ? MeasuredReleases(broker, measurements: measurement.events) : broker
        let wanted = settings.secrets
        cache = ResourceCache(
            source, timeToLive: wanted.cacheSeconds, negativeTimeToLive: wanted.refusalSeconds, metrics: counts)
        let projection = Projection(allowDisk: wanted.allowDisk)
        files = ProjectedFiles(wanted.projections, from: cache, by: projection)
        secrets = PodSecrets(wanted.secrets, from: DecidedResources(cache), by: projection, metrics: counts)
        unsealer = Unsealer(resources: DecidedResources(cache), trust: settings.sealedSecrets.trust)
        unsealedFiles = UnsealedFiles(settings.sealedSecrets.files, by: unsealer, into: projection)
        CredentialFolder.makeFolders(for: wanted.projections)
        warn(counts)
    }

    private static func configuration(
        _ settings: AgentSettings, _ counts: GuestMetrics
    ) throws(AgentFailure) -> KBSClientConfiguration {
        let broker = settings.broker
        return KBSClientConfiguration(
            url: broker.urls.first, furtherURLs: Array(broker.urls.dropFirst()),
            trustAnchorsPEM: try text(broker.certificateFile, "certificate file") ?? broker.certificates,
            insecureHTTPAllowed: broker.allowHTTP, proxy: broker.proxy, keyKind: broker.keyKind,
            initData: try text(settings.initDataFile, "init-data file"), timeout: broker.timeout,
            connectTimeout: broker.connectTimeout, returnAfter: broker.returnAfter, metrics: counts)
    }

    private static func source(
        _ settings: AgentSettings, _ client: KBSClient
    ) throws(AgentFailure) -> any ResourceSource {
        guard !settings.offlineResources.isEmpty else { return client }
        do throws(GuestError) {
            return try OfflineResources(files: settings.offlineResources)
        } catch {
            throw AgentFailure(error)
        }
    }

    /// Says at the start what an operator may believe to be otherwise.
    private func warn(_ metrics: GuestMetrics) {
        func insecure(_ mode: String, _ warning: String) {
            logger.warning("\(warning)", metadata: ["mode": "\(mode)"])
            metrics.insecureMode(mode)
        }
        if settings.allowSample {
            insecure("sample-evidence", "the sample attester is in use: its evidence proves nothing")
        }
        if settings.broker.allowHTTP {
            insecure(
                "plaintext", "brokers may be addressed without TLS: their answers are sealed, and may still be withheld"
            )
        }
        if settings.broker.urls.isEmpty {
            logger.warning("no key broker is configured: tokens and resources are not to be had")
        }
        if let warning = settings.sealedSecrets.warning { insecure("sealed-secrets-unpinned", warning) }
        if !settings.offlineResources.isEmpty {
            insecure("offline-resources", "resources come from files, not from a broker: no policy decides about them")
        }
        if settings.secrets.allowDisk {
            insecure(
                "secrets-on-disk", "secrets may be written to a disk, where they can be read when the guest is gone")
        }
        if !settings.unusedImageSettings.isEmpty {
            logger.warning(
                "image settings have no effect: this agent pulls no images, kata's agent does that itself",
                metadata: ["settings": "\(settings.unusedImageSettings.joined(separator: " "))"])
        }
    }

    /// Writes the projected and the unsealed files.
    ///
    /// - Parameter patience: how long to keep trying while the broker is away.
    /// - Returns: 0 when all are in place, else 1.
    func runOnce(_ patience: Patience = .none) async throws -> Int32 {
        try await measurement.bind()
        let failures = await patience.attempts(writeFiles) { $0.error }
        for (path, error) in failures {
            logger.error(
                "\(path) is not written: \(error)",
                metadata: ["code": "\(error.code.rawValue)", "decision": "\(error.decisionID ?? "")"])
        }
        let report = await secrets.refresh()
        SecretsService.log(report, to: logger)
        let isComplete = await secrets.missing.isEmpty
        return failures.isEmpty && isComplete ? 0 : 1
    }

    private func writeFiles() async -> [(path: String, error: GuestError)] {
        await projected() + (await unsealed())
    }

    private func projected() async -> [(path: String, error: GuestError)] {
        await files.writeMissing().map { (path: $0.target.path, error: $0.error) }
    }

    private func unsealed() async -> [(path: String, error: GuestError)] {
        await unsealedFiles.writeMissing().map { (path: $0.target.output, error: $0.error) }
    }

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Returns: the exit status.
    func serve() async throws -> Int32 {
        try await measurement.bind()
        let services = try services()
        logger.info(
            "starting",
            metadata: [
                "broker": "\(settings.broker.urls.first ?? "none")", "tee": "\(attester.tee.rawValue)",
            ])
        let configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: settings.isReference ? [.sigterm, .sigint, .sighup] : [.sigterm, .sigint],
            logger: logger)
        let group = ServiceGroup(configuration: configuration)
        do {
            try await group.run()
        } catch {
            await writtenFiles.remove()
            guard !(error is SecretsService.Changed) else {
                logger.notice("a secret changed whose notice is the end of this program")
                return AgentFailure.secretChanged
            }
            logger.critical("a face ended: \(error)")
            return AgentFailure.cannotListen
        }
        await writtenFiles.remove()
        return 0
    }

    private func services() throws -> [any Service] {
        let face = RESTFace(
            client: client, resources: PrefetchedResources(secrets, others: cache), attester: attester,
            readiness: Readiness(files: files, secrets: secrets, unsealed: unsealedFiles, client: client),
            features: settings.restFeatures, version: AttestationAgent.version, measurements: measurement.events,
            unsealer: unsealer, peers: settings.restPeers
        ) { [metrics] in metrics.prometheusText() }
        var services: [any Service] = settings.restAddresses.map { address in
            let server = RESTServer(face, on: address, logger: Logger(label: "rest")) { [logger] _ in
                logger.info("REST face listens", metadata: ["address": "\(address)"])
            }
            return Face(server: server, outcome: outcome)
        }
        if let address = settings.keyProvider {
            services.append(Face(server: try keyProvider(on: address), outcome: outcome))
        }
        let (agentSocket, hubSocket) = (settings.attestationAgentSocket, settings.confidentialDataHubSocket)
        for (name, address, offered) in faces(agentSocket, hubSocket, volumes: volumes) {
            services.append(Face(server: try ttrpc(offered, name, on: address), outcome: outcome))
        }
        // gRPC does not tell who calls, and opening volumes is for those whom the kernel vouches for.
        let (agentGRPC, hubGRPC) = (settings.attestationAgentGRPC, settings.confidentialDataHubGRPC)
        for (name, address, offered) in faces(agentGRPC, hubGRPC, volumes: nil) {
            services.append(Face(server: try grpc(offered, name, on: address), outcome: outcome))
        }
        services.append(FileService(writeMissing: { await projected() }, logger: logger))
        services.append(FileService(writeMissing: { await unsealed() }, logger: logger))
        services.append(SecretsService(secrets: secrets, outcome: outcome, logger: logger))
        if settings.broker.renewsAhead { services.append(TokenService(client: client)) }
        services.append(StartMemoryService())
        services.append(EndWatch(outcome: outcome) { [writtenFiles] in await writtenFiles.remove() })
        return services
    }

    /// The key provider with all that the settings allow.
    var imageKeys: ImageKeys {
        ImageKeys(
            keys: DecidedResources(cache),
            registrar: settings.adminTokenFile.map { AdminKeyRegistrar(client: client, tokenFile: $0) },
            scope: settings.keyScope, keyFolder: settings.keyFolder)
    }

    /// Encrypted volumes, their keys each by a decision of the broker.
    var volumes: Volumes {
        let keys = VolumeKeys(DecidedResources(cache)) { [unsealer] (text) throws(GuestError) in
            try await unsealer.unseal(text)
        }
        return Volumes(keys: keys, settings: settings.volumes)
    }

    private func keyProvider(on address: ListenAddress) throws(AgentFailure) -> KeyProviderServer {
        do throws(ListenAddressError) {
            return try KeyProviderServer(
                imageKeys, on: address, logger: Logger(label: "keyprovider")
            ) { [logger] _ in
                logger.info("key provider listens", metadata: ["address": "\(address)"])
            }
        } catch {
            throw AgentFailure(AgentFailure.badSetting, error.message)
        }
    }

    /// What the guest components' two programs offer, at the addresses where it is wanted.
    private func faces(
        _ agentAddress: ListenAddress?, _ hubAddress: ListenAddress?, volumes: Volumes?
    ) -> [(name: String, address: ListenAddress, services: TTRPCServices)] {
        let logger = Logger(label: "guest-components")
        let agent = agentAddress.map { address in
            let services = TTRPCServices.attestationAgent(
                client: client, attester: attester, measurements: measurement.events, logger: logger)
            return (name: "attestation-agent", address: address, services: services)
        }
        let hub = hubAddress.map { address in
            let services = TTRPCServices.confidentialDataHub(
                resources: PrefetchedResources(secrets, others: cache),
                images: ImageKeys(keys: DecidedResources(cache)), secrets: unsealer, volumes: volumes, logger: logger)
            return (name: "confidential-data-hub", address: address, services: services)
        }
        guard let agent, let hub, agent.address == hub.address else { return [agent, hub].compactMap { $0 } }
        return [(name: "both", address: agent.address, services: agent.services.merging(hub.services))]
    }

    private func ttrpc(
        _ services: TTRPCServices, _ name: String, on address: ListenAddress
    ) throws(AgentFailure) -> TTRPCServer {
        do throws(ListenAddressError) {
            return try TTRPCServer(services, on: address, peers: settings.peers, logger: Logger(label: "ttrpc")) {
                [logger] in
                logger.info("ttrpc face listens", metadata: ["address": "\(address)", "services": "\(name)"])
            }
        } catch {
            throw AgentFailure(AgentFailure.badSetting, error.message)
        }
    }

    private func grpc(
        _ services: TTRPCServices, _ name: String, on address: ListenAddress
    ) throws(AgentFailure) -> GuestGRPCServer {
        do throws(ListenAddressError) {
            return try GuestGRPCServer(services, on: address) { [logger] _ in
                logger.info("gRPC face listens", metadata: ["address": "\(address)", "services": "\(name)"])
            }
        } catch {
            throw AgentFailure(AgentFailure.badSetting, error.message)
        }
    }

    private var writtenFiles: WrittenFiles {
        WrittenFiles(
            projected: files, secrets: secrets, unsealed: unsealedFiles, areToGo: settings.secrets.removeAtExit,
            logger: logger)
    }

    /// The largest file with text that is read, in bytes.
    static let maximumTextBytes = 1_048_576

    private static func text(_ path: String?, _ purpose: String) throws(AgentFailure) -> String? {
        guard let path else { return nil }
        do throws(BoundedFileError) {
            return try BoundedFile.text(path, limit: maximumTextBytes)
        } catch {
            throw AgentFailure(AgentFailure.badSetting, "The \(purpose) \(error.message)")
        }
    }
}
