import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("DCU")
struct DCUVerifierTests {
    private let digest = Simulation.digest
    private let hygon: SimulatedHygon
    private let verifier: DCUVerifier

    init() throws {
        hygon = try SimulatedHygon()
        verifier = try DCUVerifier(DCUVerifier.Options(), rootCertificate: hygon.rootCertificate())
    }

    private func refusal(_ evidence: Evidence, _ verifier: DCUVerifier? = nil) async -> String? {
        do throws(VerificationError) {
            _ = try await (verifier ?? self.verifier).verify(
                evidence, binding: EvidenceBinding(reportData: [digest]), context: VerificationContext())
            return nil
        } catch {
            return error.code
        }
    }

    private func refusal(of accelerators: SimulatedDCU..., bound: [UInt8]? = nil) async throws -> String? {
        await refusal(try SimulatedDCU.evidence(of: accelerators, bound: bound ?? digest))
    }

    @Test("each accelerator is described by itself, whichever form its report has")
    func good() async throws {
        let accelerators = try (1...3).map { try SimulatedDCU(hygon, number: $0) }
        let evidence = try SimulatedDCU.evidence(of: accelerators, bound: digest)
        let results = try await verifier.verify(
            evidence, binding: EvidenceBinding(reportData: [[1], digest]), context: VerificationContext())
        #expect(results.map(\.deviceClass) == [.dcu, .dcu, .dcu] && results.allSatisfy { $0.matchedReportData == 1 })
        let body = results[1].claims["body"]
        #expect(body?["chip_id"] == .string(Hex.encode(accelerators[1].chipID)))
        #expect(body?["measure"] == .string(String(repeating: "5d", count: 32)))
        #expect(body?["sig_usage"] == "1004" && body?["sig_algo"] == "4" && body?["version"] == 1)
        #expect(try verifier.statedReportData(in: evidence).starts(with: digest))
        let raw = JSONValue.string(Base64.encode(try accelerators[0].report(bound: digest)))
        let item = try accelerators[0].item(bound: digest)
        let wrapped: JSONValue = ["attestation_reports": [["report": raw, "hsk_cek": item["hsk_cek"] ?? .null]]]
        #expect(await refusal(Evidence(tee: .hygondcu, content: wrapped)) == nil)
    }

    @Test("certificates that the operator has of a chip are used, and go before those that come along")
    func knownChips() async throws {
        let accelerator = try SimulatedDCU(hygon).twin { $0.sendsCertificates = false }
        #expect(try await refusal(of: accelerator) == "collateral_unavailable")
        var options = DCUVerifier.Options()
        options.chips[accelerator.chipID] = try accelerator.certificates()
        let knowing = try DCUVerifier(options, rootCertificate: hygon.rootCertificate())
        let evidence = try SimulatedDCU.evidence(of: [accelerator], bound: digest)
        #expect(await refusal(evidence, knowing) == nil)
        // Another chip of Hygon's that pretends to be the known one.
        let other = try SimulatedDCU(hygon, number: 2).twin { $0.chipID = accelerator.chipID }
        #expect(try await refusal(of: other) == nil)
        #expect(
            await refusal(try SimulatedDCU.evidence(of: [other], bound: digest), knowing) == "signature_invalid")
    }

    @Test("A19: an accelerator that reports twice, or for another session, is refused with all others")
    func composition() async throws {
        let (first, second) = (try SimulatedDCU(hygon, number: 1), try SimulatedDCU(hygon, number: 2))
        #expect(try await refusal(of: first, second) == nil)
        #expect(try await refusal(of: first, second, first) == "duplicate_device")
        #expect(try await refusal(of: first, bound: Array(digest.dropLast())) == "report_data_mismatch")
        let mixed: JSONValue = [
            "attestation_reports": [
                try first.item(bound: digest), try second.item(bound: [UInt8](repeating: 1, count: 48)),
            ]
        ]
        #expect(await refusal(Evidence(tee: .hygondcu, content: mixed)) == "report_data_mismatch")
        for count in [0, 17] {
            let many: JSONValue = [
                "attestation_reports": .array([JSONValue](repeating: try first.item(bound: digest), count: count))
            ]
            #expect(await refusal(Evidence(tee: .hygondcu, content: many)) == "malformed_evidence")
        }
    }

    @Test("A12: a chip under another root, or whose key an owner's or platform's key certified, is refused")
    func chain() async throws {
        let accelerator = try SimulatedDCU(hygon)
        #expect(
            await refusal(try SimulatedDCU.evidence(of: [accelerator], bound: digest), DCUVerifier())
                == "chain_not_trusted")
        let stranger = try SimulatedDCU(SimulatedHygon())
        #expect(try await refusal(of: stranger) == "chain_not_trusted")
        // A platform's certificate in the chip's place: its holder is the machine's owner.
        let item = try accelerator.item(bound: digest).replacing(
            "hsk_cek", "cek", with: .string(Base64.encode(try hygon.platformCertificate())))
        let confused = Evidence(tee: .hygondcu, content: ["attestation_reports": [item]])
        #expect(await refusal(confused) == "chain_not_trusted")
        let renamed = accelerator.twin { $0.hygon.chip.userID = Array("HYGON-SSD-HSK".utf8) }
        var content = try accelerator.item(bound: digest)
        content = content.replacing(
            "hsk_cek", "cek", with: .string(Base64.encode(try renamed.hygon.chipCertificate())))
        let other = Evidence(tee: .hygondcu, content: ["attestation_reports": [content]])
        #expect(await refusal(other) == "signature_invalid")
    }

    @Test("A19: a device alone is contraindicated, whatever an appraisal thinks of it")
    func alone() async throws {
        let evidence = try SimulatedDCU.evidence(of: [SimulatedDCU(hygon)], bound: digest)
        let binding = EvidenceBinding(reportData: [digest])
        let registry = VerifierRegistry(verifiers: [verifier])
        let results = try await registry.verify(
            primary: evidence, binding: binding, deviceBinding: binding, context: VerificationContext())
        #expect(results.map(\.trustCap) == [.contraindicated])
    }
}
