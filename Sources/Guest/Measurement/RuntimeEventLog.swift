import Glibc
import KBSProtocol
import Synchronization

/// The log of what this agent measured, in step with the registers that it extends.
///
/// Each entry names the register that was really extended. (The reference writes the number of its configured register
/// into entries for others too, and then its log does not lead to the registers.)
final class RuntimeEventLog: Sendable {
    /// What remains of the verifiers' limit belongs to firmware's log.
    static let maximumBytes = 524_288
    /// What programs in the guest may fill; the rest is for the agent's own events, without which it releases nothing.
    static let maximumReportedBytes = 393_216
    /// The longest of what is written ahead, with some room.
    static let maximumAheadBytes = RuntimeEvent.maximumBytes + 128

    private let registers: any MeasurementRegisters
    private let usualRegister: UInt32
    private let log: RecordFile
    private let ahead: RecordFile
    private let turn = Mutex(())

    /// Opens the log and finishes or drops what was interrupted.
    ///
    /// - Parameters:
    ///   - path: the log; what is written ahead lies beside it.
    ///   - usualPCR: the register for events that name none.
    /// - Throws: `GuestError` with `system_failed` when the files cannot be used, and with `evidence_failed` when they
    ///   contradict each other.
    init(
        _ path: String, registers: any MeasurementRegisters, usualPCR: UInt64,
        put: @escaping RecordFile.Put = { pwrite($0, $1, $2, $3) }
    ) throws(GuestError) {
        self.registers = registers
        usualRegister = try registers.logIndex(ofPCR: usualPCR)
        try Self.makeFolder(of: path)
        log = try RecordFile(path, put: put)
        ahead = try RecordFile(Self.aheadPath(of: path), put: put)
        try recover()
        guard EventLogText.isWhole(try log.content(limit: EventLogText.maximumBytes)) else { throw contradiction }
    }

    /// Extends a register with the event and records that; one at a time.
    ///
    /// - Parameter limit: the size that the log may reach.
    func record(_ event: RuntimeEvent, pcr: UInt64?, limit: Int = RuntimeEventLog.maximumBytes) throws(GuestError) {
        try turn.withLock { _ throws(GuestError) in
            let register = try pcr.map { (pcr) throws(GuestError) in try registers.logIndex(ofPCR: pcr) }
            try record(event, register: register ?? usualRegister, limit)
        }
    }

    /// Finishes or drops what a write that failed left.
    func finish() throws(GuestError) { try turn.withLock { _ throws(GuestError) in try recover() } }

    private func record(_ event: RuntimeEvent, register: UInt32, _ limit: Int) throws(GuestError) {
        // An event before this one may have got into its register and not into the log.
        try recover()
        let algorithm = registers.algorithm
        let entry = event.entry(register: register, algorithm)
        let offset = try log.size()
        guard offset + entry.count <= limit else {
            throw GuestError(.evidence, "The event log is full: with more events no verifier would read it.")
        }
        let digest = event.digest(algorithm)
        let expected = registers.extended(try registers.value(at: register), with: digest)
        let record = WriteAheadRecord(
            offset: UInt64(offset), expected: expected, text: event.text,
            register: register == usualRegister ? nil : register)
        do throws(GuestError) {
            try ahead.write(record.bytes, at: 0)
        } catch {
            // Nothing was extended. Evidence waits as long as something is written there; what cannot be dropped now, the
            // next event drops.
            try? ahead.write([], at: 0)
            throw error
        }
        do throws(GuestError) {
            try registers.extend(at: register, with: digest)
        } catch {
            // Whether the register was extended all the same, it says itself.
            try recover()
            throw error
        }
        try log.write(entry, at: offset)
        try ahead.write([], at: 0)
    }

    /// Finishes an interrupted recording when the register was extended, and drops it when it was not.
    private func recover() throws(GuestError) {
        let bytes = try ahead.content(limit: Self.maximumAheadBytes)
        guard !bytes.isEmpty else { return }
        if let record = WriteAheadRecord(parsing: bytes, digestBytes: registers.algorithm.digestBytes) {
            try recover(record)
        }
        // A record that was cut was never acted upon: registers are extended only after it is whole.
        try ahead.write([], at: 0)
    }

    private func recover(_ record: WriteAheadRecord) throws(GuestError) {
        let content = try log.content(limit: EventLogText.maximumBytes)
        let register = record.register ?? usualRegister
        let isExtended = try registers.value(at: register) == record.expected
        guard let offset = Int(exactly: record.offset), offset <= content.count else {
            // The offset of a cut record can be anything.
            guard isExtended else { return }
            throw contradiction
        }
        let begun = content[offset...]
        // Entries are written after the register was extended, which others may have extended since.
        guard isExtended || !begun.isEmpty else { return }
        let entry = try RuntimeEvent(record.text).entry(register: register, registers.algorithm)
        guard entry.starts(with: begun) else { throw contradiction }
        try log.write(entry, at: offset)
    }

    private var contradiction: GuestError {
        GuestError(
            .evidence,
            "The event log is not what this agent wrote: it no longer leads to the registers. Start the guest anew.")
    }

    /// Where it is written down what is about to be recorded in the log at `path`.
    static func aheadPath(of path: String) -> String {
        path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/.wal_event_entry"
    }

    private static func makeFolder(of path: String) throws(GuestError) {
        let names = path.split(separator: "/").dropLast()
        for depth in names.indices {
            let folder = "/" + names.prefix(depth + 1).joined(separator: "/")
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST || errno == EROFS || errno == EACCES else {
                throw .system("make the folder", folder)
            }
        }
    }
}
