public import CoreMetrics
public import Logging
import Synchronization

/// A cache of a collection that tells its handlers of every change.
///
/// ```swift
/// let queue = WorkQueue<ObjectKey>(name: "policies")
/// let policies = Informer(api: client, resource: .releasePolicies, handlers: [{ queue.add($0.key) }])
/// async let running: Void = policies.run()
/// try await policies.waitUntilSynced()
/// ```
///
/// Handlers are called one after another, in the order of events, after the store has changed. While a handler is at work no
/// further event is read from the connection, so a slow one holds the server up and fills no memory; it should note the key
/// in a ``WorkQueue`` and return. A handler that starts late (or misses events for any other reason) does not exist: all are
/// there from the start.
public final class Informer: Sendable {
    /// Is told of changes.
    public typealias Handler = @Sendable (ObjectChange) async -> Void

    /// The cached objects. Until ``hasSynced`` what is not in it may still exist.
    public let store: ObjectStore
    private let reflector: Reflector
    private let isRunning = Atomic(false)

    /// Makes an informer; ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - store: where objects are kept; with the indexes that are wanted.
    ///   - transform: what is kept of an object, for instance without large members that nobody reads. Name, namespace, uid
    ///     and resourceVersion must stay.
    public init(
        api: any KubernetesAPI, resource: APIResource, settings: CacheSettings = CacheSettings(),
        store: ObjectStore = ObjectStore(),
        transform: @escaping @Sendable (KubernetesObject) -> KubernetesObject = { $0 },
        handlers: [Handler] = [], environment: RuntimeEnvironment = .system,
        logger: Logger = Logger(label: "claviger.kubernetes"), metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        self.store = store
        reflector = Reflector(
            api: api, resource: resource, settings: settings, store: store, environment: environment, logger: logger,
            metrics: metrics, transform: transform
        ) { change in
            for handler in handlers { await handler(change) }
        }
    }

    /// Whether everything that existed at the start is in the store and has been told to the handlers.
    public var hasSynced: Bool { reflector.synced.isOpen }

    /// How the cache stands with the server.
    public var status: CacheStatus { reflector.status }

    /// Returns once ``hasSynced``; throws when the task is cancelled before.
    public func waitUntilSynced() async throws(CancellationError) { try await reflector.synced.wait() }

    /// Follows the collection until the task is cancelled. It may be run again after that; while it runs, another call returns
    /// at once.
    public func run() async {
        guard !isRunning.exchange(true, ordering: .acquiringAndReleasing) else { return }
        await reflector.run()
        isRunning.store(false, ordering: .releasing)
    }
}
