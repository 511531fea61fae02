/// Measures what happens in the guest into a register that hardware signs, where a log is wanted and the TEE can.
public final class RuntimeMeasurements: Sendable {
    /// What became of an event.
    public enum Outcome: Sendable, Hashable {
        /// It is in the register and in the log.
        case recorded
        /// The TEE has no registers for it.
        case notSupported
        /// No event log is wanted.
        case notEnabled
    }

    /// Where the reference keeps its log.
    public static let usualPath = "/run/attestation-agent/eventlog"
    /// The register that the reference uses unless it is told otherwise.
    public static let usualRegister: UInt64 = 17

    /// The domain of the agent's own events, which nobody else can report.
    static let ownDomain = "claviger"

    private let log: RuntimeEventLog?
    private let isWanted: Bool

    private init(_ log: RuntimeEventLog?, isWanted: Bool) {
        self.log = log
        self.isWanted = isWanted
    }

    /// Measures nothing.
    public static let disabled = RuntimeMeasurements(nil, isWanted: false)

    /// Measures into these registers, and finishes what an earlier agent left unfinished.
    ///
    /// - Parameters:
    ///   - registers: nil where the TEE has none; events are then refused, and nothing is logged.
    ///   - path: the log.
    ///   - register: the register, in a TPM's numbers, for events that name none.
    /// - Throws: `GuestError` when the register or the log cannot be used.
    public init(
        into registers: (any MeasurementRegisters)?, path: String = usualPath, register: UInt64 = usualRegister
    ) throws(GuestError) {
        isWanted = true
        log = try registers.map { (registers) throws(GuestError) in
            try RuntimeEventLog(path, registers: registers, usualPCR: register)
        }
    }

    /// Measures an event that a program in the guest reports, as long as 384 KiB of the log are not full.
    ///
    /// - Parameter register: the register in a TPM's numbers; nil for the configured one.
    /// - Throws: `GuestError` with `invalid_request` for an event that cannot be recorded or says that it is the agent's
    ///   own, else with what failed. The next event, and the next start, first finish what failed halfway.
    public func report(
        domain: String, operation: String, content: String, register: UInt64? = nil
    ) async throws(GuestError) -> Outcome {
        guard log == nil || domain != Self.ownDomain else {
            throw GuestError(
                .invalidRequest, "Events of the domain \(Self.ownDomain) are the agent's own. Take another domain.")
        }
        return try await record(
            domain: domain, operation: operation, content: content, register: register,
            limit: RuntimeEventLog.maximumReportedBytes)
    }

    /// Whether this process writes a log.
    var keepsLog: Bool { log != nil }

    /// Finishes an event that got into its register and not into the log, as the next event would; without one it does
    /// nothing. Waits for an event that is being recorded. Blocks.
    ///
    /// - Throws: `GuestError` when that fails again, for the same reason or another.
    func finish() throws(GuestError) { try log?.finish() }

    /// Measures an event, also one of the agent's own.
    ///
    /// - Parameter limit: the size in bytes that the log may reach.
    func record(
        domain: String, operation: String, content: String, register: UInt64? = nil,
        limit: Int = RuntimeEventLog.maximumBytes
    ) async throws(GuestError) -> Outcome {
        guard isWanted else { return .notEnabled }
        guard let log else { return .notSupported }
        let event = try RuntimeEvent(domain: domain, operation: operation, content: content)
        try await HardwareWork.run { () throws(GuestError) in try log.record(event, pcr: register, limit: limit) }
        return .recorded
    }
}
