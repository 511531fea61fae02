import Glibc

/// The events in an agent's log, for the evidence that leads to the registers: those of this process or of another agent
/// in the guest.
public struct LoggedEvents: Sendable {
    /// While an event is recorded, its register is ahead of the log. That takes milliseconds.
    private static let patience: Duration = .seconds(2)
    private static let pause: useconds_t = 2_000

    private let kernel: any Kernel
    private let path: String

    /// The events of the log at this path.
    public init(_ path: String = RuntimeMeasurements.usualPath, kernel: any Kernel = RealKernel()) {
        self.path = path
        self.kernel = kernel
    }

    /// The entries, without declaration and end mark; empty when there is no log.
    ///
    /// - Throws: `GuestError` with `evidence_failed` when an agent died while it recorded an event and was not started
    ///   again, and with `system_failed` when the log cannot be read.
    public func entries() throws(GuestError) -> [UInt8] {
        guard kernel.exists(path) else { return [] }
        let ahead = RuntimeEventLog.aheadPath(of: path)
        let end = ContinuousClock.now + Self.patience
        while kernel.exists(ahead), try !kernel.read(ahead, limit: RuntimeEventLog.maximumAheadBytes).isEmpty {
            guard ContinuousClock.now < end else {
                throw GuestError(
                    .evidence, "The agent that keeps the event log \(path) was interrupted. Start it again.")
            }
            usleep(Self.pause)
        }
        return try kernel.read(path, limit: EventLogText.maximumBytes)
    }
}
