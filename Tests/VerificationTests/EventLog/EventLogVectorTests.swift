import Encodings
import RATS
import TestInput
import Testing
import Verification

@Suite("Event logs of real machines")
struct EventLogVectorTests {
    static let confidentialVMs = [
        "tdx-ccel-direct-kernel", "tdx-ccel-ovmf", "tdx-ccel-grub", "tdx-ccel-gcp", "csv-ccel-sm3", "aael-alibaba",
    ]

    private func log(_ name: String) throws -> EventLog {
        try EventLog.parse(Vectors.bytes("eventlog/\(name)/log.bin"))
    }

    private func bank(_ expected: JSONValue) throws -> TCGHash {
        switch expected["algorithm"]?.stringValue {
        case "sm3": .sm3
        case "sha384": .sha384
        default: throw TestInputError()
        }
    }

    private func registers(_ expected: JSONValue) throws -> [UInt32: [UInt8]] {
        let members = try #require(expected["registers"]?.objectValue)
        return try Dictionary(
            uniqueKeysWithValues: members.map { name, value in
                (try #require(UInt32(name.dropFirst(5))), try Hex.decode(try #require(value.stringValue)))
            })
    }

    @Test("KBS 12.10.62: the log replays to the known registers", arguments: confidentialVMs)
    func replay(name: String) throws {
        let expected = try Vectors.json("eventlog/\(name)/expected.json")
        let bank = try bank(expected)
        let log = try log(name)
        #expect(log.events.count == expected["events"]?.intValue.map(Int.init))
        #expect(log.algorithms == [bank])
        let replayed = try log.replay(bank)
        for (index, value) in try registers(expected) {
            #expect(try log.register(index, in: bank) == value)
            #expect(replayed[index] ?? [UInt8](repeating: 0, count: bank.digestSize) == value)
        }
    }

    @Test(
        "KBS 12.10.62: the claims are those of the reference verifier",
        arguments: confidentialVMs.filter { $0 != "tdx-ccel-gcp" })
    func claims(name: String) throws {
        let expected = try Vectors.json("eventlog/\(name)/trustee-claims.json")
        let registers = try registers(Vectors.json("eventlog/\(name)/expected.json"))
        let bank = try bank(Vectors.json("eventlog/\(name)/expected.json"))
        let entries = try #require(expected["uefi_event_logs"]?.arrayValue)
        let claims = try #require(log(name).replayed(to: registers, in: bank).claims.arrayValue)
        #expect(claims.count == entries.count)
        for (claim, entry) in zip(claims, entries) { #expect(claim == entry) }
    }

    @Test("KBS 12.10.62: A18: one changed bit of a register is a mismatch", arguments: confidentialVMs)
    func mismatch(name: String) throws {
        let expected = try Vectors.json("eventlog/\(name)/expected.json")
        let bank = try bank(expected)
        let log = try log(name)
        for index in try registers(expected).keys {
            var wrong = try registers(expected)
            wrong[index]?[5] ^= 0x10
            #expect(
                refusalCode { () throws(VerificationError) in _ = try log.replayed(to: wrong, in: bank) }
                    == "event_log_mismatch")
        }
    }

    @Test("logs of ordinary TPMs are read, with three banks, with SP 800-155 records and with a startup locality")
    func platformLogs() throws {
        let folder = "eventlog/tpm-go-tpm-tools"
        let cos = try EventLog.parse(Vectors.bytes("\(folder)/cos-85-amd-sev.bin"))
        #expect(cos.algorithms == [.sha1, .sha256, .sha384])
        #expect(cos.events.count == 45)
        #expect(cos.findings(in: .platform) == [])
        #expect(cos.startupLocality == 0)
        let host = try EventLog.parse(Vectors.bytes("\(folder)/gdc-host.bin"))
        #expect(host.startupLocality == 3)
        #expect(try host.register(0, in: .sha256) != host.register(0, in: .sha256, startupLocality: 3))
        let measured = try EventLog.parse(Vectors.bytes("\(folder)/eventlogwithsp800155.bin"))
        #expect(measured.events.filter { !$0.isMeasured }.count == 2)
        for name in ["arch-linux-workstation", "ubuntu-2404-amd-sevsnp", "glinux-alex"] {
            let log = try EventLog.parse(Vectors.bytes("\(folder)/\(name).bin"))
            #expect(try log.replay(.sha256).count >= 8)
            #expect(!log.findings(in: .platform).contains(.duplicateSeparator))
        }
        let agile = try EventLog.parse(Vectors.bytes("eventlog/tpm-go-attestation/crypto_agile_eventlog.bin"))
        #expect(agile.algorithms == [.sha256])
        // This recording ends after the first marks.
        let cut = try EventLog.parse(Vectors.bytes("eventlog/tpm-go-attestation/sb_cert_eventlog.bin"))
        #expect(cut.events.count == 14)
    }

    @Test("logs in the format that knows SHA-1 only are refused, and so are tables that are no logs")
    func legacyFormat() throws {
        for name in [
            "tpm-go-tpm-tools/debian-10", "tpm-go-attestation/ebs_event_missing_eventlog",
            "tpm-go-attestation/short_no_action_eventlog",
        ] {
            #expect(try EventLog.refusal(of: Vectors.bytes("eventlog/\(name).bin")) == "unsupported_version", "\(name)")
        }
        #expect(try EventLog.refusal(of: Vectors.bytes("eventlog/ccel-go-eventlog/CCEL.bin")) == "malformed_evidence")
    }

    @Test("a separator that was moved to a register that has one already is flagged")
    func movedSeparator() throws {
        let good = try EventLog.parse(Vectors.bytes("eventlog/ccel-go-eventlog/cos-113-intel-tdx.bin"))
        #expect(good.findings(in: .confidentialVM) == [])
        let moved = try EventLog.parse(Vectors.bytes("eventlog/ccel-go-eventlog/cos-113-intel-tdx-dupe-separator.bin"))
        #expect(moved.findings(in: .confidentialVM) == [.duplicateSeparator])
        let unpadded = try EventLog.parse(Vectors.bytes("eventlog/ccel-go-eventlog/CCEL_unpadded.data.bin"))
        #expect(unpadded.events.count == 19)
    }
}

struct TestInputError: Error {}
