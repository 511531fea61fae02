import CoreMetrics
import Logging
import Synchronization

/// Keeps a store equal to a collection of the API server: reads it whole, follows its changes, and reads it again when the
/// thread of changes is lost. Every difference is delivered, also deletions that nobody told of.
final class Reflector: Sendable {
    private let api: any KubernetesAPI
    private let resource: APIResource
    private let settings: CacheSettings
    private let store: ObjectStore
    private let environment: RuntimeEnvironment
    private let logger: Logger
    private let metrics: WatchMetrics
    private let transform: @Sendable (KubernetesObject) -> KubernetesObject
    private let deliver: @Sendable (ObjectChange) async -> Void
    private let currentStatus = Mutex(CacheStatus())

    /// Opens once everything that existed has been delivered.
    let synced = Latch()

    init(
        api: any KubernetesAPI, resource: APIResource, settings: CacheSettings, store: ObjectStore,
        environment: RuntimeEnvironment, logger: Logger, metrics: any MetricsFactory,
        transform: @escaping @Sendable (KubernetesObject) -> KubernetesObject,
        deliver: @escaping @Sendable (ObjectChange) async -> Void
    ) {
        self.api = api
        self.resource = resource
        self.settings = settings
        self.store = store
        self.environment = environment
        self.logger = logger
        self.metrics = WatchMetrics(resource: resource, factory: metrics)
        self.transform = transform
        self.deliver = deliver
    }

    var status: CacheStatus { currentStatus.withLock { $0 } }

    /// Runs until the task is cancelled. It stops only between changes: what is in the store has been delivered.
    func run() async {
        var course = WatchCourse(settings)
        while !Task.isCancelled {
            let wait = await turn(&course)
            if wait > .zero {
                currentStatus.withLock { $0.phase = .waiting }
                try? await environment.sleep(wait)
            }
        }
    }

    /// One list or watch, to its end; answers how long to wait before the next.
    private func turn(_ course: inout WatchCourse) async -> Duration {
        let started = environment.now()
        var stage = WatchCourse.Stage.list
        var events = 0
        do throws(KubernetesError) {
            if course.resourceVersion == nil, !course.usesWatchList(at: started) {
                try await list(&course)
                return .zero
            }
            stage = course.resourceVersion == nil ? .initialEvents : .watch
            guard try await watch(&course, &stage, &events) else { return .zero }
            let now = environment.now()
            // There may be room by now for what was left out.
            if stage == .watch, store.isCrowded { course.forgetVersion() }
            return course.ended(
                stage, after: now - started, events: events, at: now, chance: environment.random())
        } catch {
            guard !Task.isCancelled else { return .zero }
            let wait = course.failed(stage, error, at: environment.now(), chance: environment.random())
            report(error, stage, course, wait)
            return wait
        }
    }

    // MARK: Reading the whole collection

    private func list(_ course: inout WatchCourse) async throws(KubernetesError) {
        currentStatus.withLock { $0.phase = .listing }
        let reader = ListReader(
            api: api, resource: resource, settings: settings, transform: transform, bounds: store.bounds)
        let (objects, version) = try await reader.readAll()
        await replaceAll(objects, isUpToDate: !course.isUnheard)
        course.reached(version)
        noteVersion(version)
    }

    private func replaceAll(_ objects: BoundedObjects, isUpToDate: Bool) async {
        metrics.listed()
        for change in store.replaceAll(objects) { await tell(change) }
        currentStatus.withLock { status in
            status.lists += 1
            if isUpToDate { status.clear() }
        }
        if isUpToDate { metrics.isUpToDate(true) }
        synced.open()
    }

    // MARK: Following changes

