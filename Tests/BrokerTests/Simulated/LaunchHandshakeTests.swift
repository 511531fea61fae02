import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import JOSE
import KBSProtocol
import RATS
import Storage
import Testing
import Verification

@testable import Broker

@Suite("Handshakes with hosts that launch SEV guests")
struct LaunchHandshakeTests {
    /// Hardware of this kind is a warning at best, so that a policy must say that it takes that.
    private static let policies = """
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata:
          name: launches
        spec:
          match:
            resources: ["default/disk/*"]
          require:
            tees: ["sev"]
            trust: {executables: affirming, hardware: warning}
          validations:
            - expression: "claims.sev.es && claims.sev.legacy"
              message: "only SEV-ES"
        ---
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata:
          name: genuine-hardware
        spec:
          match:
            resources: ["default/key/*"]
          require:
            trust: {hardware: affirming}
        """

    private let platform: SimulatedSEVPlatform
    private let guest: SimulatedSEVLaunch

    init() throws {
        platform = try SimulatedSEVPlatform()
        guest = SimulatedSEVLaunch(platform)
    }

    private func verifier(_ change: (inout SEVVerifier.Options) -> Void = { _ in }) throws -> SEVVerifier {
        var options = SEVVerifier.Options()
        options.authorities = try platform.authorities()
        options.launchDigests = [guest.digest]
        options.builds = [6]
        change(&options)
        return SEVVerifier(options)
    }

    private func site(registered: Bool = true) async throws -> SimulatedSite {
        let site = try await SimulatedSite(policies: Self.policies, verifiers: [verifier()])
        if registered { try await site.register(["sev_es_launch_digest": [.string(Hex.encode(guest.digest))]]) }
        try await site.test.put("default/disk/1", "the disk's password")
        try await site.test.put("default/key/1", "for genuine hardware")
        return site
    }

    private func begin(
        _ site: SimulatedSite, version: String = "0.0.0"
    ) async throws -> (parameters: JSONValue, nonce: String, cookie: String) {
        let request: JSONValue = [
            "version": .string(version), "tee": "sev", "extra-params": try platform.request(),
            "workload_id": "simulated",
        ]
        let (challenge, cookie) = try await site.test.broker.challenge(request.serialized())
        return (challenge.extraParameters, challenge.nonce, cookie.value)
    }

    /// What hosts of this kind send: an empty key, and the measurement as a text.
    private func body(_ parameters: JSONValue, key: JSONObject = ["kty": "", "alg": ""]) throws -> [UInt8] {
        let text = try guest.measurement(parameters).serializedString()
        return JSONValue.object(["tee-pubkey": .object(key), "tee-evidence": .string(text)]).serialized()
    }

    private func release(
        _ site: SimulatedSite, _ path: String, cookie: String? = nil, bearer: String? = nil,
        query: [String: String] = [:]
    ) async throws -> [UInt8] {
        try await site.test.broker.release(
            ReleaseInput(path: ResourcePath(path), query: query, sessionCookie: cookie, bearer: bearer))
    }

