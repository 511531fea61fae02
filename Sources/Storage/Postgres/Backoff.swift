/// When to try again: the pause doubles up to a limit, and each is drawn at random from its upper half, so that many
/// replicas do not knock at a database in step when it comes back.
struct Backoff {
    static let shortest: UInt64 = 50_000_000
    static let longest: UInt64 = 2_000_000_000

    private var pause = shortest

    /// Nanoseconds to wait before the next attempt.
    mutating func next(using generator: inout some RandomNumberGenerator) -> UInt64 {
        let chosen = UInt64.random(in: pause / 2...pause, using: &generator)
        pause = min(pause * 2, Self.longest)
        return chosen
    }

    mutating func reset() { pause = Self.shortest }
}
