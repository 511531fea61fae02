import Encodings
public import RATS

extension EventLog {
    /// The value that a register has after all its events, beginning with zeros: it becomes the hash of itself and each
    /// digest in turn.
    ///
    /// `startupLocality` is where the measuring began, the last byte of PCR 0 of a TPM before its first event. Throws
    /// `event_log_mismatch` for SHA-1, which proves nothing, and when an event of this register has no digest for the
    /// bank, so that nobody knows what was added.
    public func register(
        _ index: UInt32, in bank: TCGHash, startupLocality: UInt8 = 0
    ) throws(VerificationError) -> [UInt8] {
        var value = [UInt8](repeating: 0, count: bank.digestSize)
        value[value.count - 1] = startupLocality
        for event in events where event.index == index && event.isMeasured {
            guard let digest = event.digest(bank), let extended = bank.digest(of: value + digest) else {
                throw .wrongBank(index, bank)
            }
            value = extended
        }
        return value
    }

    /// The values of all registers that have events; see ``register(_:in:startupLocality:)``.
    public func replay(_ bank: TCGHash) throws(VerificationError) -> [UInt32: [UInt8]] {
        var registers: [UInt32: [UInt8]] = [:]
        for event in events where event.isMeasured {
            let value = registers[event.index] ?? [UInt8](repeating: 0, count: bank.digestSize)
            guard let digest = event.digest(bank), let extended = bank.digest(of: value + digest) else {
                throw .wrongBank(event.index, bank)
            }
            registers[event.index] = extended
        }
        return registers
    }

    /// The part of the log that is proved by registers that hardware signed: the events of these registers, with the
    /// digests of their bank, and informative events.
    ///
    /// Events of other registers are left out, because whoever sent the log could have written them. For each of
    /// `registers` all events must be there, none too many: a register without events must be zeros. Throws
    /// `event_log_mismatch`.
    public func replayed(
        to registers: [UInt32: [UInt8]], in bank: TCGHash, startupLocality: UInt8 = 0
    ) throws(VerificationError) -> EventLog {
        for (index, signed) in registers.sorted(by: { $0.key < $1.key }) {
            let locality = index == 0 ? startupLocality : 0
            guard try constantTimeEqual(register(index, in: bank, startupLocality: locality), signed) else {
                throw VerificationError(
                    code: "event_log_mismatch",
                    message: "The event log does not lead to the value of register \(index) that the hardware signed.")
            }
        }
        return EventLog(
            algorithms: [bank],
            events: events.filter { registers[$0.index] != nil || !$0.isMeasured }.map { $0.limited(to: bank) })
    }

    /// Where measuring began, as firmware of a TPM records it in an informative event; 0 when it does not.
    public var startupLocality: UInt8 {
        let text = Array("StartupLocality\0".utf8)
        let data = events.lazy.filter { $0.type == .noAction && $0.index == 0 }.map(\.data)
            .first { $0.count == text.count + 1 && $0.starts(with: text) }
        return data?.last ?? 0
    }
}

extension VerificationError {
    fileprivate static func wrongBank(_ index: UInt32, _ bank: TCGHash) -> VerificationError {
        VerificationError(
            code: "event_log_mismatch",
            message: "The event log has an event of register \(index) from which no \(bank.name) register follows.")
    }
}
