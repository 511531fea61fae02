import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import KBSProtocol
import RATS
import Testing
import Verification

@testable import Broker

@Suite("Handshakes with accelerators beside a guest")
struct AcceleratorHandshakeTests {
    /// The policy that ships with the broker for accelerators, which sites apply themselves.
    private static func policy() throws -> String {
        let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: "Policies/default-dcu.yaml"), encoding: .utf8)
    }

    private struct Composite {
        let guest: SimulatedGuest
        let accelerators: [SimulatedDCU]

        /// The body of `/attest` for a guest with its accelerators, which report for the same nonce unless told otherwise.
        func attestation(nonce: String, devicesFor other: String? = nil, covering: String? = nil) throws -> [UInt8] {
            let device = try ReportData.digest(
                nonce: other ?? nonce, teeKey: guest.key.publicJWK, additionalEvidence: nil)
            let evidence = try SimulatedDCU.evidence(of: accelerators, bound: device)
            let text = JSONValue.object(["hygondcu": evidence.content]).serializedString()
            let digest = try ReportData.digest(
                nonce: nonce, teeKey: guest.key.publicJWK, additionalEvidence: covering ?? text)
            return AttestationBody(
                nonce: nonce, teeKey: guest.key.publicJWK,
                primaryEvidence: try guest.evidence(digest, nonce).content, additionalEvidence: text
            ).serialized()
        }
    }

    private func refusal(
        _ composite: Composite, _ site: SimulatedSite, devicesFor other: String? = nil, covering: String? = nil
    ) async throws -> String? {
        let (challenge, cookie) = try await site.test.broker.challenge(SampleGuest.authBody(tee: "snp"))
        let body = try composite.attestation(nonce: challenge.nonce, devicesFor: other, covering: covering)
        return try await brokerError {
            _ = try await site.test.broker.attest(body: body, cookie: cookie.value)
        }?.code
    }

    private func attest(_ composite: Composite, _ site: SimulatedSite) async throws -> Attestation {
        let (challenge, cookie) = try await site.test.broker.challenge(SampleGuest.authBody(tee: "snp"))
        return try await site.test.broker.attest(
            body: composite.attestation(nonce: challenge.nonce), cookie: cookie.value)
    }

    @Test("A8, A19: accelerators count beside the guest that uses them, in its session, each once, and never alone")
    func handshake() async throws {
        let hygon = try SimulatedHygon()
        let verifier = try DCUVerifier(DCUVerifier.Options(), rootCertificate: hygon.rootCertificate())
        let site = try await SimulatedSite(
            policies: TestPolicies.stream(TestPolicies.affirmingOnly, try Self.policy()), verifiers: [verifier])
        let snp = try SimulatedSNPGuest(site.amd)
        try await site.affirm(snp)
        try await site.test.put("default/key/1", "the secret")
        let accelerators = try (1...2).map { try SimulatedDCU(hygon, number: $0) }
        let composite = Composite(guest: try SimulatedGuest(snp), accelerators: accelerators)

        let early = try await attest(composite, site)
        let unknown = try await brokerError {
            _ = try await site.test.release("default/key/1", cookie: early.cookie.value)
        }
        #expect(unknown?.kind == .denied)

        try await site.register([
            "dcu_chip_id": .array(accelerators.map { .string(Hex.encode($0.chipID)) }),
            "dcu_measure": [.string(Hex.encode(accelerators[0].measure))],
        ])
        let attestation = try await attest(composite, site)
        let message = try await site.test.release("default/key/1", cookie: attestation.cookie.value)
        #expect(try composite.guest.key.decrypt(message).copyBytes() == Array("the secret".utf8))

        // One whose firmware nobody approved spoils the whole.
        let changed = Composite(
            guest: composite.guest, accelerators: [accelerators[0], accelerators[1].twin { $0.measure[0] ^= 1 }])
        let doubtful = try await attest(changed, site)
        let denial = try await brokerError {
            _ = try await site.test.release("default/key/1", cookie: doubtful.cookie.value)
        }
        #expect(denial?.kind == .denied)

        let twice = Composite(guest: composite.guest, accelerators: [accelerators[0], accelerators[0]])
        #expect(try await refusal(twice, site) == "duplicate_device")
        let nonce = Base64.encode([UInt8](repeating: 7, count: 32))
        #expect(try await refusal(composite, site, devicesFor: nonce) == "report_data_mismatch")
        // The guest's own evidence covers that of its devices: nobody can put others beside it, or none.
        #expect(try await refusal(composite, site, covering: "") == "report_data_mismatch")
        #expect(try await refusal(composite, site, covering: "{}") == "report_data_mismatch")
        try await standAlone(accelerators[0], site)
    }

    /// Whoever drives a device has no guest: the very same accelerator gets nothing by itself.
    private func standAlone(_ accelerator: SimulatedDCU, _ site: SimulatedSite) async throws {
        let lone = try SimulatedGuest(.hygondcu) { try SimulatedDCU.evidence(of: [accelerator], bound: $0) }
        let refusal = try await brokerError { _ = try await site.test.attest(lone) }
        #expect(refusal?.kind == .unauthenticated && refusal?.code == "device_alone")
    }
}
