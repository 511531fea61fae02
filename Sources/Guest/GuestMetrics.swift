public import CoreMetrics
import FoundationEssentials
import Synchronization

/// What the guest counts, for an operator's dashboard. No label ever holds a resource's name or anything secret.
public final class GuestMetrics: Sendable {
    /// A sentence for each metric, by its name.
    public static let descriptions: [String: String] = [
        Name.attestations: "Attestations started.",
        Name.attestationFailures: "Attestations that gave no token, by error code.",
        Name.attestationDuration: "How long attestations took, in seconds, whatever came of them.",
        Name.tokenAge: "Seconds since the attestation token in use was received; 0 while there is none.",
        Name.tokenPresent: "Whether there is an attestation token (1) or not (0).",
        Name.cacheHits: "Resource requests answered from memory, refusals included.",
        Name.cacheMisses: "Resource requests that needed the broker.",
        Name.lastError: "1 for the code of the last error, 0 for those before it.",
        Name.lastErrorTime: "When the last error happened, in seconds since 1970.",
        Name.secretWrites: "Versions of secret folders that were put in place.",
        Name.secretRotations: "Secrets whose content changed after their first time.",
        Name.secretRemovals: "Secrets that were taken back: the broker refuses them, or their lease is over.",
        Name.secretsMissing: "Required secrets that are not there.",
        Name.insecureMode: "1 for each mode in use that weakens the agent.",
        Name.noticeFailures: "Notices of a changed secret that did not reach their process or address.",
    ]

    private enum Name {
        static let attestations = "claviger_agent_attestations_total"
        static let attestationFailures = "claviger_agent_attestation_failures_total"
        static let attestationDuration = "claviger_agent_attestation_duration_seconds"
        static let tokenAge = "claviger_agent_token_age_seconds"
        static let tokenPresent = "claviger_agent_token_present"
        static let cacheHits = "claviger_agent_cache_hits_total"
        static let cacheMisses = "claviger_agent_cache_misses_total"
        static let lastError = "claviger_agent_last_error"
        static let lastErrorTime = "claviger_agent_last_error_timestamp_seconds"
        static let secretWrites = "claviger_agent_secret_writes_total"
        static let secretRotations = "claviger_agent_secret_rotations_total"
        static let secretRemovals = "claviger_agent_secret_removals_total"
        static let secretsMissing = "claviger_agent_secrets_missing"
        static let insecureMode = "claviger_agent_insecure_mode"
        static let noticeFailures = "claviger_agent_notice_failures_total"
    }

    private let factory: any MetricsFactory
    private let attestations: Counter
    private let attestationDuration: CoreMetrics.Timer
    private let tokenAge: Gauge
    private let tokenPresent: Gauge
    private let hits: Counter
    private let misses: Counter
    private let secretWrites: Counter
    private let secretRotations: Counter
    private let secretRemovals: Counter
    private let secretsMissing: Gauge
    private let noticeFailures: Counter
    private let lastError = Mutex<GuestError.Code?>(nil)

    /// Metrics in `factory`; without one, in the factory that the process was bootstrapped with.
    public init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
        attestations = Counter(label: Name.attestations, dimensions: [], factory: factory)
        attestationDuration = CoreMetrics.Timer(label: Name.attestationDuration, dimensions: [], factory: factory)
        tokenAge = Gauge(label: Name.tokenAge, dimensions: [], factory: factory)
        tokenPresent = Gauge(label: Name.tokenPresent, dimensions: [], factory: factory)
        hits = Counter(label: Name.cacheHits, dimensions: [], factory: factory)
        misses = Counter(label: Name.cacheMisses, dimensions: [], factory: factory)
        secretWrites = Counter(label: Name.secretWrites, dimensions: [], factory: factory)
        secretRotations = Counter(label: Name.secretRotations, dimensions: [], factory: factory)
        secretRemovals = Counter(label: Name.secretRemovals, dimensions: [], factory: factory)
        secretsMissing = Gauge(label: Name.secretsMissing, dimensions: [], factory: factory)
        noticeFailures = Counter(label: Name.noticeFailures, dimensions: [], factory: factory)
    }

    /// Shows a mode that weakens the agent.
    public func insecureMode(_ name: String) {
        Gauge(label: Name.insecureMode, dimensions: [("mode", name)], factory: factory).record(1)
    }

    func attestationStarted() { attestations.increment() }

    func attestationTook(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        attestationDuration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    func attestationFailed(_ error: GuestError, at time: Date) {
        Counter(
            label: Name.attestationFailures, dimensions: [("code", error.code.rawValue)], factory: factory
        ).increment()
        failed(error, at: time)
    }

    func failed(_ error: GuestError, at time: Date) {
        lastError.withLock { last in
            if let last, last != error.code { gauge(of: last).record(0) }
            gauge(of: error.code).record(1)
            last = error.code
        }
        Gauge(label: Name.lastErrorTime, dimensions: [], factory: factory).record(time.timeIntervalSince1970)
    }

    func tokenIs(_ age: TimeInterval?) {
        tokenAge.record(max(age ?? 0, 0))
        tokenPresent.record(age == nil ? 0 : 1)
    }

    func answeredFromCache() { hits.increment() }
    func askedTheBroker() { misses.increment() }

    func secretsWritten() { secretWrites.increment() }
    func secretRotated() { secretRotations.increment() }
    func secretRemoved() { secretRemovals.increment() }
    func secretsAreMissing(_ count: Int) { secretsMissing.record(count) }
    func noticeFailed() { noticeFailures.increment() }

    private func gauge(of code: GuestError.Code) -> Gauge {
        Gauge(label: Name.lastError, dimensions: [("code", code.rawValue)], factory: factory)
    }
}
