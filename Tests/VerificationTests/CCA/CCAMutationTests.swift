import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("Mutation: CCA")
struct CCAMutationTests {
    @Test("no change of a byte in a recorded token is accepted", arguments: CCAVectors.good)
    func recorded(id: String) async throws {
        let token = try CCAVectors.token(id)
        let binding = try CCAVectors.binding(id)
        let verifier = CCAVerifier(try CCAVectors.options(endorsedFirmware: false))
        #expect(await verifier.refusal(CCAVectors.evidence(token), binding) == nil)
        var counter = MutationCounter("cca \(id)")
        for mutant in Mutants.of(token, every: 7) {
            await Task.yield()
            counter.count(await verifier.refusal(CCAVectors.evidence(mutant), binding))
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 1300)
    }

    @Test("no change of a single bit is accepted in a token with keys on P-521, nor in the nonce or init-data")
    func simulated() async throws {
        let realm = try SimulatedRealm(.current, platformCurve: .p521, realmCurve: .p521)
        let (digest, initData) = ([UInt8](repeating: 0xD1, count: 48), [UInt8](repeating: 0xD2, count: 32))
        let binding = EvidenceBinding(reportData: [digest], initDataDigest: initData)
        let token = try realm.token(bound: digest, initData: initData)
        let verifier = CCAVerifier(CCAVerifier.Options(endorsements: realm.endorsements))
        #expect(await verifier.refusal(CCAVectors.evidence(token), binding) == nil)
        var counter = MutationCounter("cca simulated")
        for mutant in Mutants.of(token, every: 7) {
            await Task.yield()
            counter.count(await verifier.refusal(CCAVectors.evidence(mutant), binding))
        }
        let evidence = CCAVectors.evidence(token)
        for mutant in Mutants.of(digest) where mutant != digest + [0] {
            let other = EvidenceBinding(reportData: [mutant], initDataDigest: initData)
            counter.count(await verifier.refusal(evidence, other))
        }
        for mutant in Mutants.bits(initData) {
            let other = EvidenceBinding(reportData: [digest], initDataDigest: mutant)
            counter.count(await verifier.refusal(evidence, other))
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 1800)
    }
}
