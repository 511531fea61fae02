import Encodings
import EvidenceSimulator
import RATS
import Testing

@testable import Verification

@Suite("Mutants of Secure Execution evidence")
struct SEMutationTests {
    @Test("Mutation: no change of a single bit of what a guest answers, or of what it is bound to, is accepted")
    func mutations() async throws {
        let site = try SESite()
        let (request, state) = try await site.challenge()
        let evidence = try site.ultravisor.evidence(request: request, bound: Simulation.digest)
        var counter = MutationCounter("se")
        for name in ["measurement", "additional_data", "user_data", "cuid", "image_hdr_tags"] {
            let bytes = try Base64.decode(#require(evidence.content[name]?.stringValue))
            for mutant in Mutants.of(bytes) {
                await Task.yield()
                let changed = evidence.content.replacing(name, with: .string(Base64.encode(mutant)))
                counter.count(await site.refusal(Evidence(tee: .se, content: changed), state: state))
            }
        }
        for mutant in Mutants.bits(Array(state[1..<81])) {
            counter.count(await site.refusal(evidence, state: [state[0]] + mutant + state[81...]))
        }
        for mutant in Mutants.of(Simulation.digest) where mutant != Simulation.digest + [0] {
            counter.count(await site.refusal(evidence, state: state, mutant))
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 4000)
    }
}
