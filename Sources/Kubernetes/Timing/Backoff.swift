/// How long to wait after failures in a row: each time up to twice as long, and never in step with others.
public struct Backoff: Sendable, Hashable {
    /// The shortest wait.
    public let shortest: Duration
    /// The longest wait.
    public let longest: Duration

    /// Waits from `shortest` to `longest`.
    public init(shortest: Duration, longest: Duration) {
        self.shortest = shortest
        self.longest = longest
    }

    /// The wait after `failures` failures in a row: evenly spread from the shortest wait to a ceiling that doubles with each
    /// failure. `chance` is a number from 0 to 1.
    func delay(afterFailures failures: Int, chance: Double) -> Duration {
        // 2^20 times the shortest wait is beyond any ceiling in use, and far from overflowing.
        let ceiling = min(longest, shortest * (1 << min(max(failures, 1), 20)))
        return shortest + max(.zero, ceiling - shortest) * chance
    }
}
