public import CoreMetrics
public import Logging

/// Elects one of several processes by a Lease, and gives each term a number that never goes back.
///
/// ```swift
/// let elector = try LeaderElector(api: client, namespace: "claviger", name: "controller", candidate: podName)
/// let end = await elector.lead { leadership in await queue.run(workers: 4) { … } }
/// ```
///
/// Expiry is judged by how long a Lease has not changed on this process' own monotonic clock. Each write names the version it
/// is based on, so of two candidates one wins. A holder counts itself out after the renew deadline, well before others may
/// take over after the lease duration.
public final class LeaderElector: Sendable {
    /// How a term ended.
    public enum End: Sendable, Hashable {
        /// The work returned by itself; the Lease was released.
        case finished
        /// The Lease could not be renewed in time, or somebody else holds it. Let the process end: what it has in memory may
        /// be behind.
        case lost
        /// The task was cancelled; the Lease, if it was held, was released.
        case cancelled
    }

    /// The times of an election.
    public struct Settings: Sendable, Hashable {
        /// How long others wait after the last renewal before they take over; whole seconds.
        public var leaseDuration: Duration = .seconds(15)
        /// How long a holder goes on without a renewal.
        public var renewDeadline: Duration = .seconds(10)
        /// The interval of renewals and of attempts.
        public var retryPeriod: Duration = .seconds(2)

        /// The defaults: 15, 10 and 2 seconds.
        public init() {}
    }

    /// Who this process is in the Lease: the candidate's name and random digits, so that a process that is started anew under
    /// the name is another one.
    public let identity: String

    let api: any KubernetesAPI
    let namespace: String
    let name: String
    let settings: Settings
    let environment: RuntimeEnvironment
    let logger: Logger
    private let leads: Gauge

    /// Makes a candidate.
    ///
    /// - Parameters:
    ///   - name: the Lease's name.
    ///   - candidate: a name for this process that people recognise, such as the pod's.
    /// - Throws: `configuration` when the times do not fit: the retry period must be well below the renew deadline, and that
    ///   below the lease duration.
    public init(
        api: any KubernetesAPI, namespace: String, name: String, candidate: String, settings: Settings = Settings(),
        environment: RuntimeEnvironment = .system, logger: Logger = Logger(label: "claviger.kubernetes"),
        metrics: any MetricsFactory = MetricsSystem.factory
    ) throws(KubernetesError) {
        guard settings.retryPeriod > .zero, settings.retryPeriod * 2 <= settings.renewDeadline,
            settings.renewDeadline + .seconds(1) <= settings.leaseDuration
        else {
            throw KubernetesError(
                .configuration,
                message:
                    "An election needs a renew deadline of at least two retry periods, and a longer lease duration.")
        }
        self.api = api
        self.namespace = namespace
        self.name = name
        self.settings = settings
        self.environment = environment
        self.logger = logger
        let digits = String(UInt32(environment.random() * 4_294_967_296), radix: 16)
        identity = "\(candidate)_\(String(repeating: "0", count: 8 - digits.count))\(digits)"
        leads = Gauge(label: "claviger_leader", dimensions: [("lease", name)], factory: metrics)
        leads.record(0)
    }

    /// Waits for leadership, runs `work` under it, and releases the Lease when `work` has returned.
    ///
    /// `work` is cancelled when leadership is lost or this task is cancelled. In the second case the Lease is renewed until
    /// `work` has returned, so that it may end in good order. Either way this returns only after `work` has: what does not
    /// heed cancellation has to ask `Leadership.isValid`. Call it again for another term, but not while one runs.
    public func lead(_ work: @escaping @Sendable (Leadership) async -> Void) async -> End {
        guard let (leadership, lease) = await acquire() else { return .cancelled }
        logger.notice("this process leads", metadata: ["lease": "\(name)", "fence": "\(leadership.fence)"])
        leads.record(1)
        // Neither is a child of this task: the work is to be cancelled without the renewal, and both are awaited below.
        let working = Task { await work(leadership) }
        let renewing = Task {
            let held = await self.renew(lease, under: leadership)
            if held == nil {
                leadership.end()
                working.cancel()
            }
            return held
        }
        await withTaskCancellationHandler {
            await working.value
        } onCancel: {
            working.cancel()
        }
        renewing.cancel()
        let held = await renewing.value
        leadership.end()
        leads.record(0)
        guard let held else {
            logger.warning("leadership is lost", metadata: ["lease": "\(name)", "fence": "\(leadership.fence)"])
            return .lost
        }
        await release(held, fence: leadership.fence)
        return Task.isCancelled ? .cancelled : .finished
    }

    // MARK: Becoming the leader

    /// Tries until it leads; nil when the task is cancelled before.
    private func acquire() async -> (Leadership, KubernetesObject)? {
        var observation = LeaseObservation()
        while !Task.isCancelled {
            var wait = Duration.zero
            do throws(KubernetesError) {
                if let taken = try await take(&observation) { return taken }
            } catch {
                logger.info("no leadership yet", metadata: ["lease": "\(name)", "reason": "\(error)"])
                wait = min(error.retryAfter ?? .zero, .seconds(60))
            }
            try? await environment.sleep(max(wait, environment.lengthened(settings.retryPeriod, byUpTo: 1.2)))
        }
        return nil
    }
}
