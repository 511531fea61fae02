public import CoreMetrics
import Synchronization

/// Keys of objects that have to be reconciled: each at most once in the line, never two at work on the same key, failures
/// retried ever more slowly.
///
/// ```swift
/// let queue = WorkQueue<ObjectKey>(name: "policies")
/// queue.add(key)
/// await queue.run(workers: 4) { key in await reconcile(key) }
/// ```
///
/// The queue holds keys and no objects: whoever works on a key looks at the newest state. It therefore never grows beyond
/// the number of different keys, however many events arrive.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    /// How the work on a key ended.
    public enum Outcome: Sendable, Hashable {
        /// The key needs nothing more until it is added again.
        case done
        /// The key is fine, and wants to be looked at again after a while.
        case again(after: Duration)
        /// The key is to be tried again: after a growing while.
        case failed
    }

    /// How retries are paced.
    public struct Settings: Sendable, Hashable {
        /// The wait after failures of one key in a row.
        public var backoff = Backoff(shortest: .seconds(1), longest: .seconds(300))
        /// How many retries of all keys together may come at once.
        public var retryBurst = 100
        /// The interval at which retries of all keys together may come after the burst.
        public var retryInterval: Duration = .milliseconds(100)

        /// The defaults: 1 s to 5 min for each key; in all 100 at once, then 10 a second.
        public init() {}
    }

    private struct State {
        var keys: WorkQueueState<Key>
        var retries: TokenBucket
    }

    private let state: Mutex<State>
    private let signal = WakeSignal()
    private let settings: Settings
    private let environment: RuntimeEnvironment
    private let metrics: WorkQueueMetrics

    /// Makes an empty queue.
    ///
    /// - Parameters:
    ///   - name: the `name` label of its metrics; one of a handful that the program chooses.
    ///   - group: to whom a key belongs: those to whom waiting keys belong have their turns in rotation, however many keys
    ///     each has. Not given: all keys have their turns in the order in which they were added.
    public init(
        name: String, settings: Settings = Settings(), environment: RuntimeEnvironment = .system,
        metrics: any MetricsFactory = MetricsSystem.factory, group: @escaping @Sendable (Key) -> String = { _ in "" }
    ) {
        state = Mutex(
            State(
                keys: WorkQueueState(group: group),
                retries: TokenBucket(burst: settings.retryBurst, interval: settings.retryInterval)))
        self.settings = settings
        self.environment = environment
        self.metrics = WorkQueueMetrics(queue: name, factory: metrics)
    }

    /// How many keys wait to be worked on now.
    public var depth: Int { state.withLock { $0.keys.depth } }

    /// Adds a key. One that is already waiting is not added twice; one that is being worked on is worked on again after.
    public func add(_ key: Key) {
        let now = environment.now()
        let depth = state.withLock { state in state.keys.add(key, at: now) ? state.keys.depth : nil }
        guard let depth else { return }
        metrics.added(1, depth: depth)
        signal.set()
    }

    /// Adds a key after a while. Of several times the earliest counts.
    public func add(_ key: Key, after delay: Duration) {
        guard delay > .zero else { return add(key) }
        let due = environment.now() + delay
        state.withLock { $0.keys.add(key, due: due) }
        signal.set()
    }

    /// Forgets the failures of a key, so that its next failure is retried soon.
    public func forget(_ key: Key) { state.withLock { $0.keys.forget(key) } }

    /// Takes nothing more. ``run(workers:_:)`` returns once all that waits has been worked on; what was to come later is
    /// dropped.
    public func shutDown() {
        state.withLock { $0.keys.shutDown() }
        signal.set()
    }

    /// Works on keys, at most `workers` at a time, until the queue is shut down and drained or the task is cancelled.
    ///
    /// After cancellation the keys that still wait stay in the queue, for another run.
    public func run(workers: Int, _ process: @escaping @Sendable (Key) async -> Outcome) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                switch nextStep(workers: max(1, workers)) {
                case .work(let key): group.addTask { await self.work(on: key, process) }
                case .wait(let limit): await signal.wait(atMost: limit, in: environment)
                case .end: return
                }
            }
        }
    }

    private enum Step {
        case work(Key)
        case wait(atMost: Duration?)
        case end
    }

    private func nextStep(workers: Int) -> Step {
        let now = environment.now()
        let (step, promoted, depth, since) = state.withLock { state -> (Step, Int, Int, ContinuousClock.Instant?) in
            let promoted = state.keys.promote(at: now)
            if state.keys.busy < workers, let next = state.keys.takeNext() {
                return (.work(next.key), promoted, state.keys.depth, next.since)
            }
            if state.keys.isShutDown, state.keys.isDrained { return (.end, promoted, 0, nil) }
            // A limit for the line to move is not needed while all are busy: whoever finishes gives the signal.
            return (.wait(atMost: state.keys.nextDue.map { $0 - now }), promoted, state.keys.depth, nil)
        }
        metrics.added(promoted, depth: depth)
        if let since { metrics.started(after: now - since, depth: depth) }
        return step
    }

    private func work(on key: Key, _ process: @Sendable (Key) async -> Outcome) async {
        let started = environment.now()
        let outcome = await process(key)
        let ended = environment.now()
        metrics.finished(after: ended - started)
        if outcome == .failed { metrics.retried() }
        let chance = environment.random()
        state.withLock { state in
            switch outcome {
            case .done: state.keys.forget(key)
            case .again(let delay):
                state.keys.forget(key)
                state.keys.add(key, due: ended + delay)
            case .failed:
                let failures = state.keys.countFailure(of: key)
                let delay = max(
                    settings.backoff.delay(afterFailures: failures, chance: chance),
                    state.retries.reserve(at: ended, atMost: settings.backoff.longest))
                state.keys.add(key, due: ended + delay)
            }
            state.keys.finish(key)
        }
        signal.set()
    }
}
