import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import JOSE
import RATS
import Testing
import Verification

@testable import Broker

@Suite("Handshakes with simulated hardware")
struct SimulatedHandshakeTests {
    /// What a site applies that approves an enclave: the shipped policy approves none.
    private static let enclavePolicy = """
        apiVersion: claviger.dev/v1alpha1
        kind: AppraisalPolicy
        metadata:
          name: default-cpu
        spec:
          class: cpu
          defaults: {executables: 33, hardware: 97, configuration: 36}
          rules:
            - {tee: sgx, claim: executables, value: 3, when: ["claims.body.mr_enclave in reference('mr_enclave')"]}
            - {tee: sgx, claim: hardware, value: 2, when: ["claims.tcb_status == 'UpToDate'"]}
            - {tee: sgx, claim: configuration, value: 2, when: ["claims.body.isv_svn in reference('isv_svn')"]}
        """

    /// A guest gets the secret; its twins, and its evidence under other circumstances, get nothing.
    private func prove(_ guest: SimulatedGuest, _ site: SimulatedSite, version: String) async throws {
        try await site.test.put("default/key/1", "the secret")
        let attestation = try await site.test.attest(guest, version: version)
        for message in [
            try await site.test.release("default/key/1", cookie: attestation.cookie.value),
            try await site.test.release("default/key/1", bearer: attestation.token),
        ] {
            #expect(try guest.key.decrypt(message).copyBytes() == Array("the secret".utf8))
        }
        let row = try await site.lastDecision()
        #expect(row.allowed && row.tee == guest.tee.rawValue && row.path == "default/key/1")
    }

    /// An attestation is refused with 401 and this code, and the ledger says why.
    private func refuse(_ code: String, _ site: SimulatedSite, _ guest: SimulatedGuest, _ body: [UInt8], cookie: String)
        async throws
    {
        let before = try await site.test.decisionCount()
        let error = try await brokerError { _ = try await site.test.broker.attest(body: body, cookie: cookie) }
        #expect(error?.kind == .unauthenticated)
        #expect(error?.code == code)
        #expect(try await site.test.decisionCount() == before + 1)
        let row = try await site.lastDecision()
        #expect(!row.allowed && row.code == code && row.tee == guest.tee.rawValue)
    }

    /// Evidence with a flaw is refused, whatever its version.
    private func refuse(_ code: String, _ guest: SimulatedGuest, _ site: SimulatedSite, version: String) async throws {
        let (challenge, cookie) = try await site.test.broker.challenge(
            SampleGuest.authBody(version: version, tee: guest.tee.rawValue))
        let body = try guest.attestation(nonce: challenge.nonce, version: version)
        try await refuse(code, site, guest, body, cookie: cookie.value)
    }

    /// Evidence that was made for another nonce, or for another key, is refused.
    private func refuseReplay(_ guest: SimulatedGuest, _ site: SimulatedSite, version: String) async throws {
        let start = SampleGuest.authBody(version: version, tee: guest.tee.rawValue)
        let (other, _) = try await site.test.broker.challenge(start)
        let (challenge, cookie) = try await site.test.broker.challenge(start)
        let replayed = try guest.attestation(nonce: challenge.nonce, version: version, boundTo: other.nonce)
        try await refuse("report_data_mismatch", site, guest, replayed, cookie: cookie.value)
        let (again, second) = try await site.test.broker.challenge(start)
        let stolen = try guest.attestation(
            nonce: again.nonce, version: version, key: JWEPrivateKey.generate(.ecP256))
        try await refuse("report_data_mismatch", site, guest, stolen, cookie: second.value)
    }

    @Test(
        "A8, A10: SEV-SNP from challenge to secret, and nothing for a debug twin or a replay",
        arguments: ["0.4.0", "0.2.0"])
    func snp(_ version: String) async throws {
        let site = try await SimulatedSite()
        let guest = try SimulatedSNPGuest(site.amd)
        let form: SimulatedSNPGuest.Form = version == "0.2.0" ? .fields(.agent07) : .fields(.agent15)
        try await site.affirm(guest)
        try await prove(SimulatedGuest(guest, form: form), site, version: version)
        let debug = guest.twin { $0.policy.insert(.debugAllowed) }
        try await refuse("debug_enabled", SimulatedGuest(debug, form: form), site, version: version)
        let late = guest.twin { $0.vmpl = 2 }
        try await refuse("vmpl_not_allowed", SimulatedGuest(late, form: form), site, version: version)
        try await refuseReplay(SimulatedGuest(guest, form: form), site, version: version)
    }

