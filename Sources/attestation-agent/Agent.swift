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
    private let logger: Logger
    private let attester: any Attester
    private let client: KBSClient
    private let cache: ResourceCache
    private let files: ProjectedFiles
    private let metrics: MetricsRegistry
    private let outcome = AgentOutcome()

    init(_ settings: AgentSettings, metrics: MetricsRegistry, logger: Logger) throws(AgentFailure) {
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
        let counts = GuestMetrics(factory: metrics)
        let configuration = KBSClientConfiguration(
            url: settings.kbsURL,
            trustAnchorsPEM: try Self.text(settings.kbsCertificateFile, "certificate file") ?? settings.kbsCertificates,
            insecureHTTPAllowed: settings.allowHTTP, keyKind: settings.keyKind,
            initData: try Self.text(settings.initDataFile, "init-data file"), metrics: counts)
        do throws(GuestError) {
            attester = try AttesterDetection.attester(allowSample: settings.allowSample)
            client = try KBSClient(configuration, attester: attester)
        } catch {
            throw AgentFailure(error)
        }
        cache = ResourceCache(
            try Self.source(settings, client), timeToLive: settings.cacheSeconds, metrics: counts)
        files = ProjectedFiles(
            settings.projections, from: cache, by: Projection(allowDisk: settings.allowDisk))
        CredentialFolder.makeFolders(for: settings.projections)
        warn()
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
    private func warn() {
        if settings.allowSample {
            logger.warning("the sample attester is in use: its evidence proves nothing")
        }
        if settings.kbsURL == nil {
            logger.warning("no key broker is configured: tokens and resources are not to be had")
        }
        if !settings.offlineResources.isEmpty {
            logger.warning("resources come from files, not from a broker: no policy decides about them")
        }
        if !settings.unusedImageSettings.isEmpty {
            logger.warning(
                "image settings have no effect: this agent pulls no images, kata's agent does that itself",
                metadata: ["settings": "\(settings.unusedImageSettings.joined(separator: " "))"])
        }
        if settings.initDataDigest != nil {
            logger.warning("the init-data digest is not compared with what this TEE measured; the broker's policy can")
        }
        if settings.eventLogIsWanted {
            logger.warning("an event log is configured, but this version keeps none")
        }
    }

    /// Writes the projected files.
    ///
    /// - Returns: 0 when all are in place, else 1.
    func runOnce() async -> Int32 {
        let failures = await files.writeMissing()
        for (target, error) in failures {
            logger.error(
                "\(target.path) is not written: \(error)",
                metadata: ["code": "\(error.code.rawValue)", "decision": "\(error.decisionID ?? "")"])
        }
        return failures.isEmpty ? 0 : 1
    }

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Returns: the exit status.
    func serve() async throws -> Int32 {
        let services = try services()
        logger.info(
            "starting", metadata: ["broker": "\(settings.kbsURL ?? "none")", "tee": "\(attester.tee.rawValue)"])
        let configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: settings.isReference ? [.sigterm, .sigint, .sighup] : [.sigterm, .sigint],
            logger: logger)
        let group = ServiceGroup(configuration: configuration)
        do {
            try await group.run()
        } catch {
            await removeFiles()
            logger.critical("a face ended: \(error)")
            return AgentFailure.cannotListen
        }
        await removeFiles()
        return 0
    }

    private func services() throws -> [any Service] {
        let face = RESTFace(
            client: client, resources: cache, attester: attester, readiness: Readiness(files: files, client: client),
            features: settings.restFeatures, version: AttestationAgent.version
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
        for (name, address, offered) in faces(settings.attestationAgentSocket, settings.confidentialDataHubSocket) {
            services.append(Face(server: try ttrpc(offered, name, on: address), outcome: outcome))
        }
        for (name, address, offered) in faces(settings.attestationAgentGRPC, settings.confidentialDataHubGRPC) {
            services.append(Face(server: try grpc(offered, name, on: address), outcome: outcome))
        }
        services.append(ProjectionService(files: files, logger: logger))
        services.append(
            EndWatch(outcome: outcome) { [files, settings] in
                if settings.removeAtExit { try? await files.removeAll() }
            })
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
        Volumes(keys: VolumeKeys(DecidedResources(cache)), settings: settings.volumes)
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
        _ agentAddress: ListenAddress?, _ hubAddress: ListenAddress?
    ) -> [(name: String, address: ListenAddress, services: TTRPCServices)] {
        let logger = Logger(label: "guest-components")
        let agent = agentAddress.map { address in
            let services = TTRPCServices.attestationAgent(
                client: client, attester: attester, eventLogIsWanted: settings.eventLogIsWanted, logger: logger)
            return (name: "attestation-agent", address: address, services: services)
        }
        let hub = hubAddress.map { address in
            let services = TTRPCServices.confidentialDataHub(
                resources: cache, images: ImageKeys(keys: DecidedResources(cache)), volumes: volumes, logger: logger)
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

    private func removeFiles() async {
        guard settings.removeAtExit else { return }
        do throws(GuestError) {
            try await files.removeAll()
        } catch {
            logger.error("\(error)")
        }
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
