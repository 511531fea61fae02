import Glibc
import Synchronization

/// The events in an agent's log, for the evidence that leads to the registers: those of this process or of another agent
/// in the guest.
public final class LoggedEvents: Sendable {
    /// While an event is recorded, its register is ahead of the log. That takes milliseconds.
    private static let patience: Duration = .seconds(2)
    private static let pause: useconds_t = 2_000

    private let kernel: any Kernel
    private let path: String
    private let keeper = Mutex<RuntimeMeasurements?>(nil)

    /// The events of the log at this path.
    public init(_ path: String = RuntimeMeasurements.usualPath, kernel: any Kernel = RealKernel()) {
        self.path = path
        self.kernel = kernel
    }

    /// Names who in this process writes the log, and finishes what a failed write left before evidence is made.
    public func keep(_ measurements: RuntimeMeasurements) { keeper.withLock { $0 = measurements } }

    /// The entries, without declaration and end mark; empty when there is no log.
    ///
    /// - Throws: `GuestError` with `evidence_failed` when another agent died while it recorded an event and was not started
    ///   again, with `system_failed` when the log cannot be read, or what this process failed to write cannot be written now.
    public func entries() throws(GuestError) -> [UInt8] {
        guard kernel.exists(path) else { return [] }
        let ahead = RuntimeEventLog.aheadPath(of: path)
        let end = ContinuousClock.now + Self.patience
        while kernel.exists(ahead), try !kernel.read(ahead, limit: RuntimeEventLog.maximumAheadBytes).isEmpty {
            if let keeper = keeper.withLock({ $0 }), keeper.keepsLog {
                try keeper.finish()
                break
            }
            guard ContinuousClock.now < end else {
                throw GuestError(
                    .evidence, "The agent that keeps the event log \(path) was interrupted. Start it again.")
            }
            usleep(Self.pause)
        }
        return try kernel.read(path, limit: EventLogText.maximumBytes)
    }
}
