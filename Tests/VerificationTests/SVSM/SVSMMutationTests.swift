import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("Mutation: SVSM")
struct SVSMMutationTests {
    @Test("no change of a single bit in evidence of an SVSM is accepted")
    func evidence() async throws {
        let setting = try SVSMSetting()
        let (evidence, state) = try await setting.answer(setting.svsm)
        #expect(try await setting.refusal(evidence, state) == nil)
        var counter = MutationCounter("svsm-vtpm")
        let parts: [([String], Int)] = [
            (["svsm_report"], 11), (["manifest"], 3), (["nonce"], 1), (["vcek"], 17), (["ak_public_area"], 3),
            (["ak_name_proof", "secret"], 1), (["tpm_quote", "message"], 1), (["tpm_quote", "signature"], 2),
        ]
        for (path, step) in parts {
            let text = path.reduce(evidence.content as JSONValue?) { $0?[$1] }?.stringValue
            for mutant in Mutants.of(try Base64.decode(#require(text)), every: step) {
                await Task.yield()
                let content = evidence.content.replacing(path[...], with: .string(Base64.encode(mutant)))
                let code = try await setting.refusal(Evidence(tee: .svsmVTPM, content: content), state)
                counter.count(code)
                if code == nil { Issue.record("a change of \(path) was accepted") }
            }
        }
        for mutant in Mutants.of(try #require(state)) {
            await Task.yield()
            counter.count(try await setting.refusal(evidence, mutant))
        }
        // A zero more is what fills up the field anyway.
        for mutant in Mutants.of(Simulation.digest) where mutant != Simulation.digest + [0] {
            await Task.yield()
            let other = try setting.svsm.evidence(bound: mutant, secret: Array(try #require(state).suffix(32)))
            counter.count(try await setting.refusal(other, state))
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 6000)
    }
}
