import Encodings
import RATS
import Testing

@testable import Verification

@Suite("Mutation: PEF")
struct PEFMutationTests {
    @Test("no change of a single bit in evidence of a host is accepted")
    func evidence() async throws {
        let (evidence, refusal) = try await PEFVerifierTests().mutants()
        #expect(try await refusal(evidence) == nil)
        var counter = MutationCounter("pef")
        for path in [
            ["machine_key"], ["machine_key_certification", "message"], ["machine_key_certification", "signature"],
            ["host_tpm", "tpm_quote", "message"], ["host_tpm", "tpm_quote", "signature"],
        ] {
            let text = path.reduce(evidence.content as JSONValue?) { $0?[$1] }?.stringValue
            for mutant in Mutants.of(try Base64.decode(#require(text)), every: 2) {
                await Task.yield()
                let content = evidence.content.replacing(path[...], with: .string(Base64.encode(mutant)))
                let code = try await refusal(Evidence(tee: .pef, content: content))
                counter.count(code)
                if code == nil { Issue.record("a change of \(path) was accepted") }
            }
        }
        let statement = Array(try #require(evidence.content["esm_statement"]?.stringValue).utf8)
        for mutant in Mutants.of(statement, every: 3) {
            await Task.yield()
            let text = String(decoding: mutant, as: UTF8.self)
            counter.count(
                try await refusal(
                    Evidence(tee: .pef, content: evidence.content.replacing("esm_statement", with: .string(text)))))
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 4000)
    }
}
