import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification
import X509TestSupport

@Suite("Simulated SEV-SNP guests: authorities that look like AMD's")
struct SimulatedSNPAuthorityTests {
    private let amd: SimulatedAMD
    private let guest: SimulatedSNPGuest

    init() throws {
        amd = try Simulation.amd(.milan)
        guest = try SimulatedSNPGuest(amd)
    }

    private func refusal(
        _ guest: SimulatedSNPGuest, anchors: SNPTrustAnchors? = nil, list: [UInt8]? = nil, at offset: TimeInterval = 0
    ) async throws -> String? {
        try await Simulation.refusal(
            of: guest.evidence(bound: Simulation.digest),
            by: SNPVerifier(SNPVerifier.Options(anchors: anchors ?? amd.anchors)), amd.collateral(list: list),
            at: offset)
    }

    @Test("A12: authorities that copy every name and number of the real ones are not the real ones")
    func lookAlikes() async throws {
        let impostor = try Simulation.impostor(.milan)
        let twin = try SimulatedSNPGuest(impostor)
        #expect(impostor.root.certificate.subject == amd.root.certificate.subject)
        #expect(try await refusal(guest) == nil)
        #expect(try await refusal(twin) == "chain_not_trusted")
        #expect(try await refusal(guest, anchors: impostor.anchors) == "chain_not_trusted")
        #expect(try await refusal(guest, anchors: .amd) == "chain_not_trusted")
    }

    @Test("A12: the authorities of another product count for nothing")
    func otherProduct() async throws {
        let genoa = try Simulation.amd(.genoa)
        let anchors = SNPTrustAnchors([.milan: amd.authorities, .genoa: genoa.authorities])
        #expect(try await refusal(guest, anchors: anchors) == nil)
        let key = try genoa.endorsementKey(guest.key.draft)
        #expect(try await refusal(SimulatedSNPGuest(key, product: .milan), anchors: anchors) == "chain_not_trusted")
        #expect(try await refusal(guest, anchors: genoa.anchors) == "product_not_allowed")
    }

    @Test("A12: a key whose certificate names another product is refused")
    func otherProductName() async throws {
        var draft = guest.key.draft
        draft.productName = "Genoa-B1"
        let twin = SimulatedSNPGuest(try amd.endorsementKey(draft), product: .milan)
        #expect(try await refusal(twin) == "signing_key_mismatch")
    }

    @Test("A12: certificates count only while they are valid, also when they were seen before")
    func validity() async throws {
        let draft = guest.key.draft
        let verifier = SNPVerifier(SNPVerifier.Options(anchors: amd.anchors))
        let evidence = try guest.evidence(bound: Simulation.digest)
        let list = try amd.revocationList {
            $0.thisUpdate = draft.notBefore.addingTimeInterval(-10)
            $0.nextUpdate = draft.notAfter.addingTimeInterval(10)
        }
        for (date, code) in [
            (draft.notBefore, nil), (draft.notBefore.addingTimeInterval(-1), "certificate_not_yet_valid"),
            (draft.notAfter, nil), (draft.notAfter.addingTimeInterval(1), "certificate_expired"),
        ] as [(Date, String?)] {
            #expect(
                try await Simulation.refusal(
                    of: evidence, by: verifier, amd.collateral(list: list),
                    at: date.timeIntervalSince(Simulation.now)) == code)
        }
    }

    @Test("A12: an intermediate that may not issue certificates issues none", arguments: [true, false])
    func intermediateWithoutRights(_ isAuthority: Bool) async throws {
        let plain = try SimulatedAMD(.milan, at: Simulation.now) {
            // Either it is no authority, or it is one whose key may not sign certificates.
            $0.extensions = [.basicConstraints(isAuthority: isAuthority), .keyUsage(.digitalSignature, .crlSign)]
        }
        let code = try await Simulation.refusal(
            of: SimulatedSNPGuest(plain).evidence(bound: Simulation.digest),
            by: SNPVerifier(SNPVerifier.Options(anchors: plain.anchors)), plain.collateral())
        #expect(code == "chain_not_trusted")
    }

    @Test("A13: an intermediate that the root has revoked is refused, the other one not")
    func revokedIntermediate() async throws {
        let entry = RevocationListDraft.Entry(amd.chipAuthority.certificate.serialNumber, at: Simulation.now)
        let list = try amd.revocationList { $0.entries = [entry] }
        #expect(try await refusal(guest, list: list) == "revoked")
        #expect(try await refusal(SimulatedSNPGuest(amd, kind: .vlek), list: list) == nil)
    }

    @Test("A13: a list that proves nothing leaves unknown what is revoked", arguments: UselessList.allCases)
    func uselessList(_ kind: UselessList) async throws {
        let draft = RevocationListDraft(
            thisUpdate: Simulation.now.addingTimeInterval(-86_400),
            nextUpdate: Simulation.now.addingTimeInterval(86_400))
        let (signer, spoiled) = try kind.make(
            issuer: amd.root, impostor: amd.root.impersonated(by: SlowKey.impostor, algorithm: .rsaPSS(.sha384)), draft)
        let list = try kind.spoil(amd.revocationList(signer: signer) { $0 = spoiled })
        #expect(try await refusal(guest, list: list) == "revocation_unknown")
    }
}
