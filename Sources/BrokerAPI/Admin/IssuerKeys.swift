import CoreMetrics
import FoundationEssentials
import JOSE
import Logging
import RATS
import Synchronization

/// The keys of an issuer that changes them now and then.
///
/// They are read when they are first needed, when a token names a key that is not among them, and when they are an hour old;
/// never more than once a minute, and once for all who wait. Keys that were read stay while new ones cannot be had, but no longer
/// than a day: whoever keeps the issuer from being heard must not keep a key that it withdrew.
final class IssuerKeys: Sendable {
    /// Why keys cannot be had, for the log.
    struct Unavailable: Error {
        let message: String
    }

    typealias Source = @Sendable () async throws(Unavailable) -> JWKSet

    private struct State {
        var keys: JWKSet?
        var readAt: Date?
        var attemptedAt: Date?
        var reading: Task<Void, Never>?
    }

    /// Seconds between two attempts: whoever makes up names of keys must not make the broker ask for each.
    private static let shortestInterval: TimeInterval = 60
    private static let freshness: TimeInterval = 3_600
    private static let maximumAge: TimeInterval = 86_400

    private let issuer: String
    private let source: Source
    private let clock: WallClock
    private let logger: Logger
    /// When the keys were read that are believed, in seconds since 1970.
    private let readTime: Gauge
    private let state: Mutex<State>

    /// Keys from a source; `initial` are at hand already.
    init(
        issuer: String, initial: JWKSet? = nil, clock: WallClock, metrics: any MetricsFactory, logger: Logger,
        source: @escaping Source
    ) {
        self.issuer = issuer
        self.source = source
        self.clock = clock
        self.logger = logger
        readTime = Gauge(
            label: "claviger_issuer_keys_read_timestamp_seconds", dimensions: [("issuer", issuer)], factory: metrics)
        let readAt = initial == nil ? nil : clock.now()
        readTime.record(readAt?.timeIntervalSince1970 ?? 0)
        state = Mutex(State(keys: initial, readAt: readAt))
    }

    /// The key of this name, after the issuer was asked when that is due.
    func key(id: String) async -> VerificationKey? {
        let now = clock.now()
        let (known, reading) = state.withLock { state -> (VerificationKey?, Task<Void, Never>?) in
            forgetOld(&state, at: now)
            let known = state.keys?.key(id: id)
            let isOld = state.readAt.map { abs(now.timeIntervalSince($0)) >= Self.freshness } ?? true
            if known == nil || isOld { begin(&state, at: now) }
            return (known, state.reading)
        }
        if let known { return known }
        await reading?.value
        return state.withLock { $0.keys?.key(id: id) }
    }

    private func forgetOld(_ state: inout State, at now: Date) {
        guard state.keys != nil, let readAt = state.readAt, abs(now.timeIntervalSince(readAt)) >= Self.maximumAge else {
            return
        }
        state.keys = nil
        logger.error(
            "keys of an identity provider are too old to be believed; nobody of it gets in until they can be read",
            metadata: ["issuer": "\(issuer)"])
    }

    private func begin(_ state: inout State, at now: Date) {
        guard state.reading == nil,
            state.attemptedAt.map({ abs(now.timeIntervalSince($0)) >= Self.shortestInterval }) ?? true
        else { return }
        state.attemptedAt = now
        state.reading = Task { await self.read() }
    }

    private func read() async {
        do throws(Unavailable) {
            let keys = try await source()
            let now = clock.now()
            state.withLock { state in
                state.keys = keys
                state.readAt = now
                state.reading = nil
            }
            readTime.record(now.timeIntervalSince1970)
            logger.info("keys of an identity provider read", metadata: ["issuer": "\(issuer)"])
        } catch {
            state.withLock { $0.reading = nil }
            logger.warning(
                "keys of an identity provider could not be read; those read before stay for a day at most",
                metadata: ["issuer": "\(issuer)", "reason": "\(error.message)"])
        }
    }
}
