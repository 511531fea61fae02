import AdminClient
import Kubernetes
import Logging

/// Brings the broker's policies of this controller's source to what the API server has, and tells on each object what became
/// of it.
///
/// Every pass looks at the whole: which event was seen, or missed, does not matter. The whole goes to the broker in one
/// request when anything differs from what was sent last, and once in a while although nothing does.
actor PolicySynchronizer {
    struct Timing: Sendable {
        /// After this long the same policies are sent again, in case somebody else changed them.
        var resync: Duration = .seconds(300)
        /// How long a pass waits for the replicas before it writes that they are not there yet.
        var patience: Duration = .seconds(1)
        /// Between two looks at the replicas: doubled each time, up to the maximum.
        var firstLook: Duration = .milliseconds(50)
        var longestLook: Duration = .seconds(15)
        /// Between two looks when all is well.
        var calmLook: Duration = .seconds(60)
        /// After this long without an answer of the broker nobody can say any more what it decides by.
        var silence: Duration = .seconds(180)
    }

    /// What the broker got last, and said of it.
    private struct Sent {
        let versions: [PolicyKey: PolicyCatalogue.Version]
        let fence: Int64
        let at: ContinuousClock.Instant
        let answer: SourceAnswer
    }

    private let catalogue: PolicyCatalogue
    private let broker: any BrokerPort
    private let statuses: PolicyStatusBoard
    private let changes: ChangeCount
    private let environment: RuntimeEnvironment
    private let timing: Timing
    private let logger: Logger
    private var sent: Sent?
    private var standing: PolicyStanding?
    private var silentSince: ContinuousClock.Instant?
    private var look: Duration
    private var lag: ProgrammingLag

    init(
        catalogue: PolicyCatalogue, broker: any BrokerPort, statuses: PolicyStatusBoard,
        changes: ChangeCount = ChangeCount(), environment: RuntimeEnvironment = .system, timing: Timing = Timing(),
        metrics: ControllerMetrics, logger: Logger
    ) {
        self.catalogue = catalogue
        self.broker = broker
        self.statuses = statuses
        self.changes = changes
        self.environment = environment
        self.timing = timing
        self.logger = logger
        look = timing.firstLook
        lag = ProgrammingLag(metrics: metrics)
    }

    /// Makes one pass.
    ///
    /// - Returns: after how long the next one is due though nothing happens.
    func pass(_ leadership: Leadership) async throws(ControllerError) -> Duration {
        guard catalogue.hasSynced else {
            throw ControllerError(code: "not_synced", message: "Not all policies were read from the API server yet.")
        }
        let seen = changes.value
        let entries = catalogue.entries()
        lag.noticed(entries.mapValues(\.version), at: environment.now())
        let (answer, replicas) = try await asked(entries, leadership)
        let isProgrammed = replicas.haveAll(answer.generation)
        let standing = PolicyStanding(answer, replicas, after: standing)
        self.standing = standing
        lag.settled(standing, at: environment.now())
        let isShown = try await statuses.show(standing, on: entries, leadership) { [changes] in changes.value != seen }
        // Documents of which the broker said nothing are sent again, although nothing changed.
        let isComplete = entries.keys.allSatisfy { answer.verdicts[$0] != nil }
        if !isComplete { sent = nil }
        guard isProgrammed, isComplete, isShown else {
            defer { look = min(look * 2, timing.longestLook) }
            return look
        }
        look = timing.firstLook
        return timing.calmLook
    }

    /// Tells on each object that nothing is sent, since not all kinds can be read.
    func tellUnread(_ leadership: Leadership) async {
        let unread = catalogue.unread
        guard !unread.isEmpty else { return }
        await tell(.notRead(unread), on: catalogue.entries(), leadership)
    }

    /// What the broker says of the policies and its replicas. When that is nothing of use the objects tell so, too.
    private func asked(
        _ entries: [PolicyKey: PolicyCatalogue.Entry], _ leadership: Leadership
    ) async throws(ControllerError) -> (SourceAnswer, ReplicaStates) {
        do throws(ControllerError) {
            let answer = try await answer(to: entries, leadership)
            let replicas = try await replicas(answer.generation)
            silentSince = nil
            return (answer, replicas)
        } catch {
            let now = environment.now()
            let since = silentSince ?? now
            silentSince = since
            switch error.code {
            case "refused": await tell(.refused(error), on: entries, leadership)
            case "unavailable", "unexpected":
                if now - since >= timing.silence { await tell(.unreachable, on: entries, leadership) }
            // Somebody else leads, and speaks for the objects.
            default: break
            }
            throw error
        }
    }

    private func tell(
        _ doubt: PolicyDoubt, on entries: [PolicyKey: PolicyCatalogue.Entry], _ leadership: Leadership
    ) async {
        do throws(ControllerError) {
            try await statuses.show(doubt, on: entries, leadership)
        } catch {
            logger.warning("statuses were not written", metadata: ["reason": "\(error.message)"])
        }
    }

    /// What the broker says of these policies: asked now, when they are others than last time.
    private func answer(
        to entries: [PolicyKey: PolicyCatalogue.Entry], _ leadership: Leadership
    ) async throws(ControllerError) -> SourceAnswer {
        let versions = entries.mapValues(\.version)
        let now = environment.now()
        if let sent, sent.versions == versions, sent.fence == leadership.fence, now - sent.at < timing.resync {
            return sent.answer
        }
        let shipment = PolicyShipment(entries)
        try leadership.check()
        let answer = shipment.completing(try await broker.put(shipment.documents, fence: leadership.fence))
        if sent?.versions != versions {
            logger.info(
                "policies sent",
                metadata: [
                    "documents": .stringConvertible(shipment.documents.count),
                    "held": .stringConvertible(shipment.hindrances.count),
                    "refused": .stringConvertible(answer.verdicts.values.count { !$0.isAccepted }),
                    "generation": .stringConvertible(answer.generation),
                ])
        }
        if sent.map({ now - $0.at >= timing.resync }) ?? true { await statuses.forget() }
        sent = Sent(versions: versions, fence: leadership.fence, at: now, answer: answer)
        look = timing.firstLook
        return answer
    }

    /// Most replicas follow within a moment: waiting for that spares every object one write.
    private func replicas(_ generation: Int64) async throws(ControllerError) -> ReplicaStates {
        let end = environment.now() + timing.patience
        var pause = timing.firstLook
        while true {
            let states = try await broker.replicas()
            guard !states.haveAll(generation), environment.now() + pause < end, look == timing.firstLook else {
                return states
            }
            do { try await environment.sleep(pause) } catch { throw .notLeading }
            pause = pause * 2
        }
    }
}
