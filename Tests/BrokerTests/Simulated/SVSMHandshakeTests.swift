import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import KBSProtocol
import RATS
import Testing
import Verification

@testable import Broker

@Suite("Handshakes with virtual TPMs of an SVSM")
struct SVSMHandshakeTests {
    /// A session that begins with the keys of a guest, and what the guest makes of its challenge.
    private func session(
        _ svsm: SimulatedSVSM, _ site: SimulatedSite
    ) async throws -> (guest: SimulatedGuest, challenge: Challenge, cookie: String) {
        let request = AuthRequest(tee: .svsmVTPM, extraParameters: svsm.parameters)
        let (challenge, cookie) = try await site.test.broker.challenge(request.serialized())
        let secret = try svsm.activate(challenge.extraParameters)
        let guest = try SimulatedGuest(.svsmVTPM) { try svsm.evidence(bound: $0, secret: secret) }
        #expect(cookie.value.utf8.count <= 4096)
        return (guest, challenge, cookie.value)
    }

    private func attest(_ svsm: SimulatedSVSM, _ site: SimulatedSite) async throws -> (SimulatedGuest, Attestation) {
        let (guest, challenge, cookie) = try await session(svsm, site)
        let body = try guest.attestation(nonce: challenge.nonce)
        return (guest, try await site.test.broker.attest(body: body, cookie: cookie))
    }

    private func site() async throws -> (SimulatedSite, SimulatedSVSM) {
        let amd = try SimulatedAMD(.milan, at: Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded()))
        var options = SNPVerifier.Options(anchors: amd.anchors)
        options.revocation.coverage = .none
        let site = try await SimulatedSite(verifiers: [SVSMVerifier(snp: options)])
        let svsm = try SimulatedSVSM(SimulatedSNPGuest(amd))
        try await site.affirm(svsm.guest)
        try await site.test.put("default/key/1", "the secret")
        return (site, svsm)
    }

    @Test("A8, A10, A17: from challenge to secret under the default appraisal, and nothing for twins and replays")
    func handshake() async throws {
        let (site, svsm) = try await site()
        let values: JSONObject = [
            "svsm_launch_measurement": [.string(Hex.encode(svsm.guest.report.measurement))],
            "svsm_pcr11": [.string(Hex.encode(svsm.tpm.registers[11]))],
        ]
        // The measurement of an ordinary guest does not make its TPM an SVSM's.
        let (_, early) = try await attest(svsm, site)
        let unknown = try await brokerError {
            _ = try await site.test.release("default/key/1", cookie: early.cookie.value)
        }
        #expect(unknown?.kind == .denied)

        try await site.register(values)
        let (guest, attestation) = try await attest(svsm, site)
        let message = try await site.test.release("default/key/1", cookie: attestation.cookie.value)
        #expect(try guest.key.decrypt(message).copyBytes() == Array("the secret".utf8))
        let decision = try await site.lastDecision()
        #expect(decision.allowed && decision.tee == "svsm-vtpm")

        var other = svsm
        other.tpm.extend(11, with: [UInt8](repeating: 1, count: 32))
        let (_, changed) = try await attest(other, site)
        let denial = try await brokerError {
            _ = try await site.test.release("default/key/1", cookie: changed.cookie.value)
        }
        #expect(denial?.kind == .denied)

        let twins: [(SimulatedSVSM, String)] = [
            (svsm.twin { $0.guest = $0.guest.twin { $0.policy.insert(.debugAllowed) } }, "debug_enabled"),
            (svsm.twin { $0.guest = $0.guest.twin { $0.vmpl = 2 } }, "vmpl_not_allowed"),
            (try svsm.twin { $0.namedKey = try SimulatedSVSM(svsm.guest).endorsementKey }, "key_not_bound"),
        ]
        for (twin, code) in twins {
            let refusal = try await brokerError { _ = try await attest(twin, site) }
            #expect(refusal?.kind == .unauthenticated && refusal?.code == code)
        }
        try await refuseReplay(svsm, site)
    }

    private func refuseReplay(_ svsm: SimulatedSVSM, _ site: SimulatedSite) async throws {
        let (guest, challenge, cookie) = try await session(svsm, site)
        let (_, other, otherCookie) = try await session(svsm, site)
        let replayed = try guest.attestation(nonce: challenge.nonce, boundTo: other.nonce)
        let error = try await brokerError { _ = try await site.test.broker.attest(body: replayed, cookie: cookie) }
        #expect(error?.code == "report_data_mismatch")
        // The credential of one session is none in another.
        let crossed = try guest.attestation(nonce: other.nonce)
        let refusal = try await brokerError {
            _ = try await site.test.broker.attest(body: crossed, cookie: otherCookie)
        }
        #expect(refusal?.code == "key_not_bound")
    }

    @Test("a request that names no keys, or such as may sign forgeries, leads nowhere")
    func requests() async throws {
        let (site, svsm) = try await site()
        let (challenge, cookie) = try await site.test.broker.challenge(SampleGuest.authBody(tee: "svsm-vtpm"))
        let guest = try SimulatedGuest(.svsmVTPM) {
            try svsm.evidence(bound: $0, secret: [UInt8](repeating: 0, count: 32))
        }
        let body = try guest.attestation(nonce: challenge.nonce)
        let error = try await brokerError { _ = try await site.test.broker.attest(body: body, cookie: cookie.value) }
        #expect(error?.code == "challenge_missing")
        let weak = svsm.twin { $0.attributes = 0x0004_0072 }
        let request = AuthRequest(tee: .svsmVTPM, extraParameters: weak.parameters)
        let refusal = try await brokerError { _ = try await site.test.broker.challenge(request.serialized()) }
        #expect(refusal?.kind == .unauthenticated && refusal?.code == "key_not_restricted")
    }
}
