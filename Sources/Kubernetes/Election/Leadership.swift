import Synchronization

/// The right of one process to write, for one term.
///
/// It ends by itself: without a renewal in time it is over, also when this process was paused and nothing in it could run.
/// Ask ``isValid`` right before each write, and send ``fence`` along so that the receiver can refuse an older term's.
public final class Leadership: Sendable {
    /// The number of the term (the Lease's `leaseTransitions`): bigger than that of every term before. It is at least the
    /// number of seconds since 2020 when the term began, so that terms still grow over a Lease that was deleted or restored.
    public let fence: Int64

    private let deadline: Mutex<ContinuousClock.Instant?>
    private let now: @Sendable () -> ContinuousClock.Instant

    init(fence: Int64, until deadline: ContinuousClock.Instant, environment: RuntimeEnvironment) {
        self.fence = fence
        self.deadline = Mutex(deadline)
        now = environment.now
    }

    private init(standing fence: Int64) {
        self.fence = fence
        // An instant that no process lives to see: some hundred years ahead.
        let start = ContinuousClock.now
        deadline = Mutex(start + .seconds(1 << 32))
        now = { start }
    }

    /// The right of a process that is alone by other means, and that no election takes away.
    public static func unelected(fence: Int64) -> Leadership { Leadership(standing: fence) }

    /// Whether this process may write now.
    public var isValid: Bool { remaining > .zero }

    /// How long the right lasts without a renewal.
    public var remaining: Duration {
        let deadline = deadline.withLock { $0 }
        return deadline.map { max(.zero, $0 - now()) } ?? .zero
    }

    /// Prolongs the term; answers false when it is over, which nothing undoes.
    func extend(until later: ContinuousClock.Instant) -> Bool {
        let now = now()
        return deadline.withLock { deadline in
            guard let current = deadline, now < current, now < later else {
                deadline = nil
                return false
            }
            deadline = max(current, later)
            return true
        }
    }

    /// Ends the term.
    func end() { deadline.withLock { $0 = nil } }
}
