import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("TPM: event logs")
struct TPMEventLogTests {
    private let nonce = [UInt8](repeating: 9, count: 32)
    private var binding: EvidenceBinding { EvidenceBinding(reportData: [nonce]) }

    /// The log of a real machine, and a TPM whose registers it leads to.
    private func machine() throws -> (tpm: SoftTPM, log: [UInt8]) {
        let log = try Vectors.bytes("eventlog/tpm-go-tpm-tools/ubuntu-2404-amd-sevsnp.bin")
        let registers = try EventLog.parse(log).replay(.sha256)
        var tpm = try SoftTPM()
        for (index, value) in registers { tpm.registers[Int(index)] = value }
        return (tpm, log)
    }

    private func evidence(_ tpm: SoftTPM, _ log: [UInt8]) throws -> JSONValue {
        try tpm.evidence(nonce: nonce, adding: ["eventlog": .string(Base64.encode(log))])
    }

    private func trusting(_ tpm: SoftTPM) -> TPMVerifier {
        var options = TPMVerifier.Options()
        options.trustedKeys = [tpm.key.publicKey.spki]
        return TPMVerifier(options)
    }

    @Test("A18: the log of a TPM whose key nobody vouches for is compared and does not become claims")
    func unknownKey() async throws {
        let (tpm, log) = try machine()
        let result = try await TPMVerifier().verify(
            Evidence(tee: .tpm, content: evidence(tpm, log)), binding: binding, context: VerificationContext())
        #expect(result[0].claims["uefi_event_logs"] == nil)
        #expect(result[0].claims["uefi_event_log_findings"] == nil)
        #expect(result[0].steps.last?.name == "event log")
        #expect(result[0].steps.last?.outcome == .skipped)
        let other = tpm.extending(0, with: nonce)
        #expect(await TPMVerifier().refusal(try evidence(other, log), binding) == "event_log_mismatch")
    }

    @Test("a log that leads to the quoted registers becomes claims, with digests of the quoted bank only")
    func proved() async throws {
        let (tpm, log) = try machine()
        let result = try await trusting(tpm).verify(
            Evidence(tee: .tpm, content: evidence(tpm, log)), binding: binding, context: VerificationContext())
        let entries = try #require(result[0].claims["uefi_event_logs"]?.arrayValue)
        #expect(entries.count == 116)
        #expect(entries.allSatisfy { $0["digests"]?.arrayValue?.map { $0["alg"] } == ["SHA-256"] })
        #expect(
            entries.contains { $0["details"]?["unicode_name"] == "SecureBoot" && $0["digest_matches_event"] == true })
        #expect(result[0].claims["uefi_event_log_findings"] == [])
    }

    @Test("A18: a log that does not lead to a quoted register is refused, also one that says nothing of firmware")
    func mismatches() async throws {
        let (tpm, log) = try machine()
        for index in [0, 1, 4, 5, 7, 9, 14] {
            let other = tpm.extending(index, with: nonce)
            #expect(await TPMVerifier().refusal(try evidence(other, log), binding) == "event_log_mismatch")
        }
        let empty = LogBuilder(algorithms: [(0x0B, 32)]).bytes
        #expect(await TPMVerifier().refusal(try evidence(tpm, empty), binding) == "event_log_mismatch")
        let sha384 = LogBuilder()
        var other = sha384
        other.append(index: 1, type: 5, data: [1])
        #expect(await TPMVerifier().refusal(try evidence(tpm, other.bytes), binding) == "event_log_mismatch")
    }

    @Test("registers that software extends without the firmware's log need not follow from it, and prove no event")
    func beyondTheLog() async throws {
        let (tpm, log) = try machine()
        let later = tpm.extending(8, with: nonce).extending(10, with: nonce)
        let results = try await trusting(later).verify(
            Evidence(tee: .tpm, content: evidence(later, log)), binding: binding, context: VerificationContext())
        let entries = try #require(results[0].claims["uefi_event_logs"]?.arrayValue)
        #expect(entries.count == 45)
        #expect(!entries.contains { $0["index"] == 8 })
        let systemd = tpm.extending(14, with: nonce)
        var options = TPMVerifier.Options()
        options.registersBeyondLog = [14]
        #expect(await TPMVerifier(options).refusal(try evidence(systemd, log), binding) == nil)
    }

    @Test("a startup locality is where register 0 begins")
    func startupLocality() async throws {
        let log = try Vectors.bytes("eventlog/tpm-go-tpm-tools/glinux-alex.bin")
        let parsed = try EventLog.parse(log)
        #expect(parsed.startupLocality == 3)
        var tpm = try SoftTPM()
        for (index, value) in try parsed.replay(.sha256) { tpm.registers[Int(index)] = value }
        #expect(await TPMVerifier().refusal(try evidence(tpm, log), binding) == "event_log_mismatch")
        tpm.registers[0] = try parsed.register(0, in: .sha256, startupLocality: 3)
        #expect(await TPMVerifier().refusal(try evidence(tpm, log), binding) == nil)
    }

    @Test("a site may ask for a log")
    func required() async throws {
        let (tpm, log) = try machine()
        var options = TPMVerifier.Options()
        options.requiresEventLog = true
        #expect(await TPMVerifier(options).refusal(try tpm.evidence(nonce: nonce), binding) == "event_log_missing")
        #expect(await TPMVerifier(options).refusal(try evidence(tpm, log), binding) == nil)
    }
}
