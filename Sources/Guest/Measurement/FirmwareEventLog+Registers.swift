extension FirmwareEventLog {
    /// Makes sure that a log with the agent's events would lead to the registers that firmware extends.
    ///
    /// Verifiers follow a log that they are sent to these registers too. Where firmware's part of it cannot be seen, they
    /// must hold nothing but the agent's own events; else the first event would end the attestation of this boot.
    ///
    /// - Parameter indices: the numbers of firmware's registers in the log.
    /// - Throws: `GuestError` with `evidence_failed` when the log would not lead there, and with what failed when a
    ///   register or a log cannot be read.
    public func requireLead(
        to indices: ClosedRange<UInt32>, of registers: any MeasurementRegisters
    ) throws(GuestError) {
        guard try firmwareRecords() == nil else { return }
        let own = EventLogText.registers(after: try agentEvents(), registers.algorithm) ?? [:]
        let zeros = [UInt8](repeating: 0, count: registers.algorithm.digestBytes)
        for index in indices {
            guard try registers.value(at: index) == own[index] ?? zeros else {
                throw GuestError(
                    .evidence,
                    "Events cannot be measured: the log of what firmware measured, \(path), is not there or not "
                        + "understood, and without it no verifier would believe evidence with events. Let the agent see "
                        + "that file, or switch the event log off.")
            }
        }
    }
}
