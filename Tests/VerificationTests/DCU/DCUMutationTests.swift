import Encodings
import EvidenceSimulator
import RATS
import Testing

@testable import Verification

@Suite("Mutation: DCU")
struct DCUMutationTests {
    @Test("no change of a single bit in a report or its certificates is accepted")
    func evidence() async throws {
        let hygon = try SimulatedHygon()
        let verifier = try DCUVerifier(DCUVerifier.Options(), rootCertificate: hygon.rootCertificate())
        let accelerator = try SimulatedDCU(hygon)
        let binding = EvidenceBinding(reportData: [Simulation.digest])
        let parts = [
            "report": try accelerator.report(bound: Simulation.digest),
            "hsk": try accelerator.hygon.authorityCertificate(), "cek": try accelerator.hygon.chipCertificate(),
        ]
        func refusal(_ parts: [String: [UInt8]]) async -> String? {
            func text(_ name: String) -> JSONValue { .string(Base64.encode(parts[name] ?? [])) }
            let content: JSONValue = [
                "attestation_reports": [
                    ["report": text("report"), "hsk_cek": ["hsk": text("hsk"), "cek": text("cek")]]
                ]
            ]
            do throws(VerificationError) {
                _ = try await verifier.verify(
                    Evidence(tee: .hygondcu, content: content), binding: binding, context: VerificationContext())
                return nil
            } catch {
                return error.code
            }
        }
        #expect(await refusal(parts) == nil)
        var counter = MutationCounter("hygondcu")
        for (name, bytes) in parts {
            for mutant in Mutants.of(bytes, every: name == "report" ? 1 : 3) {
                await Task.yield()
                var changed = parts
                changed[name] = mutant
                let code = await refusal(changed)
                counter.count(code)
                if code == nil { Issue.record("a change of \(name) was accepted") }
            }
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 9000)
    }
}
