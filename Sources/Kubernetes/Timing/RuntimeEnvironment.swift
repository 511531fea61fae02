public import FoundationEssentials

/// What caches, queues and elections take from the machine: time, waiting and chance.
///
/// Everything that waits is handed one of these, so that a test can let an hour pass at once and repeat a run exactly.
public struct RuntimeEnvironment: Sendable {
    /// The present moment of a clock that only goes forward and does not stand still while the machine is suspended.
    public let now: @Sendable () -> ContinuousClock.Instant
    /// The time of day. It is written into objects for people to read, and terms of leadership are numbered by it: see
    /// ``Leadership/fence``. No wait and no expiry depends on it.
    public let wallTime: @Sendable () -> Date
    /// Waits, and throws as soon as the task is cancelled.
    public let sleep: @Sendable (Duration) async throws(CancellationError) -> Void
    /// A number from 0 up to, but not including, 1.
    public let random: @Sendable () -> Double

    /// An environment of the given parts.
    public init(
        now: @escaping @Sendable () -> ContinuousClock.Instant,
        wallTime: @escaping @Sendable () -> Date,
        sleep: @escaping @Sendable (Duration) async throws(CancellationError) -> Void,
        random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.wallTime = wallTime
        self.sleep = sleep
        self.random = random
    }

    /// The machine's own.
    public static let system = RuntimeEnvironment(
        now: { ContinuousClock.now },
        wallTime: { Date() },
        sleep: { duration throws(CancellationError) in
            do {
                try await Task.sleep(for: duration, clock: .continuous)
            } catch {
                throw CancellationError()
            }
        },
        random: { Double.random(in: 0..<1) })
}

extension RuntimeEnvironment {
    /// A duration from `duration` up to `duration` × (1 + `share`), so that many processes do not act in step.
    func lengthened(_ duration: Duration, byUpTo share: Double) -> Duration {
        duration + duration * (share * random())
    }

    /// The time of day as Kubernetes' `Time`: RFC 3339 in whole seconds.
    var timestamp: String { wallTime().formatted(.iso8601) }

    /// The time of day as Kubernetes' `MicroTime`: RFC 3339 with exactly six digits of a second.
    var microTimestamp: String {
        let microseconds = Int64((wallTime().timeIntervalSince1970 * 1_000_000).rounded())
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        let whole = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        let digits = String(abs(rest))
        return "\(whole.dropLast()).\(String(repeating: "0", count: 6 - digits.count))\(digits)Z"
    }

    /// Runs `body`, but cancels it when `limit` has passed; answers `nil` then.
    func limited<Value: Sendable>(
        to limit: Duration, _ body: @escaping @Sendable () async -> Value
    ) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                try? await sleep(limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
