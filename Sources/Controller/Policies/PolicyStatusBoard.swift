import Kubernetes

/// Writes the statuses of policy objects, and an event for each change that somebody should hear of.
actor PolicyStatusBoard {
    /// As many statuses are written at a time.
    private static let width = 8

    private struct Shown: Hashable {
        let version: PolicyCatalogue.Version
        let status: WantedStatus
    }

    private let writer: any StatusPort
    private let events: any EventPort
    private let metrics: ControllerMetrics
    /// What was written last, by its hash: most passes change nothing.
    private var shown: [PolicyKey: Int] = [:]

    init(writer: any StatusPort, events: any EventPort, metrics: ControllerMetrics) {
        self.writer = writer
        self.events = events
        self.metrics = metrics
    }

    /// Compares every status with the object's own next time: somebody else may have written it.
    func forget() { shown = [:] }

    /// Shows on each object what the broker said of the version that it was sent.
    ///
    /// - Returns: whether all objects show it now; some may have changed meanwhile.
    /// - Throws: the first failure, after everything else was written.
    func show(
        _ answer: SourceAnswer, _ replicas: ReplicaStates, on entries: [PolicyKey: PolicyCatalogue.Entry],
        _ leadership: Leadership
    ) async throws(ControllerError) -> Bool {
        metrics.policies(answer, replicas)
        return try await show(on: entries, leadership) { key, entry in
            let verdict = answer.verdicts[key]
            return WantedStatus(
                conditions: PolicyStatus.conditions(verdict, generation: answer.generation, replicas: replicas),
                fields: PolicyStatus.fields(verdict, generation: answer.generation, replicas: replicas)
            ).doubted(entry.problem.map(PolicyDoubt.notFollowed))
        }
    }

    /// Shows on each object that nobody can tell what the broker decides by.
    func show(
        _ doubt: PolicyDoubt, on entries: [PolicyKey: PolicyCatalogue.Entry], _ leadership: Leadership
    ) async throws(ControllerError) {
        _ = try await show(on: entries, leadership) { _, entry in doubt.status(of: entry.object) }
    }

    private func show(
        on entries: [PolicyKey: PolicyCatalogue.Entry], _ leadership: Leadership,
        _ wanted: (PolicyKey, PolicyCatalogue.Entry) -> WantedStatus
    ) async throws(ControllerError) -> Bool {
        var due: [(key: PolicyKey, entry: PolicyCatalogue.Entry, status: WantedStatus, hash: Int)] = []
        for (key, entry) in entries {
            let status = wanted(key, entry)
            let hash = Shown(version: entry.version, status: status).hashValue
            guard shown[key] != hash else { continue }
            due.append((key, entry, status, hash))
        }
        shown = shown.filter { entries[$0.key] != nil }
        var failure: ControllerError?
        var isComplete = true
        await withTaskGroup(of: (PolicyKey, Int, ControllerError?).self) { group in
            var waiting = due.makeIterator()
            func startNext() {
                guard let next = waiting.next() else { return }
                group.addTask { [self] in
                    (next.key, next.hash, await write(next.status, next.key, next.entry, leadership))
                }
            }
            for _ in 0..<Self.width { startNext() }
            while let (key, hash, error) = await group.next() {
                shown[key] = error == nil ? hash : nil
                if error?.code == "stale" {
                    isComplete = false
                } else if error?.code == "not_leading" || failure == nil {
                    failure = error ?? failure
                }
                if error?.code != "not_leading" { startNext() }
            }
        }
        if let failure { throw failure }
        return isComplete
    }

    private nonisolated func write(
        _ status: WantedStatus, _ key: PolicyKey, _ entry: PolicyCatalogue.Entry, _ leadership: Leadership
    ) async -> ControllerError? {
        do throws(ControllerError) {
            try leadership.check()
            try await writer.write(status, on: entry.object, of: entry.resource, under: leadership)
        } catch {
            return error
        }
        let types = [PolicyStatus.accepted, PolicyStatus.programmed]
        for transition in StatusTransition.between(entry.object.status, status, of: types) {
            transition.record(to: events, about: entry.object)
        }
        return nil
    }
}
