import BrokerTestSupport
import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import JOSE
import Measurement
import RATS
import Testing
import Verification
import X509TestSupport

@testable import Broker

@Suite("Handshakes with OpenPOWER hosts")
struct PEFHandshakeTests {
    /// What a site applies: blobs go to hosts whose Ultravisor was measured as approved, for guests with an approved kernel.
    private static let policies = """
        apiVersion: claviger.dev/v1alpha1
        kind: AppraisalPolicy
        metadata:
          name: default-cpu
        spec:
          class: cpu
          defaults: {executables: 33, hardware: 97, configuration: 36}
          rules:
            - tee: pef
              claim: executables
              value: 3
              when: ["has(claims.esm_digests) && claims.esm_digests.kernel in reference('esm_kernel')"]
            - {tee: pef, claim: hardware, value: 32, when: ["claims.host_tpm.pcr00 in reference('pef_pcr00')"]}
            - {tee: pef, claim: configuration, value: 2, when: ["claims.host_tpm.pcr11 in reference('pef_pcr11')"]}
        ---
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata:
          name: esm-blobs
        spec:
          match: {resources: ["default/esm/*"]}
          require: {tees: [pef], status: warning}
        """

    private struct Setting {
        let site: SimulatedSite
        let host: SimulatedPowerHost
        let blob: [UInt8]
        let statement: String
        let owner: [UInt8]

        /// A guest whose evidence names the blob.
        func guest(_ host: SimulatedPowerHost? = nil) throws -> SimulatedGuest {
            let host = host ?? self.host
            return try SimulatedGuest(.pef) { [statement] in try host.evidence(bound: $0, statement: statement) }
        }
    }

    private static let kernel = [UInt8](repeating: 2, count: 9000)

    private func setting() async throws -> Setting {
        let host = try SimulatedPowerHost()
        let owner = try SigningKey.generate(.es256)
        var options = PEFVerifier.Options()
        options.tpm.trustedKeys = [host.tpm.key.publicKey.spki]
        options.owners = [owner.verificationKey]
        let digests = try ESMDigests(
            rtas: MemoryArtifact([1]), kernel: MemoryArtifact(Self.kernel), initrd: MemoryArtifact([3]),
            bootArguments: "svm=on")
        var request = ESMBlobRequest(
            origin: .init(try TestKey.generate(.rsa(2048)).publicKey),
            machines: [.init(host.machineKey.publicKey)], digests: digests)
        request.files = [("rootd", SecretBytes(Array("the passphrase".utf8)))]
        let blob = try request.blob().serialized()
        let statement = try ESMStatement(blob: blob, machines: [host.fingerprint], digests: digests.json)
            .signed(with: owner)
        let site = try await SimulatedSite(policies: Self.policies, verifiers: [PEFVerifier(options)])
        try await site.register([
            "esm_kernel": [digests.json["kernel"] ?? .null],
            "pef_pcr00": [.string(Hex.encode(host.tpm.registers[0]))],
            "pef_pcr11": [.string(Hex.encode(host.tpm.registers[11]))],
        ])
        try await site.test.put("default/esm/guest", Base64.encode(blob))
        return Setting(
            site: site, host: host, blob: blob, statement: statement,
            owner: ESMStatement.fingerprint(of: owner.verificationKey))
    }

    private func denial(_ setting: Setting, _ cookie: String) async throws -> String? {
        try await brokerError { _ = try await setting.site.test.release("default/esm/guest", cookie: cookie) }?.code
    }

    @Test("A8, 13: from the host's TPM to a guest that its Ultravisor lets in, and nothing for others and replays")
    func handshake() async throws {
        let setting = try await setting()
        let guest = try setting.guest()
        let attestation = try await setting.site.test.attest(guest)
        let message = try await setting.site.test.release("default/esm/guest", cookie: attestation.cookie.value)
        let blob = try Base64.decode(String(decoding: guest.key.decrypt(message).copyBytes(), as: UTF8.self))
        let files = try SimulatedPowerUltravisor(on: setting.host).enter(
            blob, rtas: [1], kernel: Self.kernel, initrd: [3], bootArguments: "svm=on")
        #expect(files["rootd"] == Array("the passphrase".utf8))
        #expect(try await setting.site.lastDecision().tee == "pef")

        // Another Ultravisor was measured: the host is believed, and graded for what it is.
        let changed = setting.host.twin { $0.tpm.extend(0, with: [UInt8](repeating: 1, count: 32)) }
        let other = try await setting.site.test.attest(setting.guest(changed))
        #expect(try await denial(setting, other.cookie.value) != nil)

        for (twin, code) in [
            (try setting.host.twin { $0.machineKey = try TestKey.generate(.rsa(2048)) }, "machine_not_authorised"),
            (setting.host.twin { $0.attributes = 0x0002_0072 }, "key_not_allowed"),
            (try SimulatedPowerHost(), "key_not_trusted"),
        ] {
            let refusal = try await brokerError { _ = try await setting.site.test.attest(setting.guest(twin)) }
            #expect(refusal?.kind == .unauthenticated && refusal?.code == code)
        }
        let start = SampleGuest.authBody(tee: "pef")
        let (old, _) = try await setting.site.test.broker.challenge(start)
        let (challenge, cookie) = try await setting.site.test.broker.challenge(start)
        let replayed = try guest.attestation(nonce: challenge.nonce, boundTo: old.nonce)
        let error = try await brokerError {
            _ = try await setting.site.test.broker.attest(body: replayed, cookie: cookie.value)
        }
        #expect(error?.code == "report_data_mismatch")
    }

    @Test(
        "13: revoking the owner, the machine or the blob stops what it was released to, also under new sessions",
        arguments: [RevocationTarget.Kind.esmOwner, .esmMachine, .esmBlob])
    func revocation(_ kind: RevocationTarget.Kind) async throws {
        let setting = try await setting()
        let attestation = try await setting.site.test.attest(setting.guest())
        #expect(try await denial(setting, attestation.cookie.value) == nil)
        let value = try name(kind, setting)
        let other = RevocationTarget(kind: kind, value: String(repeating: "0", count: 64))
        _ = try await setting.site.test.broker.revoke(other, reason: "another", by: "test")
        #expect(try await denial(setting, attestation.cookie.value) == nil)
        _ = try await setting.site.test.broker.revoke(
            RevocationTarget(kind: kind, value: value.uppercased()), reason: "lost", by: "test")
        #expect(try await denial(setting, attestation.cookie.value) != nil)
        let again = try await setting.site.test.attest(setting.guest())
        #expect(try await denial(setting, again.cookie.value) != nil)
        let error = try await brokerError {
            _ = try await setting.site.test.broker.revoke(
                RevocationTarget(kind: kind, value: "no digest"), reason: "", by: "test")
        }
        #expect(error?.kind == .malformed)
    }

    /// What the parties are called in claims.
    private func name(_ kind: RevocationTarget.Kind, _ setting: Setting) throws -> String {
        switch kind {
        case .esmOwner: Hex.encode(setting.owner)
        case .esmMachine: Hex.encode(setting.host.fingerprint)
        default: Hex.encode(Array(SHA256.hash(data: setting.blob)))
        }
    }
}
