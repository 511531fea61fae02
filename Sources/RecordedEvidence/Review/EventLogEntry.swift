import Encodings
import RATS
import Verification

/// Recorded event logs whose registers are known.
enum EventLogEntry {
    static func examine(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder, _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        guard let file = entry.file("log.bin.gz") ?? entry.file("log.bin") else {
            return findings.differs("none of its files holds an event log")
        }
        let bytes = try folder.bytes(file)
        do throws(VerificationError) {
            let log = try EventLog.parse(bytes)
            let registers = try registers(of: log, entry.claims)
            if registers.isEmpty { findings.undecided("the manifest names no register of a bank in the log") }
            findings.compare(registers)
            findings.verdict("replayed \(log.events.count) events")
            if let expected = entry.file("trustee-claims.json") {
                findings.compare([try claims(of: log, in: folder, expected)])
            }
        } catch {
            findings.differs("it cannot be replayed: \(error.message)")
        }
    }

    private static func registers(
        of log: EventLog, _ expected: JSONObject
    ) throws(VerificationError) -> [FactComparison] {
        let size = expected.lazy.compactMap { $0.value.hexBytes?.count }.first
        guard let bank = log.algorithms.first(where: { $0.digestSize == size }) else { return [] }
        let replayed = try log.replay(bank)
        return expected.compactMap { name, value in
            guard name.hasPrefix("index"), let index = UInt32(name.dropFirst("index".count)) else { return nil }
            let register = replayed[index] ?? [UInt8](repeating: 0, count: bank.digestSize)
            return FactComparison(name: name, expected: value, found: .string(Hex.encode(register)))
        }
    }

    private static func claims(
        of log: EventLog, in folder: EvidenceFolder, _ file: String
    ) throws(VerificationError) -> FactComparison {
        let expected = (try? folder.bytes(file)).flatMap { try? JSONValue(parsing: $0) } ?? .null
        let isSame = expected["uefi_event_logs"] == log.claims || expected == log.claims
        return FactComparison(name: "the claims in \(file)", expected: true, found: .bool(isSame))
    }
}
