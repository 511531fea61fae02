public import AdminClient
public import Kubernetes
public import Logging
public import ServiceLifecycle
import Synchronization

/// Brings the objects of a cluster to a broker, and tells on them what became of them.
///
/// Every process reads; one of several writes, elected by a Lease. Whoever loses the election stops at once, and what he
/// may still have under way the broker refuses by the number of his term.
public struct KubernetesController: Service {
    /// What this process answers probes with.
    public let health: HealthChecks
    /// Serves admission webhooks on every replica; nil where none are wanted. It is to run beside the controller.
    public let admission: AdmissionServer?

    private let settings: KubernetesSettings
    private let caches: [InformedCache]
    private let benches: [any Working]
    private let companions: [@Sendable () async -> Void]
    private let elector: LeaderElector
    private let environment: RuntimeEnvironment
    private let logger: Logger

    /// A controller that reads from one API server and writes to one broker.
    ///
    /// - Parameters:
    ///   - electionAPI: the way to the Lease; by default the same as to everything else. One of its own keeps renewals
    ///     from waiting in line behind thousands of other requests, by which leadership would be lost.
    ///   - admissionAPI: the way to what callers of the webhooks name; one of its own keeps them from holding up the rest.
    /// - Throws: `KubernetesError` of the kind `configuration` when the times of the election do not fit, or a file that is named
    ///   for admission cannot be used.
    public init(
        api: any KubernetesAPI, electionAPI: (any KubernetesAPI)? = nil, admissionAPI: (any KubernetesAPI)? = nil,
        broker: AdminClient, settings: KubernetesSettings, environment: RuntimeEnvironment = .system,
        metrics: ControllerMetrics = ControllerMetrics(), logger: Logger
    ) throws(KubernetesError) {
        try self.init(
            api: api, electionAPI: electionAPI, admissionAPI: admissionAPI,
            port: BrokerLink(source: settings.source, client: broker), settings: settings, environment: environment,
            metrics: metrics, logger: logger)
    }

    init(
        api: any KubernetesAPI, electionAPI: (any KubernetesAPI)? = nil, admissionAPI: (any KubernetesAPI)? = nil,
        port: any BrokerPort, settings: KubernetesSettings, environment: RuntimeEnvironment,
        metrics: ControllerMetrics, logger: Logger
    ) throws(KubernetesError) {
        let assembly = ControllerAssembly(
            api: api, broker: port, settings: settings, environment: environment, metrics: metrics, logger: logger)
        let admission = try Self.admission(assembly, (api, admissionAPI), settings, environment, metrics, logger)
        self.admission = admission?.server
        benches = assembly.benches + (admission?.keeper.map { [$0 as any Working] } ?? [])
        companions = assembly.companions
        elector = try LeaderElector(
            api: electionAPI ?? api, namespace: settings.leaseNamespace, name: settings.leaseName,
            candidate: settings.candidate, settings: settings.election, environment: environment,
            logger: logger, metrics: metrics.factory)
        let caches = assembly.caches
        self.caches = caches
        health = HealthChecks(
            unsynced: { caches.filter { !$0.hasSynced }.map(\.resource.plural) },
            problems: { caches.compactMap(\.problem) },
            admission: Self.doubts(admission))
        self.settings = settings
        self.environment = environment
        self.logger = logger
    }

    /// Why no webhook could be answered, whenever somebody asks; nil where none is served.
    private static func doubts(_ admission: AdmissionAssembly?) -> (@Sendable () -> String?)? {
        guard let certificates = admission?.certificates else { return nil }
        return { certificates.problem }
    }

