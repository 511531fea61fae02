import Kubernetes
import Logging

/// The parts of a controller and how they are joined: which cache feeds which line of work.
struct ControllerAssembly: Sendable {
    private(set) var caches: [InformedCache] = []
    private(set) var benches: [any Working] = []
    /// What runs beside the work.
    private(set) var companions: [@Sendable () async -> Void] = []
    /// The cache of AgentProfiles, which admission looks into as well.
    private(set) var profiles: InformedCache?

    /// What is looked at again when caches begin or cease to have problems.
    private var doubts: [@Sendable () -> Void] = []
    private let api: any KubernetesAPI
    private let broker: any BrokerPort
    private let settings: KubernetesSettings
    private let environment: RuntimeEnvironment
    private let metrics: ControllerMetrics
    private let logger: Logger
    private let statuses: any StatusPort
    private let events: any EventPort

    init(
        api: any KubernetesAPI, broker: any BrokerPort, settings: KubernetesSettings, environment: RuntimeEnvironment,
        metrics: ControllerMetrics, logger: Logger
    ) {
        self.api = api
        self.broker = broker
        self.settings = settings
        self.environment = environment
        self.metrics = metrics
        self.logger = logger
        let recorder = EventRecorder(
            api: api, controller: "claviger.dev/controller", instance: settings.candidate, environment: environment,
            logger: logger, metrics: metrics.factory)
        statuses = ObjectStatuses(api: api, environment: environment)
        events = recorder
        companions.append { await recorder.run() }
        addPolicies()
        if settings.watchesClusterKinds { addBundles() }
        addSecrets()
        addProfiles()
        let watch = CacheWatch(caches: caches, environment: environment, metrics: metrics) { [doubts] in
            for doubt in doubts { doubt() }
        }
        companions.append { await watch.run() }
    }

    private mutating func addPolicies() {
        let queue: WorkQueue<PolicySet> = queue("policies")
        let changes = ChangeCount()
        let kinds = APIResource.policies.filter { $0.isNamespaced || settings.watchesClusterKinds }
        let caches = kinds.map { kind in
            cache(of: kind) { [debounce = settings.debounce] change in
                guard change.isOfSubstance else { return }
                changes.add()
                queue.add(.all, after: debounce)
            }
        }
        self.caches += caches
        doubts.append { queue.add(.all) }
        let synchronizer = PolicySynchronizer(
            catalogue: PolicyCatalogue(caches: caches.map { ($0.resource, $0) }), broker: broker,
            statuses: PolicyStatusBoard(
                writer: statuses, events: events, environment: environment, metrics: metrics, logger: logger),
            changes: changes, environment: environment, metrics: metrics, logger: logger)
        add(
            "policies", queue, workers: 1, caches, everything: { [.all] },
            unread: { await synchronizer.tellUnread($0) }
        ) { (_, leadership) async throws(ControllerError) in
            try await synchronizer.pass(leadership)
        }
    }

    private mutating func addBundles() {
        let queue = fairQueue("bundles")
        let cache = cache(of: .policyBundles) { change in if change.isOfSubstance { queue.add(change.key) } }
        caches.append(cache)
        doubts.append { for key in cache.keys { queue.add(key) } }
        let reconciler = BundleReconciler(
            cache: cache, broker: broker, statuses: statuses, events: events, environment: environment)
        add("bundles", queue, workers: 1, [cache], everything: { cache.keys }) {
            (key, leadership) async throws(ControllerError) in
            try await reconciler.reconcile(key, leadership)
        }
    }

    private mutating func addSecrets() {
        let queue = fairQueue("secrets")
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let cache = cache(of: .brokeredSecrets) { change in
            guard change.isOfSubstance else { return }
            queue.add(change.key)
            signal.yield()
        }
        caches.append(cache)
        let watches = SourceWatches(
            api: api, secrets: cache, signals: signals, environment: environment, logger: logger
        ) { key in queue.add(key) }
        companions.append { await watches.run() }
        let reconciler = SecretReconciler(
            cache: cache, api: api, sources: NamedSecretReader(api: api), isWatched: { await watches.follows($0) },
            broker: broker, statuses: statuses, events: events, environment: environment)
        add("secrets", queue, workers: 4, [cache], everything: { cache.keys }) {
            (key, leadership) async throws(ControllerError) in
            try await reconciler.reconcile(key, leadership)
        }
    }

    private mutating func addProfiles() {
        let queue = fairQueue("profiles")
        let cache = cache(of: .agentProfiles) { change in if change.isOfSubstance { queue.add(change.key) } }
        caches.append(cache)
        profiles = cache
        let injection = settings.admission?.injection
        let census = injection.flatMap { settings in
            settings.image.map { _ in PodCensus(api: api, settings: settings, environment: environment) }
        }
        let reconciler = ProfileReconciler(cache: cache, statuses: statuses, events: events, census: census)
        add("profiles", queue, workers: 2, [cache], everything: { cache.keys }) {
            (key, leadership) async throws(ControllerError) in
            try await reconciler.reconcile(key, leadership)
        }
    }

    private func queue<Key>(_ name: String, group: @escaping @Sendable (Key) -> String = { _ in "" }) -> WorkQueue<Key>
    {
        WorkQueue(name: name, environment: environment, metrics: metrics.factory, group: group)
    }

    /// A queue in which namespaces have their turns in rotation: none waits for all that another one has.
    private func fairQueue(_ name: String) -> WorkQueue<ObjectKey> { queue(name) { $0.namespace ?? "" } }

    private func cache(of resource: APIResource, _ handler: @escaping Informer.Handler) -> InformedCache {
        let namespaces: [String?] =
            if resource.isNamespaced, let named = settings.namespaces { named } else { [nil] }
        let stores = namespaces.map { _ in ObjectStore() }
        let count: Informer.Handler = { [metrics] _ in
            metrics.objects(resource.kind, stores.reduce(0) { $0 + $1.count })
        }
        let followers = zip(namespaces, stores).map { namespace, store in
            RenewableInformer(store: store) { [api, environment, logger, metrics] store in
                Informer(
                    api: api, resource: resource, settings: CacheSettings(namespace: namespace), store: store,
                    transform: { $0.withoutBookkeeping() }, handlers: [count, handler], environment: environment,
                    logger: logger, metrics: metrics.factory)
            }
        }
        return InformedCache(resource: resource, followers: followers, environment: environment)
    }

    private mutating func add<Key>(
        _ name: String, _ queue: WorkQueue<Key>, workers: Int, _ caches: [InformedCache],
        everything: @escaping @Sendable () -> [Key], unread: @escaping @Sendable (Leadership) async -> Void = { _ in },
        _ reconcile: @escaping Workbench<Key>.Reconcile
    ) {
        benches.append(
            Workbench(
                name: name, queue: queue, workers: workers, environment: environment, metrics: metrics, logger: logger,
                everything: everything, caches: caches, unread: unread, reconcile: reconcile))
    }
}

/// The one key of the policies: they are looked at together.
enum PolicySet: String, Sendable, Hashable, CustomStringConvertible {
    case all

    var description: String { rawValue }
}
