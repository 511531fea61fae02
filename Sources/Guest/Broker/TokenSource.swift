import FoundationEssentials
import RATS

/// Hands out one token for as long as it lives, however many callers ask at once.
///
/// Failed attestations are not repeated at once: whoever asks during the hold gets the same failure.
actor TokenSource {
    typealias Outcome = Result<AttestedToken, GuestError>

    private struct Failure {
        let error: GuestError
        let hold: TimeWindow
    }

    private let attest: @Sendable () async -> Outcome
    private let clock: WallClock
    private let refusalHold: TimeInterval
    private let metrics: GuestMetrics

    private var current: AttestedToken?
    private var flight: Task<Outcome, Never>?
    private var failure: Failure?
    private var failuresInARow = 0
    private var forcedRenewal: TimeWindow?
    private var lastUse: Date?

    /// Attestations started so far.
    private(set) var attestations = 0

    /// Renewals that the broker's 401 asks for come at least this far apart, in seconds.
    static let forcedRenewalSpacing: TimeInterval = 10
    /// Renewal ahead of time looks at the clock at least this often, in seconds: it may have been set meanwhile.
    private static let longestPause: TimeInterval = 5

    init(
        clock: WallClock, refusalHold: Duration, metrics: GuestMetrics, attest: @escaping @Sendable () async -> Outcome
    ) {
        self.clock = clock
        self.metrics = metrics
        let (seconds, attoseconds) = refusalHold.components
        self.refusalHold = Double(seconds) + Double(attoseconds) / 1e18
        self.attest = attest
    }

    /// Whether there is a token whose time for renewal has not come.
    var isHeld: Bool { current.map { clock.now() < $0.renewal } ?? false }

    /// The current token, unless there is none or its time for renewal has come.
    func heldToken() -> AttestedToken? { isHeld ? current.map(used) : nil }

    /// The current token, or a new one when there is none or its time for renewal has come.
    func token() async throws(GuestError) -> AttestedToken {
        if let held = heldToken() { return held }
        do throws(GuestError) {
            return used(try await renew())
        } catch {
            return try stillHolding(after: error)
        }
    }

    /// Sees to it that there is a token, without counting as somebody who uses it.
    func require() async throws(GuestError) {
        guard !isHeld else { return }
        do throws(GuestError) {
            _ = try await renew()
        } catch {
            _ = try stillHolding(after: error)
        }
    }

    /// Whatever keeps the renewal from working must not take away a token that still holds: the broker judges it at each use.
    private func stillHolding(after error: GuestError) throws(GuestError) -> AttestedToken {
        guard let current, let expires = current.expires, clock.now() < expires else { throw error }
        return current
    }

    /// A token other than `refused`, or nil when it was renewed for that reason only just before.
    func token(inPlaceOf refused: AttestedToken) async throws(GuestError) -> AttestedToken? {
        if let current, current.token != refused.token { return try await token() }
        let now = clock.now()
        if flight == nil {
            if let forcedRenewal, forcedRenewal.contains(now) { return nil }
            forcedRenewal = TimeWindow(from: now, lasting: Self.forcedRenewalSpacing)
            current = nil
        }
        return used(try await renew())
    }

    /// Renews the token ahead of its time, so that nobody has to wait for it. A token that nobody used is left to end, and a
    /// refused renewal is not repeated before somebody asks: nobody attests for nothing.
    ///
    /// - Returns: after how many seconds to look again, and why the renewal failed.
    func renewAhead() async -> (pause: TimeInterval, failure: GuestError?) {
        guard let current, let lastUse, lastUse >= current.received else { return (Self.longestPause, nil) }
        if let failure, !failure.error.isTransient { return (Self.longestPause, nil) }
        let now = clock.now()
        guard now >= current.earlyRenewal else {
            return (min(max(current.earlyRenewal.timeIntervalSince(now), 0.5), Self.longestPause), nil)
        }
        do throws(GuestError) {
            _ = try await renew()
            return (1, nil)
        } catch {
            return (1, error)
        }
    }

    private func used(_ token: AttestedToken) -> AttestedToken {
        lastUse = clock.now()
        return token
    }

    /// Brings the metrics that depend on the time up to date.
    func observe() {
        metrics.tokenIs(current.map { clock.now().timeIntervalSince($0.received) })
    }

    private func renew() async throws(GuestError) -> AttestedToken {
        if let flight { return try await flight.value.get() }
        if let failure, failure.hold.contains(clock.now()) { throw failure.error }
        attestations += 1
        metrics.attestationStarted()
        let task = Task { [attest, metrics] in
            let start = ContinuousClock.now
            let outcome = await attest()
            metrics.attestationTook(start.duration(to: .now))
            self.land(outcome)
            return outcome
        }
        flight = task
        return try await task.value.get()
    }

    private func land(_ outcome: Outcome) {
        flight = nil
        switch outcome {
        case .success(let token):
            current = token
            failure = nil
            failuresInARow = 0
        case .failure(let error):
            let now = clock.now()
            failure = Failure(error: error, hold: TimeWindow(from: now, lasting: hold(after: error)))
            failuresInARow += 1
            metrics.attestationFailed(error, at: now)
        }
    }

    /// Doubles from the configured hold (a tenth of it for brokers that cannot be reached) up to four times that; a
    /// broker's own wish comes first. The jitter keeps a fleet from knocking in step.
    private func hold(after error: GuestError) -> TimeInterval {
        if let wish = error.retryAfter { return Double(wish) }
        let first = error.isTransient ? refusalHold / 10 : refusalHold
        return first * Double(1 << min(failuresInARow, 2)) * Double.random(in: 0.9...1.1)
    }
}
