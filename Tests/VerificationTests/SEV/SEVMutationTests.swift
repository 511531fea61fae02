import Encodings
import EvidenceSimulator
import RATS
import Testing

@testable import Verification

@Suite("Mutation: SEV")
struct SEVMutationTests {
    @Test("no change of a byte in a real platform's certificates is accepted", arguments: SEVChainMember.allCases)
    func certificates(member: SEVChainMember) async throws {
        let chain = try SEVVectors.milan()
        #expect(SEVVectors.refusal(chain) == nil)
        var counter = MutationCounter("sev \(member)")
        for mutant in Mutants.of(chain[member], every: 7) {
            await Task.yield()
            var changed = chain
            changed[member] = mutant
            let code = SEVVectors.refusal(changed)
            counter.count(code)
            if code == nil { Issue.record("a change of \(member) was accepted") }
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 1800)
    }

    @Test("no change of a bit in a measurement or in what its session keeps is accepted")
    func measurement() async throws {
        let site = try SEVSite()
        let challenge = try await site.begin()
        let guest = SimulatedSEVLaunch(site.platform)
        let content = try guest.measurement(#require(challenge.extraParameters))
        let blob = try #require(content["measure"]?.byteArrayValue) + guest.nonce
        var counter = MutationCounter("sev measurement")
        for mutant in Mutants.of(blob) {
            let evidence = Evidence(tee: .sev, content: ["measurement": .string(Base64.encode(mutant))])
            counter.count(await site.refusal(evidence, challenge.state))
        }
        // The key for packets is not part of the measure, and the chip is what the sealed state says.
        let evidence = Evidence(tee: .sev, content: content)
        for (bit, mutant) in Mutants.bits(challenge.state).enumerated() where !(8..<136).contains(bit) && bit < 320 {
            counter.count(await site.refusal(evidence, mutant))
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 570)
    }

    @Test("no change of a bit in a packet of secrets is taken by the platform")
    func packets() async throws {
        let site = try SEVSite()
        let challenge = try await site.begin()
        let parameters = try #require(challenge.extraParameters)
        let guest = SimulatedSEVLaunch(site.platform)
        let launch = try #require(try await site.claims(guest.evidence(parameters), challenge.state).launch)
        let packet = try SEVLaunchSecret(SecretBytes([1, 2, 3]), as: .diskPassword, for: launch)
        var counter = MutationCounter("sev packet")
        let places = [("iv", packet.vector), ("mac", packet.code)]
        for (name, bytes) in places {
            for mutant in Mutants.bits(bytes) {
                let changed = packet.json.replacing(
                    ["header", name][...], with: .array(mutant.map { .int(Int64($0)) }))
                counter.count((try? guest.secrets(in: changed, parameters)) == nil ? "refused" : nil)
            }
        }
        for mutant in Mutants.of(packet.ciphertext) {
            let changed = packet.json.replacing(["ciphertext"][...], with: .array(mutant.map { .int(Int64($0)) }))
            counter.count((try? guest.secrets(in: changed, parameters)) == nil ? "refused" : nil)
        }
        #expect(counter.accepted == 0 && counter.total > 700)
    }
}
