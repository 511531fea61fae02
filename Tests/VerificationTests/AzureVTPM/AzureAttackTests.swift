import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("Azure: forged evidence")
struct AzureAttackTests {
    private let guest: SNPGuest
    private let vm: AzureVM
    private let verifier: AzureSNPVerifier
    private let context: VerificationContext

    init() throws {
        guest = try SNPGuest(.genoa)
        vm = try AzureVM(.snp)
        verifier = AzureSNPVerifier(AzureSNPVerifier.Options(snp: guest.options()))
        context = VerificationContext(clock: .fixed(guest.amd.now), collateral: try guest.collateral())
    }

    private func refusal(_ content: JSONValue, _ binding: EvidenceBinding? = nil) async -> String? {
        await verifier.refusalCode(content, binding ?? vm.binding, context)
    }

    @Test("a VM on the stand-in for AMD is believed, in every version and with every hash of its runtime data")
    func good() async throws {
        for version: Int64 in [1, 2] {
            #expect(await refusal(try vm.evidence(on: guest, version: version)) == nil)
        }
        for (name, hash) in [(UInt32(2), TCGHash.sha384), (3, .sha512)] {
            var other = vm
            other.hash = (name, hash)
            #expect(await refusal(try other.evidence(on: guest)) == nil)
        }
    }

    @Test("A17: a virtual TPM's key that the processor's report does not vouch for is refused")
    func unboundKey() async throws {
        // Everything is genuine, but runtime data of another VM came along.
        let other = try AzureVM(.snp)
        let swapped = try vm.evidence(on: guest, vouchingFor: other.runtimeData)
        #expect(await refusal(swapped) == "key_not_bound")
        let tailed = try vm.evidence(on: guest, report: { $0.reportData[63] = 1 })
        #expect(await refusal(tailed) == "key_not_bound")
        let cut = try vm.evidence(on: guest, report: { $0.reportData[31] ^= 1 })
        #expect(await refusal(cut) == "key_not_bound")
    }

    @Test("a quote by another key than the vouched one is refused")
    func otherKey() async throws {
        let thief = try SoftTPM(.rsa(2048))
        var stolen = vm
        stolen.tpm = thief
        // The keys in the runtime data are still the VM's own.
        #expect(await refusal(try stolen.evidence(on: guest)) == "signature_invalid")
    }

    @Test("version 2 needs the session's user data in what the processor vouches for")
    func userData() async throws {
        for wrong: [UInt8]? in [
            nil, [UInt8](repeating: 0, count: 64), vm.nonce + [UInt8](repeating: 1, count: 16),
            vm.nonce.dropLast() + [UInt8](repeating: 0, count: 17),
        ] {
            var stale = vm
            stale.userData = wrong
            #expect(await refusal(try stale.evidence(on: guest)) == "report_data_mismatch")
            #expect(await refusal(try stale.evidence(on: guest, version: 1)) == nil)
        }
        for wrong in [[], [1], [UInt8](repeating: 0, count: 65)] as [[UInt8]] {
            var odd = vm
            odd.userData = wrong
            #expect(await refusal(try odd.evidence(on: guest)) == "malformed_evidence")
        }
    }

    @Test("two attestation keys, keys of another use or size, and member names that occur twice are refused")
    func keys() async throws {
        let key = vm.tpm.key.publicKey
        func refusal(_ keys: [JSONValue]) async throws -> String? {
            var other = vm
            other.keys = keys
            return await self.refusal(try other.evidence(on: guest))
        }
        let own = try AzureVM.jwk(key, name: "HCLAkPub")
        let foreign = try AzureVM.jwk(SoftTPM(.rsa(2048)).key.publicKey, name: "HCLAkPub")
        #expect(try await refusal([own, foreign]) == "malformed_evidence")
        #expect(try await refusal([own, own]) == "malformed_evidence")
        #expect(try await refusal([]) == "malformed_evidence")
        #expect(try await refusal([try AzureVM.jwk(key, name: "hclakpub")]) == "malformed_evidence")
        #expect(try await refusal(Array(repeating: .null, count: 17) + [own]) == "malformed_evidence")
        let encrypting = try AzureVM.jwk(key, name: "HCLAkPub", operations: ["encrypt"])
        #expect(try await refusal([encrypting]) == "key_not_allowed")
        #expect(try await refusal([try AzureVM.jwk(key, name: "HCLAkPub", operations: nil)]) == nil)
        #expect(try await refusal([own.replacing("e", with: "Aw")]) == "key_not_allowed")
        #expect(try await refusal([own.replacing("kty", with: "EC")]) == "malformed_evidence")
        #expect(try await refusal([own.replacing("n", with: "!")]) == "malformed_evidence")
        let small = try AzureVM(.snp, key: .rsa(1024))
        var weak = vm
        weak.tpm = small.tpm
        weak.keys = [try AzureVM.jwk(small.tpm.key.publicKey, name: "HCLAkPub")]
        #expect(await self.refusal(try weak.evidence(on: guest)) != nil)
    }

    @Test("runtime data with a member twice is refused, although the processor vouches for its bytes")
    func repeatedMembers() async throws {
        let text = String(decoding: vm.runtimeData, as: UTF8.self)
        let doubled = Array(text.replacing("{\"keys\":", with: "{\"keys\":[],\"keys\":", maxReplacements: 1).utf8)
        var report = guest.report
        report.reportData = vm.reportData(doubled)
        let content = try vm.evidence(
            report: vm.hclReport(hardware: report.signed(by: guest.key), runtimeData: doubled),
            hardware: guest.key.certificate)
        #expect(await refusal(content) == "malformed_evidence")
    }

