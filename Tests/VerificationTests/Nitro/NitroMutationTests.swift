import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("Mutation: Nitro")
struct NitroMutationTests {
    @Test("no change of a single bit in a recorded document is accepted")
    func recorded() async throws {
        let document = try NitroVectors.document("dstack")
        let (binding, date) = (try NitroVectors.binding("dstack"), try NitroVectors.date("dstack"))
        #expect(await NitroVerifier().refusal(NitroVectors.evidence(document), binding, at: date) == nil)
        var counter = MutationCounter("nitro recorded")
        // Every bit of header and signature, and one of each byte between them.
        let mutants = document.indices.flatMap { index -> [[UInt8]] in
            let isOutside = index < 16 || index >= document.count - 100
            return (0..<8).filter { isOutside || $0 == index % 8 }.map { bit in
                var mutant = document
                mutant[index] ^= 1 << UInt8(bit)
                return mutant
            }
        }
        for mutant in mutants + [Array(document.dropLast()), document + [0], [0xd3] + document] {
            await Task.yield()
            counter.count(await NitroVerifier().refusal(NitroVectors.evidence(mutant), binding, at: date))
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 4500)
        #expect(await NitroVerifier().refusal(NitroVectors.evidence([0xd2] + document), binding, at: date) == nil)
    }

    @Test("no change of a single bit in what a document is bound to is accepted")
    func binding() async throws {
        let enclave = try SimulatedNitroEnclave(at: Simulation.now)
        let verifier = NitroVerifier(NitroVerifier.Options(anchors: enclave.anchors))
        let evidence = try enclave.evidence(bound: Simulation.digest)
        var counter = MutationCounter("nitro binding")
        for mutant in Mutants.of(Simulation.digest) {
            let binding = EvidenceBinding(reportData: [mutant])
            counter.count(await verifier.refusal(evidence, binding, at: Simulation.now))
        }
        #expect(counter.accepted == 0 && counter.total > 380)
    }
}
