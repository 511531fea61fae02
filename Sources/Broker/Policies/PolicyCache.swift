import FoundationEssentials
import Logging
import Policy
import Storage
import Synchronization

/// Keeps the compiled policies of the newest generation at hand.
///
/// Readers get the current value without waiting; it is replaced as a whole. The use cases that store policies compile them
/// first, so newer ones that do not compile come from a foreign writer: nothing is decided then (what they take away must
/// not be released by what was there before), an error is logged for that generation and a gauge is raised.
final class PolicyCache: Sendable {
    private struct Failure {
        let generation: Int64
        let at: Date
    }

    private struct State {
        var current = CompiledPolicies.empty
        /// The newest generation, when it did not compile.
        var failure: Failure?
        var loading: Task<Void, any Error>?
    }

    /// Seconds after which a generation that did not compile is tried again: reference values that clashed may have expired.
    private static let retryInterval: TimeInterval = 5

    private let repository: PolicyRepository
    private let environment: BrokerEnvironment
    private let metrics: BrokerMetrics
    private let logger: Logger
    private let state = Mutex(State())

    init(_ repository: PolicyRepository, environment: BrokerEnvironment, metrics: BrokerMetrics, logger: Logger) {
        self.repository = repository
        self.environment = environment
        self.metrics = metrics
        self.logger = logger
    }

    /// The compiled policies, whatever their age.
    var latest: CompiledPolicies { state.withLock { $0.current } }

    /// Whether newer policies are stored that do not compile.
    var isBehind: Bool { state.withLock { $0.failure != nil } }

    /// The policies of at least this generation.
    ///
    /// Throws `unavailable` when they do not compile (code `policies_unavailable`), or when they are needed and the database
    /// does not answer.
    func current(atLeast generation: Int64) async throws(BrokerError) -> CompiledPolicies {
        let now = environment.clock.now()
        // A load that was under way already may have read an older generation; the one after it has not.
        for _ in 0..<3 {
            let (current, failure) = state.withLock { ($0.current, $0.failure) }
            if current.isCurrent(generation: generation, at: now) { return current }
            if let failure, failure.generation >= generation,
                abs(now.timeIntervalSince(failure.at)) < Self.retryInterval
            {
                throw .policiesUnavailable
            }
            try await load()
        }
        let current = latest
        guard current.isCurrent(generation: generation, at: now) else { throw .policiesUnavailable }
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
        let repository = repository
        let snapshot = try await storing { () async throws(StorageError) in try await repository.snapshot() }
        do throws(PolicyError) {
            let compiled = try CompiledPolicies(snapshot, at: environment.clock.now())
            let isNews = state.withLock { state in
                let isNews = compiled.generation > state.current.generation || state.failure != nil
                if compiled.generation >= state.current.generation { state.current = compiled }
                state.failure = nil
                return isNews
            }
            guard isNews else { return }
            metrics.bundleGeneration.record(compiled.generation)
            metrics.bundleStale.record(0)
            logger.info(
                "policies loaded",
                metadata: ["generation": "\(compiled.generation)", "digest": "\(compiled.bundle.digest)"])
        } catch {
            let failure = Failure(generation: snapshot.generation, at: environment.clock.now())
            let isNews = state.withLock { state in
                defer { state.failure = failure }
                return state.failure?.generation != snapshot.generation
            }
            metrics.bundleStale.record(1)
            guard isNews else { return }
            logger.error(
                "stored policies do not compile; nothing is released until they do",
                metadata: ["generation": "\(snapshot.generation)", "diagnostics": "\(error)"])
        }
    }
}
