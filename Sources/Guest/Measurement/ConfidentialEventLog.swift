import KBSProtocol

/// The event log of a confidential VM, `cc_eventlog` in evidence: firmware's ACPI table CCEL and this agent's own events.
public struct ConfidentialEventLog: EventLogSource {
    private static let table = "/sys/firmware/acpi/tables/data/CCEL"

    private let kernel: any Kernel
    private let runtimePath: String

    /// The log from its parts.
    ///
    /// - Parameter runtimePath: the log of this agent's own events, `AAEL_PATH` in the reference's environment.
    public init(kernel: any Kernel, runtimePath: String = RuntimeMeasurements.usualPath) {
        self.kernel = kernel
        self.runtimePath = runtimePath
    }

    /// The log, ended by eight bytes 0xFF; nil when there is neither a table nor a log of this agent.
    ///
    /// - Throws: `GuestError` with `evidence_failed` when the table is cut or the log larger than 1 MiB.
    public func bytes() throws(GuestError) -> [UInt8]? {
        let platform =
            kernel.exists(Self.table) ? try kernel.read(Self.table, limit: EventLogText.maximumTableBytes) : nil
        let runtime =
            kernel.exists(runtimePath) ? try kernel.read(runtimePath, limit: EventLogText.maximumBytes) : nil
        return try EventLogText.joined(platform: platform, runtime: runtime, declaring: [.sha384, .sm3])
    }
}