    @Test(
        "A8, A10: from a platform's certificates to a secret in the guest's memory, with the shipped appraisal policy")
    func handshake() async throws {
        let site = try await site()
        let session = try await begin(site)
        let attestation = try await site.test.broker.attest(body: body(session.parameters), cookie: session.cookie)
        let packet = try JSONValue(parsing: await release(site, "default/disk/1", cookie: attestation.cookie.value))
        let entries = try guest.secrets(in: packet, session.parameters)
        #expect(entries.map(\.data) == [Array("the disk's password".utf8)])
        #expect(entries.map(\.guid) == [SEVSecretGUID.diskPassword.bytes])

        let name = "e6f5a162-d67f-4750-a67c-5d065f2a9910"
        let named = try await release(site, "default/disk/1", cookie: attestation.cookie.value, query: ["guid": name])
        let found = try guest.secrets(in: JSONValue(parsing: named), session.parameters)
        #expect(found.map(\.guid) == [SEVSecretGUID(name)?.bytes])
        // No two packets are encrypted alike.
        #expect(try JSONValue(parsing: named)["header"]?["iv"] != packet["header"]?["iv"])
        #expect(throws: SimulationError.self) {
            try guest.twin { $0.nonce[3] ^= 1 }.secrets(in: packet, session.parameters)
        }
    }

    @Test("A host of protocol 0.4.0 is served too, and a cookie of a session with keys fits every client")
    func currentVersion() async throws {
        let site = try await site()
        let session = try await begin(site, version: "0.4.0")
        #expect(session.cookie.utf8.count <= 4096)
        let key = try JWEPrivateKey.generate(.ecP256)
        let content = try guest.measurement(session.parameters)
        let body = AttestationBody(nonce: session.nonce, teeKey: key.publicJWK, primaryEvidence: content).serialized()
        let attestation = try await site.test.broker.attest(body: body, cookie: session.cookie)
        let packet = try JSONValue(parsing: await release(site, "default/disk/1", cookie: attestation.cookie.value))
        #expect(try guest.secrets(in: packet, session.parameters).count == 1)
    }

    @Test("3g: a key that the host brings along gets nothing: neither from the session nor with the token")
    func hostKey() async throws {
        let site = try await site()
        let session = try await begin(site)
        let key = try JWEPrivateKey.generate(.ecP256)
        let attestation = try await site.test.broker.attest(
            body: body(session.parameters, key: key.publicJWK), cookie: session.cookie)
        let answer = try await release(site, "default/disk/1", cookie: attestation.cookie.value)
        #expect(throws: (any Error).self) { try key.decrypt(answer) }
        let error = try await brokerError {
            _ = try await release(site, "default/disk/1", bearer: attestation.token)
        }
        #expect(error?.kind == .denied && error?.code == "key_not_usable")
        let token = try JSONValue(
            parsing: Base64.decodeURL(String(attestation.token.split(separator: ".")[1])))
        #expect(!token.serializedString().contains("tee-pubkey"))
    }

    @Test("3g: hardware is never affirming, whatever a policy says, so that nothing for genuine hardware is released")
    func trustCap() async throws {
        let site = try await site()
        let generous = """
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata:
              name: default-cpu
            spec:
              class: cpu
              defaults: {executables: 33, hardware: 97, configuration: 36}
              rules:
                - {tee: sev, claim: executables, value: 3, when: []}
                - {tee: sev, claim: hardware, value: 2, when: []}
                - {tee: sev, claim: configuration, value: 2, when: []}
            """
        _ = try await site.test.broker.applyPolicies(generous, dryRun: false, by: "test")
        let session = try await begin(site)
        let attestation = try await site.test.broker.attest(body: body(session.parameters), cookie: session.cookie)
        let error = try await brokerError {
            _ = try await release(site, "default/key/1", cookie: attestation.cookie.value)
        }
        #expect(error?.kind == .denied)
        _ = try await release(site, "default/disk/1", cookie: attestation.cookie.value)
    }

    @Test("a digest that no reference value names is not affirmed by the shipped policy")
    func unknownDigest() async throws {
        let site = try await site(registered: false)
        let session = try await begin(site)
        let attestation = try await site.test.broker.attest(body: body(session.parameters), cookie: session.cookie)
        let error = try await brokerError {
            _ = try await release(site, "default/disk/1", cookie: attestation.cookie.value)
        }
        #expect(error?.kind == .denied)
    }

    @Test("3g: a session is used once, for its own launch; a replay and another session's measurement are refused")
    func replay() async throws {
        let site = try await site()
        let (one, other) = (try await begin(site), try await begin(site))
        let first = try body(one.parameters)
        let error = try await brokerError {
            _ = try await site.test.broker.attest(body: first, cookie: other.cookie)
        }
        #expect(error?.code == "measurement_invalid")
        _ = try await site.test.broker.attest(body: first, cookie: one.cookie)
        let again = try await brokerError { _ = try await site.test.broker.attest(body: first, cookie: one.cookie) }
        #expect(again?.code == "nonce_spent")
    }

    @Test("a name that is no GUID and a secret that no launch takes are refused")
    func packets() async throws {
        let site = try await site()
        try await site.test.put("default/disk/large", String(repeating: "x", count: 16_345))
        try await site.test.put("default/disk/largest", String(repeating: "x", count: 16_344))
        let session = try await begin(site)
        let attestation = try await site.test.broker.attest(body: body(session.parameters), cookie: session.cookie)
        let cookie = attestation.cookie.value
        let name = try await brokerError {
            _ = try await release(site, "default/disk/1", cookie: cookie, query: ["guid": "disk"])
        }
        #expect(name?.kind == .denied && name?.code == "launch_secret_name_invalid")
        let large = try await brokerError { _ = try await release(site, "default/disk/large", cookie: cookie) }
        #expect(large?.kind == .tooLarge && large?.code == "launch_secret_too_large")
        _ = try await release(site, "default/disk/largest", cookie: cookie)
    }

    @Test("what cannot be bound to a launch is refused: devices and init-data")
    func unbound() async throws {
        let site = try await site()
        let key = try JWEPrivateKey.generate(.ecP256)
        let additions: [(additional: String, initData: JSONValue, code: String)] = [
            (#"{"sampledevice":{"svn":"1","report_data":""}}"#, .null, "unknown_device"),
            (
                "", ["format": "toml", "body": "algorithm = \"sha256\"\nversion = \"0.1.0\"\n[data]\n"],
                "init_data_refused"
            ),
        ]
        for (additional, initData, code) in additions {
            let session = try await begin(site, version: "0.4.0")
            let body: JSONValue = [
                "runtime-data": ["nonce": .string(session.nonce), "tee-pubkey": .object(key.publicJWK)],
                "tee-evidence": [
                    "primary_evidence": try guest.measurement(session.parameters),
                    "additional_evidence": .string(additional),
                ],
                "init-data": initData,
            ]
            let error = try await brokerError {
                _ = try await site.test.broker.attest(body: body.serialized(), cookie: session.cookie)
            }
            #expect(error?.code == code)
        }
    }

    @Test("a broker that was not told to serve SEV knows no such kind, and an empty list lets nothing in")
    func off() async throws {
        let request: JSONValue = ["version": "0.4.0", "tee": "sev", "extra-params": try platform.request()]
        let test = try await TestBroker.make(policies: nil)
        let error = try await brokerError { _ = try await test.broker.challenge(request.serialized()) }
        #expect(error?.kind == .malformed && error?.code == "unknown_tee")
        #expect(!VerifierConfiguration().kinds.contains(.sev) && VerifierConfiguration.knownKinds.contains(.sev))

        let closed = try await TestBroker.make(
            policies: nil, verifiers: VerifierRegistry(verifiers: [verifier { $0.launchDigests = [] }]))
        let refusal = try await brokerError { _ = try await closed.broker.challenge(request.serialized()) }
        #expect(refusal?.kind == .unauthenticated && refusal?.code == "launch_not_allowed")
        // Only these clients have a version 0.0.0.
        let sample = try await brokerError {
            _ = try await closed.broker.challenge(SampleGuest.authBody(version: "0.0.0"))
        }
        #expect(sample?.code == "version_mismatch")
    }

    @Test("another replica finds the launch in the session, too")
    func replicas() async throws {
        let site = try await site()
        let session = try await begin(site)
        let attestation = try await site.test.broker.attest(body: body(session.parameters), cookie: session.cookie)
        let replica = try await site.replica()
        let answer = try await replica.release("default/disk/1", cookie: attestation.cookie.value)
        #expect(try guest.secrets(in: JSONValue(parsing: answer), session.parameters).count == 1)
    }
}
