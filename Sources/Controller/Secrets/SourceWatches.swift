import Kubernetes
import Logging

/// Follows the Secrets that `BrokeredSecret`s refer to: one watch for each, by name, and only of its metadata.
///
/// A Role that names the Secrets is enough for that. A watch over all Secrets would need the right to read them all. As each
/// watch is a connection, there is a bound; beyond it a Secret is still read now and then, and its object says so.
actor SourceWatches {
    private let api: any KubernetesAPI
    private let secrets: any ObjectCache
    private let signals: AsyncStream<Void>
    private let changed: @Sendable (ObjectKey) -> Void
    private let environment: RuntimeEnvironment
    private let logger: Logger
    private let budget: WatchBudget
    private var watches: [ObjectKey: Task<Void, Never>] = [:]
    private var heldBack: Set<ObjectKey> = []

    /// - Parameters:
    ///   - secrets: the `BrokeredSecret`s.
    ///   - signals: says that these changed.
    ///   - changed: is told which of them refers to a Secret that changed.
    init(
        api: any KubernetesAPI, secrets: any ObjectCache, signals: AsyncStream<Void>,
        budget: WatchBudget = WatchBudget(), environment: RuntimeEnvironment, logger: Logger,
        changed: @escaping @Sendable (ObjectKey) -> Void
    ) {
        self.api = api
        self.secrets = secrets
        self.signals = signals
        self.budget = budget
        self.environment = environment
        self.logger = logger
        self.changed = changed
    }

    /// Which Secrets are followed.
    var followed: Set<ObjectKey> { Set(watches.keys) }

    /// Whether a Secret's changes are noticed when they happen; also true of one that is about to be followed.
    func follows(_ key: ObjectKey) -> Bool { !heldBack.contains(key) }

    /// Follows what is referred to, until the task is cancelled. Can be run once.
    func run() async {
        review(Set(secrets.objects.compactMap(Self.reference)))
        for await _ in signals { review(Set(secrets.objects.compactMap(Self.reference))) }
        review([])
    }

    private func review(_ referred: Set<ObjectKey>) {
        let wanted = budget.share(among: referred)
        for (key, task) in watches where !wanted.contains(key) {
            task.cancel()
            watches[key] = nil
        }
        for key in wanted where watches[key] == nil { watches[key] = follow(key) }
        let former = heldBack
        heldBack = referred.subtracting(wanted)
        let newlyHeldBack = heldBack.subtracting(former)
        guard !newlyHeldBack.isEmpty else { return }
        for object in secrets.objects {
            if let key = Self.reference(object), newlyHeldBack.contains(key) { changed(ObjectKey(object)) }
        }
    }

    private func follow(_ key: ObjectKey) -> Task<Void, Never> {
        let informer = Informer(
            api: api, resource: .secrets,
            settings: CacheSettings(
                namespace: key.namespace, fieldSelector: "metadata.name=\(key.name)", metadataOnly: true,
                usesWatchList: false),
            transform: { $0.withoutBookkeeping() },
            handlers: [
                { [secrets, changed] _ in
                    for object in secrets.objects where Self.reference(object) == key { changed(ObjectKey(object)) }
                }
            ], environment: environment, logger: logger)
        // Not a child of the reviewing task: each ends by itself when nobody refers to its Secret any more.
        return Task { await informer.run() }
    }

    private static func reference(_ object: KubernetesObject) -> ObjectKey? {
        guard object.deletionTimestamp == nil, let reference = object.spec.flatMap(SourceReference.init) else {
            return nil
        }
        return ObjectKey(namespace: object.namespace, name: reference.name)
    }
}