    @Test(
        "A8, A10: TDX from challenge to secret, and nothing for a debug twin or a replay",
        arguments: ["0.4.0", "0.2.0"])
    func tdx(_ version: String) async throws {
        let site = try await SimulatedSite()
        let domain = try SimulatedTrustDomain(
            on: site.platform, form: version == "0.2.0" ? .version4 : .version5TDX15)
        try await site.affirm(domain)
        try await prove(SimulatedGuest(domain), site, version: version)
        try await refuse("debug_enabled", SimulatedGuest(domain.twin(adding: .debug)), site, version: version)
        let forged = domain.twin(.register2, Array(repeating: 9, count: 48))
        try await refuse("event_log_mismatch", SimulatedGuest(forged), site, version: version)
        try await refuseReplay(SimulatedGuest(domain), site, version: version)
    }

    @Test(
        "A8, A10: SGX from challenge to secret, and nothing for a debug twin or a replay",
        arguments: ["0.4.0", "0.2.0"])
    func sgx(_ version: String) async throws {
        let site = try await SimulatedSite(
            policies: TestPolicies.stream(Self.enclavePolicy, TestPolicies.affirmingOnly))
        let enclave = try SimulatedEnclave(on: site.platform)
        try await site.register([
            "mr_enclave": [.string(Hex.encode(enclave.report[.enclaveMeasurement]))],
            "isv_svn": [.string(Hex.encode(enclave.report[.securityVersion]))],
        ])
        try await prove(SimulatedGuest(enclave), site, version: version)
        try await refuse("debug_enabled", SimulatedGuest(enclave.twin(adding: .debug)), site, version: version)
        try await refuseReplay(SimulatedGuest(enclave), site, version: version)
    }

    @Test("guests whose values nobody approved attest under the shipped policy, and get nothing")
    func unapproved() async throws {
        let site = try await SimulatedSite()
        try await site.test.put("default/key/1", "the secret")
        let approved = try SimulatedSNPGuest(site.amd)
        try await site.affirm(approved)
        for guest in [
            try SimulatedGuest(approved.twin { $0.measurement[0] ^= 1 }),
            try SimulatedGuest(SimulatedTrustDomain(on: site.platform)),
            try SimulatedGuest(SimulatedEnclave(on: site.platform)),
        ] {
            let attestation = try await site.test.attest(guest)
            let error = try await brokerError {
                _ = try await site.test.release("default/key/1", cookie: attestation.cookie.value)
            }
            #expect(error?.kind == .denied)
            let row = try await site.lastDecision()
            #expect(!row.allowed && row.code == error?.code && row.tee == guest.tee.rawValue)
        }
    }

    @Test("A14: a platform that Intel calls out of date attests under the shipped policy, and gets nothing")
    func outOfDate() async throws {
        let site = try await SimulatedSite()
        try await site.test.put("default/key/1", "the secret")
        let domain = try SimulatedTrustDomain(on: site.platform)
        try await site.affirm(domain)
        let old = try site.intel.platform { $0.componentSVNs = $0.componentSVNs.map { $0 / 2 } }
        for (platform, isReleased) in [(site.platform, true), (old, false)] {
            let guest = try SimulatedGuest(SimulatedTrustDomain(on: platform))
            let attestation = try await site.test.attest(guest)
            let error = try await brokerError {
                _ = try await site.test.release("default/key/1", cookie: attestation.cookie.value)
            }
            #expect(error?.kind == (isReleased ? nil : .denied))
        }
    }

    @Test("A21: who relays another machine's handshake gets a secret that only that machine can open")
    func relay() async throws {
        let site = try await SimulatedSite()
        let hardware = try SimulatedSNPGuest(site.amd)
        try await site.affirm(hardware)
        try await site.test.put("default/key/1", "the secret")
        let (machine, relay) = (try SimulatedGuest(hardware), try JWEPrivateKey.generate(.ecP256))
        let (challenge, cookie) = try await site.test.broker.challenge(SampleGuest.authBody(tee: "snp"))
        let body = try machine.attestation(nonce: challenge.nonce)
        let relayed = try await site.test.broker.attest(body: body, cookie: cookie.value)
        for message in [
            try await site.test.release("default/key/1", cookie: relayed.cookie.value),
            try await site.test.release("default/key/1", bearer: relayed.token),
        ] {
            #expect(throws: JOSEError.self) { try relay.decrypt(message) }
            #expect(!String(decoding: message, as: UTF8.self).contains("secret"))
            #expect(try machine.key.decrypt(message).copyBytes() == Array("the secret".utf8))
        }
    }
}
