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

    /// Measures an event.
    ///
    /// - Parameter register: the register in a TPM's numbers; nil for the configured one.
    /// - Throws: `GuestError` with `invalid_request` for an event that cannot be recorded, else with what failed. The
    ///   event is then neither in the register nor in the log, or in both.
    public func record(
        domain: String, operation: String, content: String, register: UInt64? = nil
    ) async throws(GuestError) -> Outcome {
        guard isWanted else { return .notEnabled }
        guard let log else { return .notSupported }
        let event = try RuntimeEvent(domain: domain, operation: operation, content: content)
        try await HardwareWork.run { () throws(GuestError) in try log.record(event, pcr: register) }
        return .recorded
    }
}
