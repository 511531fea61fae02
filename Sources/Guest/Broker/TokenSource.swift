import FoundationEssentials
import RATS

/// Hands out one token for as long as it lives, however many callers ask at once.
///
/// Failed attestations are not repeated at once: whoever asks during the hold gets the same failure.
actor TokenSource {
    typealias Outcome = Result<AttestedToken, GuestError>

    private struct Failure {
        let error: GuestError
        let until: Date
    }

    private let attest: @Sendable () async -> Outcome
    private let clock: WallClock
    private let refusalHold: TimeInterval

    private var current: AttestedToken?
    private var flight: Task<Outcome, Never>?
    private var failure: Failure?
    private var failuresInARow = 0
    private var lastForcedRenewal: Date?

    /// Attestations started so far.
    private(set) var attestations = 0

    /// Renewals that the broker's 401 asks for come at least this far apart, in seconds.
    static let forcedRenewalSpacing: TimeInterval = 10

    init(clock: WallClock, refusalHold: Duration, attest: @escaping @Sendable () async -> Outcome) {
        self.clock = clock
        let (seconds, attoseconds) = refusalHold.components
        self.refusalHold = Double(seconds) + Double(attoseconds) / 1e18
        self.attest = attest
    }

    /// The current token, or a new one when there is none or its time for renewal has come.
    func token() async throws(GuestError) -> AttestedToken {
        if let current, clock.now() < current.renewal { return current }
        do throws(GuestError) {
            return try await renew()
        } catch {
            // A broker that is away for a moment must not take away a token that still holds.
            if let current, error.isTransient, let expires = current.expires, clock.now() < expires { return current }
            throw error
        }
    }

    /// A token other than `refused`, or nil when it was renewed for that reason only just before.
    func token(inPlaceOf refused: AttestedToken) async throws(GuestError) -> AttestedToken? {
        if let current, current.token != refused.token { return try await token() }
        let now = clock.now()
        if flight == nil {
            if let lastForcedRenewal, now.timeIntervalSince(lastForcedRenewal) < Self.forcedRenewalSpacing {
                return nil
            }
            lastForcedRenewal = now
            current = nil
        }
        return try await renew()
    }

    private func renew() async throws(GuestError) -> AttestedToken {
        if let flight { return try await flight.value.get() }
        if let failure, clock.now() < failure.until { throw failure.error }
        attestations += 1
        let task = Task { [attest] in
            let outcome = await attest()
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
            failure = Failure(error: error, until: clock.now().addingTimeInterval(hold(after: error)))
            failuresInARow += 1
        }
    }

    /// Doubles from the configured hold (a tenth of it for brokers that cannot be reached) up to eight times that; a
    /// broker's own wish comes first. The jitter keeps a fleet from knocking in step.
    private func hold(after error: GuestError) -> TimeInterval {
        if let wish = error.retryAfter { return Double(wish) }
        let first = error.isTransient ? refusalHold / 10 : refusalHold
        return first * Double(1 << min(failuresInARow, 3)) * Double.random(in: 0.9...1.1)
    }
}
