import Encodings
import RATS
import Testing

@testable import Verification

@Suite("Mutants of CSV evidence")
struct CSVMutationTests {
    private let session = CSVSession()

    @Test("Mutation: no change of a byte in a recorded report or its certificates is accepted")
    func mutations() async throws {
        let evidence = try session.recorded()
        let expected = Array("user data".utf8)
        var counter = MutationCounter("csv recorded")
        for path in [
            ["attestation_report", "data"], ["cert_chain", "hsk_cek", "hsk"], ["cert_chain", "hsk_cek", "cek"],
            ["cert_chain", "pek"], ["serial_number"],
        ] {
            let text = path.reduce(evidence.content as JSONValue?) { $0?[$1] }?.stringValue
            for mutant in Mutants.of(try Base64.decode(#require(text)), every: 7) {
                // Zeros after a report are no part of it.
                guard path[0] != "attestation_report" || mutant.last != 0 || mutant.count <= 2548 else { continue }
                await Task.yield()
                let content = evidence.content.replacing(path[...], with: .string(Base64.encode(mutant)))
                let code = try await session.refusal(Evidence(tee: .csv, content: content), nil, expected)
                counter.count(code)
                if code == nil { Issue.record("a change of \(path) was accepted") }
            }
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 5000)
    }
}
