/// Lets a burst through at once and a steady trickle after it (the generic cell rate algorithm).
struct TokenBucket: Sendable {
    private let interval: Duration
    private let burst: Int
    /// When the bucket will be full again if nothing more is taken.
    private(set) var fullAt: ContinuousClock.Instant?

    /// A full bucket of `burst` tokens that gains one each `interval`.
    init(burst: Int, interval: Duration) {
        self.burst = burst
        self.interval = interval
    }

    /// Takes a token, from the future if there is none; answers how long to wait for it.
    ///
    /// - Parameter longest: nobody waits for longer than this: what would, comes with the others of that moment.
    mutating func reserve(at now: ContinuousClock.Instant, atMost longest: Duration? = nil) -> Duration {
        let reserved = max(fullAt ?? now, now) + interval
        let full = longest.map { min(reserved, now + interval * burst + $0) } ?? reserved
        fullAt = full
        return max(.zero, full - now - interval * burst)
    }

    /// Gives back a token that was reserved and not used.
    mutating func giveBack() { fullAt = fullAt.map { $0 - interval } }

    /// Takes a token if there is one.
    mutating func take(at now: ContinuousClock.Instant) -> Bool {
        var tried = self
        guard tried.reserve(at: now) == .zero else { return false }
        self = tried
        return true
    }
}
