import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification

@testable import Broker

@Suite("Handshakes with realms, enclaves and Secure Execution guests")
struct TokenHandshakeTests {
    private static let policies =
        TestPolicies.affirmingOnly + """

            ---
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata:
              name: default-cpu
            spec:
              class: cpu
              defaults: {executables: 33, hardware: 97, configuration: 36}
              rules:
                - {tee: cca, claim: executables, value: 3, when: ["claims.realm['cca-realm-initial-measurement'] in reference('rim')"]}
                - {tee: cca, claim: hardware, value: 2, when: ["claims.platform['cca-platform-sw-components-endorsed'] == true"]}
                - {tee: cca, claim: configuration, value: 2, when: []}
                - {tee: nitro, claim: executables, value: 3, when: ["claims.pcr0 in reference('pcr0')"]}
                - {tee: nitro, claim: hardware, value: 2, when: ["claims.debug == false"]}
                - {tee: nitro, claim: configuration, value: 2, when: []}
                - {tee: se, claim: executables, value: 3, when: ["claims.tag in reference('tag')"]}
                - {tee: se, claim: hardware, value: 2, when: []}
                - {tee: se, claim: configuration, value: 2, when: []}
                - {tee: csv, claim: executables, value: 3, when: ["claims.measure in reference('measure')"]}
                - {tee: csv, claim: hardware, value: 2, when: ["claims.version == '2'"]}
                - {tee: csv, claim: configuration, value: 2, when: ["claims.policy.nodbg == 1"]}
            """

    /// The guest gets the secret, its twin is refused with this code, and what it made for another challenge too.
    private func prove(
        _ guest: SimulatedGuest, _ site: SimulatedSite, twin: SimulatedGuest, code: String
    ) async throws {
        try await site.test.put("default/key/1", "the secret")
        let attestation = try await site.test.attest(guest)
        let message = try await site.test.release("default/key/1", cookie: attestation.cookie.value)
        #expect(try guest.key.decrypt(message).copyBytes() == Array("the secret".utf8))

        let refusal = try await brokerError { _ = try await site.test.attest(twin) }
        #expect(refusal?.kind == .unauthenticated && refusal?.code == code)

        let start = SampleGuest.authBody(tee: guest.tee.rawValue)
        let (other, _) = try await site.test.broker.challenge(start)
        let (challenge, cookie) = try await site.test.broker.challenge(start)
        let replayed = try guest.attestation(nonce: challenge.nonce, boundTo: other.nonce)
        let error = try await brokerError {
            _ = try await site.test.broker.attest(body: replayed, cookie: cookie.value)
        }
        #expect(error?.code == "report_data_mismatch")
    }

    @Test("A8, A10: a CCA realm from challenge to secret, and nothing for a machine that can be debugged or a replay")
    func cca() async throws {
        let realm = try SimulatedRealm()
        let verifier = CCAVerifier(CCAVerifier.Options(endorsements: realm.endorsements))
        let site = try await SimulatedSite(policies: Self.policies, verifiers: [verifier])
        let measurement = try #require(realm.realm[44_238]?.bytesValue)
        try await site.register(["rim": [.string(Base64.encode(measurement))]])
        let twin = realm.twin { $0.platform[2395] = 0x5000 }
        try await prove(SimulatedGuest(realm), site, twin: SimulatedGuest(twin), code: "debug_enabled")
    }

