import FoundationEssentials
import Logging
import Policy
import Storage
import Synchronization

/// Keeps the compiled policies of the newest generation at hand.
///
/// Readers get the current value without waiting; it is replaced as a whole, and only by one that could be used. The use
/// cases that store policies check them first, so newer ones that cannot be used come from a foreign writer: nothing is
/// decided then (what they take away must not be released by what was there before), an error is logged for that
/// generation and a gauge is raised.
final class PolicyCache: Sendable {
    private struct Failure {
        let reason: PolicyLoadFailure
        let generation: Int64
        let at: Date
    }

    private struct State {
        var current = CompiledPolicies.empty
        /// Why what is stored now cannot be used, when it cannot.
        var failure: Failure?
        var loading: Task<Void, any Error>?
        var loadedAt: ContinuousClock.Instant?
    }

    /// Seconds after which a generation that cannot be used is tried again: reference values that clashed may have expired.
    private static let retryInterval: TimeInterval = 5
    /// How soon after a load an older generation is not looked into: it was read before that load.
    private static let settlingTime: Duration = .seconds(1)

    private let repository: PolicyRepository
    private let signatures: PolicySignatures
    private let environment: BrokerEnvironment
    private let metrics: BrokerMetrics
    private let logger: Logger
    private let state = Mutex(State())

    init(
        _ repository: PolicyRepository, signatures: PolicySignatures, environment: BrokerEnvironment,
        metrics: BrokerMetrics, logger: Logger
    ) {
        self.repository = repository
        self.signatures = signatures
        self.environment = environment
        self.metrics = metrics
        self.logger = logger
    }

    /// The newest policies that could be used, whatever their age.
    var latest: CompiledPolicies { state.withLock { $0.current } }

    /// Why what is stored cannot be used, when it cannot.
    var problem: PolicyLoadFailure? { state.withLock { $0.failure?.reason } }

    /// The policies of at least this generation, which was read from the database for the decision at hand.
    ///
    /// Throws `unavailable` when they cannot be used (code `policies_unavailable`), or when they are needed and the database
    /// does not answer.
    func current(atLeast generation: Int64) async throws(BrokerError) -> CompiledPolicies {
        let now = environment.clock.now()
        // A load that was under way already may have read an older generation; the one after it has not.
        for _ in 0..<3 {
            let (current, failure, loadedAt) = state.withLock { ($0.current, $0.failure, $0.loadedAt) }
            let isSetBack = failure?.reason.cause == .rolledBack
            if current.isCurrent(generation: generation, at: now), !isSetBack {
                // An older generation was read a moment too early, or the database has gone back.
                let isSettled = loadedAt.map { ContinuousClock.now - $0 > Self.settlingTime } ?? true
                guard generation < current.generation, isSettled else { return current }
            } else if let failure, failure.generation >= generation || isSetBack,
                abs(now.timeIntervalSince(failure.at)) < Self.retryInterval
            {
                throw .policiesUnavailable
            }
            try await load()
        }
        let (current, failure) = state.withLock { ($0.current, $0.failure) }
        guard current.isCurrent(generation: generation, at: now), failure?.reason.cause != .rolledBack else {
            throw .policiesUnavailable
        }
        return current
    }

    /// The policies of the generation that the database is at now.
    func current() async throws(BrokerError) -> CompiledPolicies {
        let repository = repository
        return try await current(
            atLeast: try await storing { () async throws(StorageError) in try await repository.generation() })
    }

    /// Loads and compiles what is stored; callers at the same time share one load.
    func load() async throws(BrokerError) {
        let task = state.withLock { state in
            if let loading = state.loading { return loading }
            let task = Task { try await self.reload() }
            state.loading = task
            return task
        }
        do {
            try await task.value
        } catch let error as BrokerError {
            throw error
        } catch {
            throw .policiesUnavailable
        }
    }

    private func reload() async throws {
        defer { state.withLock { $0.loading = nil } }
        let known = latest
        let repository = repository
        let snapshot = try await storing { () async throws(StorageError) in try await repository.snapshot() }
        do throws(PolicyLoadFailure) {
            guard snapshot.generation >= known.generation else {
                throw PolicyLoadFailure(
                    .rolledBack, "The database is at generation \(snapshot.generation); it was at \(known.generation).")
            }
            let compiled = try CompiledPolicies(
                snapshot, signatures, at: environment.clock.now(), known: known.bundle)
            if let setback = compiled.setback(from: known) { throw PolicyLoadFailure(.rolledBack, setback) }
            take(compiled)
        } catch {
            refuse(snapshot.generation, error)
        }
    }

    private func take(_ compiled: CompiledPolicies) {
        let isNews = state.withLock { state in
            let isNews = compiled.generation > state.current.generation || state.failure != nil
            state.current = compiled
            state.failure = nil
            state.loadedAt = .now
            return isNews
        }
        guard isNews else { return }
        metrics.policiesLoaded(compiled)
        logger.info(
            "policies loaded",
            metadata: ["generation": "\(compiled.generation)", "digest": "\(compiled.bundle.digest)"])
    }

    private func refuse(_ generation: Int64, _ reason: PolicyLoadFailure) {
        let failure = Failure(reason: reason, generation: generation, at: environment.clock.now())
        let isNews = state.withLock { state in
            defer { state.failure = failure }
            return state.failure?.generation != generation || state.failure?.reason.cause != reason.cause
        }
        metrics.bundleStale.record(1)
        guard isNews else { return }
        logger.error(
            "\(reason.cause.sentence)",
            metadata: [
                "code": "\(reason.cause.rawValue)", "generation": "\(generation)", "diagnostics": "\(reason.details)",
            ])
    }
}
