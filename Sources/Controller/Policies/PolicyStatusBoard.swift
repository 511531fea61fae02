import Kubernetes
import Logging

/// Writes the statuses of policy objects, and an event for each change that somebody should hear of.
actor PolicyStatusBoard {
    /// As many statuses are written at a time.
    private static let width = 8
    /// A refused one is tried again after two seconds to some four minutes, as a power of two.
    private static let longestBackoff = 8

    private struct Shown: Hashable {
        let version: PolicyCatalogue.Version
        let status: WantedStatus
    }

    private struct Due: Sendable {
        let key: PolicyKey
        let entry: PolicyCatalogue.Entry
        let status: WantedStatus
        let hash: Int
    }

    /// An object whose status was not taken: often for what the object is, as when it is too large.
    private struct Refused {
        var failures: Int
        var retryAt: ContinuousClock.Instant
    }

    private let writer: any StatusPort
    private let events: any EventPort
    private let environment: RuntimeEnvironment
    private let metrics: ControllerMetrics
    private let logger: Logger
    /// What was written last, by its hash: most passes change nothing.
    private var shown: [PolicyKey: Int] = [:]
    private var refused: [PolicyKey: Refused] = [:]

    init(
        writer: any StatusPort, events: any EventPort, environment: RuntimeEnvironment, metrics: ControllerMetrics,
        logger: Logger
    ) {
        self.writer = writer
        self.events = events
        self.environment = environment
        self.metrics = metrics
        self.logger = logger
    }

    /// Compares every status with the object's own next time: somebody else may have written it.
    func forget() { shown = [:] }

    /// Shows on each object what the broker said of the version that it was sent.
    ///
    /// - Parameter isOutdated: whether something changed since that has to reach the broker, which goes first.
    /// - Returns: whether all objects show it now. Some may have changed meanwhile, or take no status; that hinders no other.
    /// - Throws: `not_leading`.
    func show(
        _ standing: PolicyStanding, on entries: [PolicyKey: PolicyCatalogue.Entry], _ leadership: Leadership,
        isOutdated: @Sendable () -> Bool
    ) async throws(ControllerError) -> Bool {
        metrics.policies(standing.answer, standing.replicas)
        return try await show(on: entries, leadership, isOutdated) { key, entry in
            let verdict = standing.answer.verdicts[key]
            let generation = standing.generation(of: key)
            return WantedStatus(
                conditions: PolicyStatus.conditions(verdict, generation: generation, replicas: standing.replicas),
                fields: PolicyStatus.fields(verdict, generation: generation, replicas: standing.replicas)
            ).doubted(entry.problem.map(PolicyDoubt.notFollowed))
        }
    }

    /// Shows on each object that nobody can tell what the broker decides by.
    func show(
        _ doubt: PolicyDoubt, on entries: [PolicyKey: PolicyCatalogue.Entry], _ leadership: Leadership
    ) async throws(ControllerError) {
        _ = try await show(on: entries, leadership, { false }) { _, entry in doubt.status(of: entry.object) }
    }

    private func show(
        on entries: [PolicyKey: PolicyCatalogue.Entry], _ leadership: Leadership, _ isOutdated: @Sendable () -> Bool,
        _ wanted: (PolicyKey, PolicyCatalogue.Entry) -> WantedStatus
    ) async throws(ControllerError) -> Bool {
        shown = shown.filter { entries[$0.key] != nil }
        refused = refused.filter { entries[$0.key] != nil }
        let round = await write(inTurn(entries, wanted), leadership, isOutdated)
        if round.isLeaderless { throw .notLeading }
        metrics.statusesRefused(refused.count)
        return round.isComplete && refused.isEmpty
    }

    private func write(
        _ due: [Due], _ leadership: Leadership, _ isOutdated: @Sendable () -> Bool
    ) async -> StatusRound {
        await withTaskGroup(of: (Due, ControllerError?).self) { group in
            var round = StatusRound()
            var waiting = due[...]
            var atWork = 0
            while true {
                while atWork < Self.width, let next = waiting.first, round.begins(isOutdated: isOutdated()) {
                    waiting.removeFirst()
                    atWork += 1
                    group.addTask { [self] in (next, await write(next, leadership)) }
                }
                guard let (written, error) = await group.next() else { return round }
                atWork -= 1
                round.ended(error)
                note(error, of: written)
            }
        }
    }

    /// What has to be written now: one of each namespace, then another of each.
    private func inTurn(
        _ entries: [PolicyKey: PolicyCatalogue.Entry], _ wanted: (PolicyKey, PolicyCatalogue.Entry) -> WantedStatus
    ) -> [Due] {
        let now = environment.now()
        var turns: [String?: Int] = [:]
        var placed: [(turn: Int, due: Due)] = []
        for (key, entry) in entries {
            let status = wanted(key, entry)
            let hash = Shown(version: entry.version, status: status).hashValue
            guard shown[key] != hash else { continue }
            if let refusal = refused[key], now < refusal.retryAt { continue }
            let turn = turns[key.namespace, default: 0]
            turns[key.namespace] = turn + 1
            placed.append((turn, Due(key: key, entry: entry, status: status, hash: hash)))
        }
        return placed.sorted { $0.turn < $1.turn }.map(\.due)
    }

    private func note(_ error: ControllerError?, of due: Due) {
        shown[due.key] = error == nil ? due.hash : nil
        guard let error else {
            refused[due.key] = nil
            return
        }
        guard error.code != "stale", error.code != "not_leading" else { return }
        let failures = min((refused[due.key]?.failures ?? 0) + 1, Self.longestBackoff)
        refused[due.key] = Refused(failures: failures, retryAt: environment.now() + .seconds(1 << failures))
        logger.warning(
            "a status was not written",
            metadata: ["object": "\(due.entry.object)", "code": "\(error.code)", "reason": "\(error.message)"])
    }

    private nonisolated func write(_ due: Due, _ leadership: Leadership) async -> ControllerError? {
        do throws(ControllerError) {
            try leadership.check()
            try await writer.write(due.status, on: due.entry.object, of: due.entry.resource, under: leadership)
        } catch {
            return error
        }
        let types = [PolicyStatus.accepted, PolicyStatus.programmed]
        for transition in StatusTransition.between(due.entry.object.status, due.status, of: types) {
            transition.record(to: events, about: due.entry.object)
        }
        return nil
    }
}