    private static func admission(
        _ assembly: ControllerAssembly, _ ways: (api: any KubernetesAPI, lookups: (any KubernetesAPI)?),
        _ settings: KubernetesSettings,
        _ environment: RuntimeEnvironment, _ metrics: ControllerMetrics, _ logger: Logger
    ) throws(KubernetesError) -> AdmissionAssembly? {
        guard let wanted = settings.admission, let profiles = assembly.profiles else { return nil }
        do throws(ControllerError) {
            return try AdmissionAssembly(
                wanted, profiles: profiles, controller: settings, api: ways.api, lookups: ways.lookups,
                environment: environment, metrics: metrics, logger: logger)
        } catch {
            throw KubernetesError(.configuration, message: error.message)
        }
    }

    /// Runs until graceful shutdown or cancellation.
    ///
    /// The order of the end: not ready any more, nothing new begun, what was begun finished, the Lease released, the watches
    /// closed.
    ///
    /// - Throws: `ControllerError` `not_leading` when leadership is lost, and `fenced` when the broker knows of a later term:
    ///   the process is to be started anew.
    public func run() async throws {
        let standing = Standing()
        let end = await withTaskGroup(of: Void.self) { group in
            for cache in caches { group.addTask { await cache.run() } }
            for companion in companions { group.addTask { await companion() } }
            let end = await compete(standing)
            group.cancelAll()
            return end
        }
        guard end != .lost else { throw ControllerError.notLeading }
        guard !standing.isOvertaken.withLock({ $0 }) else { throw ControllerError.overtaken }
    }

    /// Whether this process leads, and whether the broker knows of a later leader.
    private final class Standing: Sendable {
        let isLeading = Mutex(false)
        let isOvertaken = Mutex(false)
    }

    /// Stands for election until the process ends or leadership is lost.
    private func compete(_ standing: Standing) async -> LeaderElector.End {
        await withTaskGroup(of: LeaderElector.End?.self) { group in
            group.addTask { [self] in
                await elector.lead { leadership in
                    standing.isLeading.withLock { $0 = true }
                    await term(leadership, standing)
                }
            }
            group.addTask { [self] in
                // Thrown when the election ended before, or everything is cancelled.
                guard (try? await gracefulShutdown()) != nil else { return nil }
                health.end()
                for bench in benches { bench.shutDown() }
                if standing.isLeading.withLock({ $0 }) { try? await environment.sleep(settings.drainTime) }
                return nil
            }
            var end = await group.next() ?? nil
            group.cancelAll()
            if end == nil { end = await group.next() ?? nil }
            return end ?? .cancelled
        }
    }

    /// Writes for as long as this process may, and the broker takes it.
    private func term(_ leadership: Leadership, _ standing: Standing) async {
        let (refusals, refusal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { [self] in
                await withDiscardingTaskGroup { group in
                    for bench in benches {
                        group.addTask { await bench.run(leadership) { refusal.yield() } }
                    }
                }
                return false
            }
            group.addTask { await refusals.first { true } != nil }
            let isOvertaken = await group.next() ?? false
            standing.isOvertaken.withLock { $0 = isOvertaken }
            group.cancelAll()
        }
    }
}

/// What a controller watches, and who it is.
public struct KubernetesSettings: Sendable {
    /// The name under which the broker keeps apart what comes from this cluster.
    public var source: String
    /// The namespaces that are watched; nil for all.
    public var namespaces: [String]?
    /// Whether kinds without namespace are watched, too.
    public var watchesClusterKinds = true
    /// Where the Lease is.
    public var leaseNamespace: String
    /// The Lease's name.
    public var leaseName = "claviger-controller"
    /// A name for this process that people recognise, such as the pod's.
    public var candidate: String
    /// The times of the election.
    public var election = LeaderElector.Settings()
    /// How admission webhooks are served; nil where they are not.
    public var admission: AdmissionSettings?
    /// How long changes are gathered before all policies are sent.
    public var debounce: Duration = .milliseconds(200)
    /// How long what was begun may take to finish when the process ends.
    public var drainTime: Duration = .seconds(10)

    /// Settings with all else as usual.
    public init(source: String, leaseNamespace: String, candidate: String) {
        self.source = source
        self.leaseNamespace = leaseNamespace
        self.candidate = candidate
    }
}
