/// Measures how long it takes from seeing a policy to having it decide on all replicas.
struct ProgrammingLag {
    private let metrics: ControllerMetrics
    private var waiting: [PolicyKey: (version: PolicyCatalogue.Version, since: ContinuousClock.Instant)] = [:]
    private var settled: [PolicyKey: PolicyCatalogue.Version] = [:]

    init(metrics: ControllerMetrics) {
        self.metrics = metrics
    }

    mutating func noticed(_ versions: [PolicyKey: PolicyCatalogue.Version], at now: ContinuousClock.Instant) {
        settled = settled.filter { versions[$0.key] != nil }
        waiting = waiting.filter { versions[$0.key] == $0.value.version }
        for (key, version) in versions where settled[key] != version && waiting[key] == nil {
            waiting[key] = (version, now)
        }
    }

    mutating func settled(_ standing: PolicyStanding, at now: ContinuousClock.Instant) {
        for (key, entry) in waiting {
            guard let verdict = standing.answer.verdicts[key] else { continue }
            guard !verdict.isAccepted || standing.replicas.haveAll(standing.generation(of: key)) else { continue }
            if verdict.isAccepted { metrics.programmed(after: now - entry.since) }
            waiting[key] = nil
            settled[key] = entry.version
        }
        metrics.waiting(waiting.count, longest: waiting.values.map { now - $0.since }.max() ?? .zero)
    }
}
