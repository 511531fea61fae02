import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import KBSProtocol
import RATS
import Testing
import Verification

@testable import Broker

@Suite("Handshakes with GPUs")
struct DeviceHandshakeTests {
    /// A site with a believed SNP guest, and a GPU whose manifests are at hand.
    private struct Fixture {
        let site: SimulatedSite
        let maker: SimulatedNVIDIA
        let device: SimulatedNVIDIADevice
        let guest: SimulatedSNPGuest

        init(affirmed: Bool = true) async throws {
            let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())
            maker = try SimulatedNVIDIA(at: now)
            device = try SimulatedNVIDIADevice(of: maker)
            site = try await SimulatedSite(
                verifiers: [NVIDIAVerifier(maker.options)], also: maker.collateral(for: device),
                inspectors: [NVIDIACollateralInspector(anchors: maker.anchors, manifestAnchors: maker.manifestAnchors)])
            guest = try SimulatedSNPGuest(site.amd)
            if affirmed { try await site.affirm(guest) }
            try await site.register([
                "allowed_vbios_versions": ["96.00.5E.00.01"], "allowed_driver_versions": ["550.90.07"],
            ])
            try await site.test.put("default/key/1", "the secret")
        }
    }

    /// The body of `/attest` of a guest with devices, whose reports may be bound to another nonce.
    private func body(
        _ guest: SimulatedGuest, nonce: String, devices: [SimulatedNVIDIADevice], boundTo other: String? = nil,
        dropping isDropped: Bool = false
    ) throws -> [UInt8] {
        let digest = try ReportData.digest(
            nonce: other ?? nonce, teeKey: guest.key.publicJWK, additionalEvidence: nil)
        let evidence = try SimulatedNVIDIADevice.evidence(of: devices, bound: digest)
        let additional = JSONValue.object(["nvidia": evidence.content]).serializedString()
        let bound = try ReportData.digest(
            nonce: nonce, teeKey: guest.key.publicJWK, additionalEvidence: additional)
        return AttestationBody(
            nonce: nonce, teeKey: guest.key.publicJWK, primaryEvidence: try guest.evidence(bound, nonce).content,
            additionalEvidence: isDropped ? "" : additional
        ).serialized()
    }

    private func attest(
        _ fixture: Fixture, _ guest: SimulatedGuest, _ devices: [SimulatedNVIDIADevice],
        dropping isDropped: Bool = false
    ) async throws -> Attestation {
        let broker = fixture.site.test.broker
        let (challenge, cookie) = try await broker.challenge(SampleGuest.authBody(tee: guest.tee.rawValue))
        return try await broker.attest(
            body: body(guest, nonce: challenge.nonce, devices: devices, dropping: isDropped), cookie: cookie.value)
    }

    private func code(_ fixture: Fixture, _ devices: [SimulatedNVIDIADevice], dropping isDropped: Bool = false)
        async throws -> String?
    {
        let guest = try SimulatedGuest(fixture.guest)
        return try await brokerError { _ = try await attest(fixture, guest, devices, dropping: isDropped) }?.code
    }

    private func claims(_ attestation: Attestation) throws -> JSONValue {
        let parts = attestation.token.split(separator: ".")
        return try JSONValue(parsing: Base64.decodeURL(String(parts[1])))
    }

    @Test("A8, A19: an SEV-SNP guest with a GPU from challenge to secret, with the shipped appraisal")
    func good() async throws {
        let fixture = try await Fixture()
        let guest = try SimulatedGuest(fixture.guest)
        let attestation = try await attest(fixture, guest, [fixture.device])
        let submodules = try #require(claims(attestation)["submods"])
        #expect(submodules["cpu0"]?["ear.status"] == "affirming", "\(submodules)")
        #expect(submodules["gpu0"]?["ear.status"] == "affirming", "\(submodules)")
        let vector = submodules["gpu0"]?["ear.trustworthiness-vector"]
        #expect(vector?["hardware"] == 2 && vector?["executables"] == 3 && vector?["configuration"] == 2)
        let message = try await fixture.site.test.release("default/key/1", cookie: attestation.cookie.value)
        #expect(try guest.key.decrypt(message).copyBytes() == Array("the secret".utf8))
    }

    @Test("A19: a GPU of another session, one that is changed or twice, and one that was left out are refused")
    func refused() async throws {
        let fixture = try await Fixture()
        #expect(try await code(fixture, [fixture.device, fixture.device]) == "duplicate_device")
        let changed = fixture.device.twin { $0.registers[5]?[0] ^= 1 }
        #expect(try await code(fixture, [changed]) == "measurement_mismatch")
        let impostor = try SimulatedNVIDIADevice(of: SimulatedNVIDIA(at: fixture.maker.now))
        #expect(try await code(fixture, [impostor]) == "chain_not_trusted")
        #expect(try await code(fixture, [fixture.device], dropping: true) == "report_data_mismatch")

        let guest = try SimulatedGuest(fixture.guest)
        let start = SampleGuest.authBody(tee: "snp")
        let broker = fixture.site.test.broker
        let (other, _) = try await broker.challenge(start)
        let (challenge, cookie) = try await broker.challenge(start)
        let body = try body(guest, nonce: challenge.nonce, devices: [fixture.device], boundTo: other.nonce)
        let error = try await brokerError { _ = try await broker.attest(body: body, cookie: cookie.value) }
        #expect(error?.code == "report_data_mismatch")
    }

    @Test("A19: a good GPU is worth nothing beside a guest that must not be trusted, and cannot attest without one")
    func guest() async throws {
        let fixture = try await Fixture(affirmed: false)
        let guest = try SimulatedGuest(fixture.guest)
        let attestation = try await attest(fixture, guest, [fixture.device])
        let submodules = try #require(claims(attestation)["submods"])
        #expect(submodules["cpu0"]?["ear.status"] == "contraindicated")
        #expect(submodules["gpu0"]?["ear.status"] == "contraindicated")
        #expect(submodules["gpu0"]?["ear.trustworthiness-vector"]?["executables"] == 3)
        let denial = try await brokerError {
            _ = try await fixture.site.test.release("default/key/1", cookie: attestation.cookie.value)
        }
        #expect(denial?.kind == .denied)
        for name in ["nvidia", "nvidia-dpu"] {
            let error = try await brokerError {
                let (challenge, cookie) = try await fixture.site.test.broker.challenge(SampleGuest.authBody(tee: name))
                let content = try SimulatedNVIDIADevice.evidence(of: [fixture.device], bound: [1]).content
                let body = AttestationBody(
                    nonce: challenge.nonce, teeKey: guest.key.publicJWK, primaryEvidence: content)
                _ = try await fixture.site.test.broker.attest(body: body.serialized(), cookie: cookie.value)
            }
            #expect(error != nil, "\(name)")
        }
    }
}