    /// Follows one watch to its end; answers false when it turned out not to be what was asked for.
    private func watch(
        _ course: inout WatchCourse, _ stage: inout WatchCourse.Stage, _ events: inout Int
    ) async throws(KubernetesError) -> Bool {
        currentStatus.withLock { $0.phase = stage == .watch ? .watching : .listing }
        let stream = try await api.watch(resource, namespace: settings.namespace, options(course))
        var iterator = stream.makeAsyncIterator()
        if stage == .initialEvents {
            var initial = InitialEvents(bounds: store.bounds, transform: transform)
            while initial.version == nil, let event = try await iterator.next() {
                events += 1
                course.heard()
                guard try initial.take(event) else {
                    course.watchListIsUnknown(at: environment.now())
                    return false
                }
            }
            guard let version = initial.version else { return true }
            await replaceAll(initial.objects, isUpToDate: true)
            course.reached(version)
            stage = .watch
        }
        watchIsWell(&course)
        while let event = try await iterator.next() {
            events += 1
            noteHeard(&course)
            try await follow(event)
            course.reached(event.resourceVersion)
            noteVersion(event.resourceVersion)
        }
        return true
    }

    private func follow(_ event: WatchEvent) async throws(KubernetesError) {
        guard !event.resourceVersion.isEmpty else { throw .unusable("an event without a resourceVersion") }
        metrics.received()
        let changes: [ObjectChange]
        switch event {
        case .added(let object), .modified(let object): changes = store.update(transform(try object.named()))
        case .deleted(let object): changes = store.remove(transform(try object.named()))
        case .bookmark: return
        }
        for change in changes { await tell(change) }
    }

    private func tell(_ change: ObjectChange) async {
        noteUnreadable(change)
        await deliver(change)
    }

    private func options(_ course: WatchCourse) -> WatchOptions {
        WatchOptions(
            labelSelector: settings.labelSelector, fieldSelector: settings.fieldSelector,
            resourceVersion: course.resourceVersion, allowBookmarks: true,
            sendInitialEvents: course.resourceVersion == nil, metadataOnly: settings.metadataOnly)
    }

    // MARK: Telling how it goes

    private func watchIsWell(_ course: inout WatchCourse) {
        course.watchIsWell(at: environment.now())
        let (version, isUpToDate) = (course.resourceVersion, !course.isUnheard)
        currentStatus.withLock { status in
            status.phase = .watching
            status.resourceVersion = version
            if isUpToDate { status.clear() }
        }
        if isUpToDate { metrics.isUpToDate(true) }
    }

    /// A watch that was silent again and again is well as soon as it delivers something, and not before.
    private func noteHeard(_ course: inout WatchCourse) {
        guard course.isUnheard else { return course.heard() }
        course.heard()
        currentStatus.withLock { $0.clear() }
        metrics.isUpToDate(true)
    }

    /// Says by name which object cannot be read, as it costs only itself. Whoever changes it again and again fills no log.
    private func noteUnreadable(_ change: ObjectChange) {
        if case .deleted = change { return }
        let object = change.object
        guard let reason = object.unreadable else { return }
        metrics.receivedUnreadable()
        if case .updated(let old, _) = change, old.unreadable == reason { return }
        logger.error("an object cannot be read", metadata: ["object": "\(object)", "reason": "\(reason)"])
    }

    private func noteVersion(_ version: String) {
        currentStatus.withLock { $0.resourceVersion = version }
    }

    private func report(
        _ error: KubernetesError, _ stage: WatchCourse.Stage, _ course: WatchCourse, _ wait: Duration
    ) {
        metrics.failed(error.kind)
        let now = environment.now()
        currentStatus.withLock { status in
            status.failures = course.failures
            status.resourceVersion = course.resourceVersion
            // What is mended at once, such as an expired version, is no problem that anyone has to know of.
            if wait > .zero { status.fail(error, at: now) }
        }
        if wait > .zero { metrics.isUpToDate(false) }
        logger.log(
            level: course.failures > 1 ? .warning : .info, "a watch has ended",
            metadata: [
                "resource": "\(resource.plural)", "reason": "\(error)", "stage": "\(stage)",
                "failures": "\(course.failures)", "wait": "\(wait)",
            ])
    }
}

extension KubernetesError {
    static func unusable(_ what: String) -> KubernetesError {
        KubernetesError(.malformed, message: "The server sent \(what).")
    }
}

extension KubernetesObject {
    /// The object itself, if it has a name to be kept under.
    func named() throws(KubernetesError) -> KubernetesObject {
        guard !name.isEmpty else { throw .unusable("an object without a name") }
        return self
    }
}
