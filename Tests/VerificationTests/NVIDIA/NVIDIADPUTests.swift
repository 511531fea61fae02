import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("NVIDIA: DPUs")
struct NVIDIADPUTests {
    private func verdict(
        _ evidence: Evidence, _ options: NVIDIADPUVerifier.Options, at offset: TimeInterval = 0
    ) async -> Result<EvidenceClaims, VerificationError> {
        do throws(VerificationError) {
            let all = try await NVIDIADPUVerifier(options).verify(
                evidence, binding: EvidenceBinding(reportData: [Simulation.digest]),
                context: VerificationContext(clock: .fixed(Simulation.now.addingTimeInterval(offset))))
            return .success(all[0])
        } catch {
            return .failure(error)
        }
    }

    private func refusal(
        _ evidence: Evidence, _ options: NVIDIADPUVerifier.Options, at offset: TimeInterval = 0
    ) async -> String? {
        guard case .failure(let error) = await verdict(evidence, options, at: offset) else { return nil }
        return error.code
    }

    @Test("a card that started lately is believed, whichever way its signature is written")
    func good() async throws {
        var card = try SimulatedDPU(at: Simulation.now)
        for isDER in [false, true] {
            card.isDER = isDER
            for size in [48, 64] {
                let evidence = try card.evidence(bound: Simulation.digest, filledTo: size)
                let found = try await verdict(evidence, card.options).get()
                #expect(found.deviceClass == .nvidiaDPU && found.matchedReportData == 0)
                #expect(found.claims["device_serial"] == "MT2251XZ02TP" && found.claims["device_class"] == "bluefield3")
                #expect(found.claims["firmware_layers_count"] == 3)
                let layers = (1...3).flatMap { [UInt8](repeating: UInt8($0), count: 48) }
                #expect(
                    found.claims["accumulated_fwid"] == .string(Hex.encode(try DigestAlgorithm.sha384.hash(layers))))
                #expect(found.claims["session_nonce"] == .string(Hex.encode(Simulation.digest)))
                #expect(found.claims["alias_timestamp"] == .int(1_770_000_000 - 600))
            }
        }
    }

    @Test("other sessions, old firmware certificates, other roots and other forms are refused")
    func refused() async throws {
        let card = try SimulatedDPU(at: Simulation.now)
        let evidence = try card.evidence(bound: Simulation.digest)
        let other = try card.evidence(bound: [UInt8](repeating: 7, count: 48))
        #expect(await refusal(other, card.options) == "signature_invalid")
        #expect(await refusal(evidence, card.options, at: 3001) == "evidence_expired")
        #expect(await refusal(evidence, card.options, at: 3000) == nil)
        #expect(await refusal(evidence, card.options, at: -601) == "certificate_not_yet_valid")
        #expect(await refusal(evidence, NVIDIADPUVerifier.Options()) == "no_anchor")
        #expect(await refusal(evidence, try SimulatedDPU(at: Simulation.now).options) == "chain_not_trusted")
        let twins: [(String, (inout CertificateDraft) -> Void)] = [
            ("malformed_evidence", { $0.extensions.removeLast() }),
            ("chain_not_trusted", { $0.extensions[0] = .keyUsage(.keyAgreement) }),
        ]
        for (code, change) in twins {
            let twin = try SimulatedDPU(at: Simulation.now, change)
            #expect(await refusal(try twin.evidence(bound: Simulation.digest), twin.options) == code)
        }
        var stolen = card
        stolen.key = try TestKey.generate(.ec(.p384))
        #expect(await refusal(try stolen.evidence(bound: Simulation.digest), card.options) == "signature_invalid")
        let device = try #require(evidence.content["devices"]?.arrayValue?.first)
        for content in [
            ["version": 2, "devices": [device]], ["version": 1, "devices": [device, device]],
            ["version": 1, "devices": []], ["version": 1, "devices": [[:]]], [:],
        ] as [JSONValue] {
            #expect(await refusal(Evidence(tee: .nvidiaDPU, content: content), card.options) == "malformed_evidence")
        }
    }
}