    @Test("a quote over fewer registers, of another bank or type, or with other values is refused")
    func quotes() async throws {
        for selections: [(UInt16, [UInt8])] in [
            [(0x0B, [0xFF, 0xF0, 0xFF])], [(0x0B, [0xFF, 0xFF, 0xFF]), (0x0B, [1, 0, 0])], [],
        ] {
            let content = try vm.evidence(on: guest, statement: { $0.selections = selections })
            #expect(await refusal(content) == "pcr_selection_mismatch")
        }
        for bank: UInt16 in [0x04, 0x0C] {
            let content = try vm.evidence(on: guest, statement: { $0.selections = [(bank, [0xFF, 0xFF, 0xFF])] })
            #expect(await refusal(content) == "weak_algorithm")
        }
        #expect(
            await refusal(try vm.evidence(on: guest, statement: { $0.type = [0x80, 0x17] })) == "malformed_evidence")
        #expect(await refusal(try vm.evidence(on: guest, statement: { $0.digest[0] ^= 1 })) == "pcr_mismatch")
        let content = try vm.evidence(on: guest)
        var registers = vm.tpm.registers
        registers[11][0] = 1
        let values = JSONValue.array(registers.map { .string(Hex.encode($0)) })
        #expect(await refusal(content.replacing("tpm_quote", "pcrs", with: values)) == "pcr_mismatch")
    }

    @Test("A16: init-data must be all that PCR 8 was extended with")
    func initData() async throws {
        let document = Array(SHA256.hash(data: [1]))
        let binding = EvidenceBinding(reportData: [vm.nonce], initDataDigest: document)
        var extended = vm
        extended.tpm = vm.tpm.extending(8, with: document)
        let content = try extended.evidence(on: guest)
        #expect(await refusal(content, binding) == nil)
        #expect(await refusal(try vm.evidence(on: guest), binding) == "init_data_mismatch")
        let longer = EvidenceBinding(reportData: [vm.nonce], initDataDigest: document + document)
        #expect(await refusal(content, longer) == "init_data_mismatch")
    }

    @Test("A10, A11: the processor's report is judged as any other: debug, VMPL, chip, firmware, signature")
    func hardware() async throws {
        #expect(await refusal(try vm.evidence(on: guest, report: { $0.vmpl = 1 })) == "vmpl_not_allowed")
        let debug = try vm.evidence(on: guest, report: { $0.policy.insert(.debugAllowed) })
        #expect(await refusal(debug) == "debug_enabled")
        let chip = try vm.evidence(on: guest, report: { $0.chipID[0] ^= 1 })
        #expect(await refusal(chip) == "chip_id_mismatch")
        let other = try SNPGuest(SimulatedAMD(.genoa, isImpostor: true))
        #expect(await refusal(try vm.evidence(on: other)) == "chain_not_trusted")
        let old = try vm.evidence(on: guest).replacing("vcek", with: .string(Base64.encodeURL([1, 2, 3])))
        #expect(await refusal(old) != nil)
    }

    @Test("HCL reports of another kind, version, size or with bytes where zeros belong are refused")
    func reports() async throws {
        var signed = guest.report
        signed.reportData = vm.reportData()
        let good = vm.hclReport(hardware: try signed.signed(by: guest.key))
        func refusal(_ change: (inout [UInt8]) -> Void) async throws -> String? {
            var report = good
            change(&report)
            return await self.refusal(try vm.evidence(report: report, hardware: guest.key.certificate))
        }
        #expect(try await refusal { _ in } == nil)
        #expect(try await refusal { $0[4] = 3 } == "unsupported_version")
        #expect(try await refusal { $0[1220] = 2 } == "unsupported_version")
        for (offset, value) in [
            (0, 1), (8, 1), (12, 1), (16, 1), (20, 1), (1216, 1), (1224, 4), (1224, 3), (1228, 0), (1228, 4),
            (1232, 1), (1235, 0xFF), (1219, 0xFF),
        ] as [(Int, UInt8)] {
            #expect(try await refusal { $0[offset] = value } == "malformed_evidence", "offset \(offset)")
        }
        #expect(try await refusal { $0[$0.count - 1] = 1 } == "malformed_evidence")
        #expect(try await refusal { $0.append(1) } == "malformed_evidence")
        #expect(try await refusal { $0.append(0) } == nil)
        #expect(try await refusal { $0 = Array($0.prefix(1300)) } == "malformed_evidence")
        #expect(try await refusal { $0 += [UInt8](repeating: 0, count: 40_000) } == "malformed_evidence")
        #expect(try await refusal { $0 = [] } == "malformed_evidence")
        #expect(try await refusal { $0[1228] = 2 } == "key_not_bound")
    }

    @Test("evidence of another shape is refused")
    func shapes() async throws {
        let content = try vm.evidence(on: guest)
        for wrong: JSONValue in [
            .null, [], "text", [:], content.replacing("tpm_quote", with: nil),
            content.replacing("tpm_quote", "message", with: [1]), content.replacing("tpm_quote", "pcrs", with: []),
            content.replacing("tpm_quote", "signature", with: "zz"), content.replacing("hcl_report", with: nil),
            content.replacing("hcl_report", with: "a+/b"), content.replacing("hcl_report", with: "SENMQQ==="),
            content.replacing("vcek", with: 5), content.replacing("version", with: nil),
        ] {
            #expect(await refusal(wrong) == "malformed_evidence", "\(wrong)")
        }
    }
}