    @Test("A8, A10: a Nitro enclave from challenge to secret, and nothing for its twin in debug mode or a replay")
    func nitro() async throws {
        let enclave = try SimulatedNitroEnclave(at: Date())
        let verifier = NitroVerifier(NitroVerifier.Options(anchors: enclave.anchors))
        let site = try await SimulatedSite(policies: Self.policies, verifiers: [verifier])
        let registers = try #require(enclave.content["pcrs"]?.mapValue)
        try await site.register(["pcr0": [.string(Hex.encode(try #require(registers[0]?.bytesValue)))]])
        let twin = enclave.twin {
            var debug = registers
            for index in 0..<3 { debug[CBORValue(Int64(index))] = .bytes([UInt8](repeating: 0, count: 48)) }
            $0.content["pcrs"] = .map(debug)
        }
        try await prove(SimulatedGuest(enclave), site, twin: SimulatedGuest(twin), code: "debug_enabled")
    }

    @Test("A8, A10: a Secure Execution guest from request to secret, and nothing for another image or another session")
    func se() async throws {
        let ibm = try SimulatedIBM(at: Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded()))
        let ultravisor = try SimulatedUltravisor()
        let verifier = SEVerifier(
            SEVerifier.Options(
                anchors: ibm.anchors, authorities: ibm.authorities, revocationLists: try ibm.lists(),
                hostKeys: [try ibm.document(of: ultravisor.key.publicKey)], images: [ultravisor.image]))
        let site = try await SimulatedSite(policies: Self.policies, verifiers: [verifier])
        try await site.register(["tag": [.string(Hex.encode(ultravisor.image.tag))]])
        var other = ultravisor
        other.image = try SEImageHeader(
            parsing: SimulatedUltravisor.header(for: [ultravisor.key.publicKey], seed: 0x10))
        try await prove(SimulatedGuest(ultravisor), site, twin: SimulatedGuest(other), code: "measurement_invalid")

        // The request is the nonce, and its secrets are in the cookie of this session alone.
        let start = SampleGuest.authBody(tee: "se")
        let (first, cookie) = try await site.test.broker.challenge(start)
        #expect(first.nonce.hasPrefix("{") && cookie.value.utf8.count <= 4096)
    }

    @Test("A8, A10: a CSV guest from challenge to secret, and nothing for its twin in debug mode or a replay")
    func csv() async throws {
        let hygon = try SimulatedHygon(.v2)
        let verifier = try CSVVerifier(.init(), rootCertificate: hygon.rootCertificate())
        let site = try await SimulatedSite(policies: Self.policies, verifiers: [verifier])
        try await site.register(["measure": [.string(String(repeating: "5e", count: 32))]])
        let twin = hygon.twin { $0.policy = 0x3E }
        try await prove(SimulatedGuest(hygon), site, twin: SimulatedGuest(twin), code: "debug_enabled")
    }

    @Test("the shipped appraisal affirms Secure Execution guests, and recognises no realm, Nitro enclave or CSV guest")
    func shippedAppraisal() async throws {
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())
        let (ibm, ultravisor) = (try SimulatedIBM(at: now), try SimulatedUltravisor())
        let (realm, enclave) = (try SimulatedRealm(), try SimulatedNitroEnclave(at: now))
        let hygon = try SimulatedHygon(.v2)
        let site = try await SimulatedSite(verifiers: [
            SEVerifier(
                SEVerifier.Options(
                    anchors: ibm.anchors, authorities: ibm.authorities, revocationLists: try ibm.lists(),
                    hostKeys: [try ibm.document(of: ultravisor.key.publicKey)], images: [ultravisor.image])),
            CCAVerifier(CCAVerifier.Options(endorsements: realm.endorsements)),
            NitroVerifier(NitroVerifier.Options(anchors: enclave.anchors)),
            try CSVVerifier(.init(), rootCertificate: hygon.rootCertificate()),
        ])
        try await site.test.put("default/key/1", "the secret")
        let affirmed = try await site.test.attest(SimulatedGuest(ultravisor))
        _ = try await site.test.release("default/key/1", cookie: affirmed.cookie.value)
        for guest in [try SimulatedGuest(realm), try SimulatedGuest(enclave), try SimulatedGuest(hygon)] {
            let attestation = try await site.test.attest(guest)
            let error = try await brokerError {
                _ = try await site.test.release("default/key/1", cookie: attestation.cookie.value)
            }
            #expect(error?.kind == .denied, "\(guest.tee)")
            #expect(try await site.lastDecision().allowed == false)
        }
    }

    @Test("a Secure Execution guest is told to come back where no machine is trusted, and the operator why")
    func untrustedMachines() async throws {
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())
        let (ibm, ultravisor) = (try SimulatedIBM(at: now), try SimulatedUltravisor())
        var listless = SEVerifier.Options()
        listless.anchors = ibm.anchors
        listless.authorities = ibm.authorities
        listless.hostKeys = [try ibm.document(of: ultravisor.key.publicKey)]
        for (options, code) in [(SEVerifier.Options(), "host_key_not_trusted"), (listless, "revocation_unknown")] {
            let site = try await SimulatedSite(policies: Self.policies, verifiers: [SEVerifier(options)])
            let error = try #require(
                try await brokerError { _ = try await site.test.broker.challenge(SampleGuest.authBody(tee: "se")) })
            #expect(error.kind == .unavailable && error.code == code)
            for word in ["certificate", "document", "IBM", "list"] { #expect(!error.message.contains(word)) }
            let line = try #require(site.test.logs.text.split(separator: "\n").last { $0.contains(code) })
            #expect(line.hasPrefix("warning") && line.contains("reason"))
        }
    }
}
