public import CoreMetrics
public import Logging
import Synchronization

/// Tells people what happens to objects, by events of `events.k8s.io/v1` that `kubectl describe` shows.
///
/// Recording never waits: ``record(_:reason:action:note:regarding:)`` takes a note, and ``run()`` sends. Events are the least
/// important thing that a controller writes, so what is too much is dropped and counted.
public final class EventRecorder: Sendable {
    /// How bad the news are.
    public enum Kind: String, Sendable, Hashable {
        /// As it should be.
        case normal = "Normal"
        /// Somebody should look at it.
        case warning = "Warning"
    }

    /// The interval at which repetitions are told to the server.
    private static let countInterval: Duration = .seconds(60)
    private static let backoff = Backoff(shortest: .seconds(1), longest: .seconds(60))

    private let api: any KubernetesAPI
    private let reporter: EventReporter
    private let environment: RuntimeEnvironment
    private let logger: Logger
    private let dropped: Counter
    private let ledger = Mutex(EventLedger())
    private let signal = WakeSignal()

    /// Makes a recorder.
    ///
    /// - Parameters:
    ///   - controller: the qualified name of the controller, such as `claviger.dev/controller`.
    ///   - instance: this process, such as the pod's name.
    public init(
        api: any KubernetesAPI, controller: String, instance: String, environment: RuntimeEnvironment = .system,
        logger: Logger = Logger(label: "claviger.kubernetes"), metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        self.api = api
        self.reporter = EventReporter(controller: controller, instance: instance)
        self.environment = environment
        self.logger = logger
        dropped = Counter(label: "claviger_events_dropped_total", dimensions: [], factory: metrics)
    }

    /// Takes note of something that happened to an object. The same again within six minutes counts one event up.
    ///
    /// - Parameters:
    ///   - reason: why, as one word in camel case.
    ///   - action: what was done, as one word in camel case.
    ///   - note: a sentence; what is beyond 1 KiB is cut. Whoever may read events of the namespace reads it.
    public func record(
        _ kind: Kind, reason: String, action: String, note: String, regarding object: KubernetesObject
    ) {
        let event = EventNote(kind: kind.rawValue, reason: reason, action: action, note: note, regarding: object)
        let now = environment.now()
        let time = environment.microTimestamp
        let suffix = UInt64(environment.random() * 0x1p53)
        guard ledger.withLock({ $0.note(event, at: now, time: time, suffix: suffix) }) else {
            return dropped.increment()
        }
        signal.set()
    }

    /// Sends until the task is cancelled. What is not sent by then is lost.
    public func run() async {
        var nextCounts = environment.now() + Self.countInterval
        while !Task.isCancelled {
            await sendNew()
            if environment.now() >= nextCounts {
                await sendCounts()
                nextCounts = environment.now() + Self.countInterval
            }
            let isIdle = ledger.withLock(\.isEmpty)
            await signal.wait(atMost: isIdle ? nil : nextCounts - environment.now(), in: environment)
        }
    }

    private func sendNew() async {
        var failures = 0
        while !Task.isCancelled {
            let now = environment.now()
            guard case .create(let note, let series)? = ledger.withLock({ $0.nextUnsent(at: now) }) else { return }
            let event = note.event(name: series.name, reporter: reporter, time: series.began, series: series.json)
            do throws(KubernetesError) {
                _ = try await api.create(event, in: .events)
                failures = 0
                ledger.withLock { $0.sent(note, series.count) }
            } catch {
                guard !Task.isCancelled else { return }
                if error.kind == .alreadyExists {
                    // The name is used by nobody else: it is this event, and the answer to an earlier attempt got lost.
                    ledger.withLock { $0.sent(note, series.count) }
                    continue
                }
                guard error.isTransient else {
                    drop(note, error)
                    continue
                }
                failures += 1
                let wait = Self.backoff.delay(afterFailures: failures, chance: environment.random())
                try? await environment.sleep(max(wait, min(error.retryAfter ?? .zero, .seconds(60))))
            }
        }
    }

    private func sendCounts() async {
        let now = environment.now()
        for case .count(let note, let series) in ledger.withLock({ $0.outdated(at: now) }) {
            guard !Task.isCancelled, let json = series.json else { return }
            do throws(KubernetesError) {
                _ = try await api.mergePatch(
                    ["series": .object(json)], to: .events, namespace: note.namespace, name: series.name,
                    subresource: nil)
                ledger.withLock { $0.sent(note, series.count) }
            } catch {
                // The rest comes with the next round.
                if error.isTransient { return }
                drop(note, error)
            }
        }
    }

    private func drop(_ note: EventNote, _ error: KubernetesError) {
        ledger.withLock { $0.drop(note) }
        dropped.increment()
        logger.debug("an event was not taken", metadata: ["reason": "\(error)", "event": "\(note.reason)"])
    }
}
