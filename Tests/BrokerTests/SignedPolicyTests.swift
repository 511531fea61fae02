import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import Storage
import Testing

@testable import Broker

/// Policies where signatures are required.
@Suite("Signed policies")
struct SignedPolicyTests {
    /// A broker whose policies are signed: version 2 of a bundle that releases everything.
    private func signed() async throws -> (test: TestBroker, signer: PolicySigner) {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: nil, configure: PolicySigner.require(signer))
        _ = try await test.apply(try signer.bundle(TestPolicies.appraisal, TestPolicies.allowAll, serial: 2))
        try await test.put("a/b/c", "secret")
        return (test, signer)
    }

    @Test("a signed bundle decides, and the status says its serial, digest and signer")
    func applied() async throws {
        let (test, signer) = try await signed()
        let guest = try SampleGuest()
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "secret")
        let status = try await test.broker.policyStatus()
        #expect(status["signaturesRequired"] == true && status["problem"] == .null)
        #expect(status["generation"] == 1 && status["inForce"] == 1)
        #expect(status["bundleDigest"]?.stringValue == test.broker.policies.latest.bundle.digest)
        let bundle = try #require(status["bundles"]?.arrayValue?.first)
        #expect(bundle["name"] == "production" && bundle["serial"] == 2 && bundle["documents"] == 2)
        let thumbprint = signer.key.verificationKey.thumbprint
        #expect(bundle["signers"]?.arrayValue?.map { $0["thumbprint"]?.stringValue } == [thumbprint])
        let replicas = try #require(status["replicas"]?.arrayValue)
        #expect(replicas.map { $0["bundleDigest"] } == [status["bundleDigest"]])
        #expect(await test.broker.readiness().json()["policyDigest"] == status["bundleDigest"])
        #expect(test.metrics.prometheusText().contains("claviger_policy_bundle_serial{bundle=\"production\"} 2"))
    }

    @Test("A35: an unsigned, re-signed, altered or older bundle is refused with its own reason, and the old one stays")
    func refusals() async throws {
        let (test, signer) = try await signed()
        let before = test.broker.policies.latest.bundle.digest
        let next = try signer.bundle(TestPolicies.appraisal, serial: 3)
        let unsigned = next.replacing(/"signatures": \[[^\]]*\]/, with: "\"signatures\": []")
        let resigned = try PolicySigner().bundle(TestPolicies.appraisal, serial: 3)
        let cases: [(String, BrokerError.Kind, String)] = [
            (unsigned, .denied, "bundle_unsigned"), (resigned, .denied, "unknown_signer"),
            (next.replacing("\"serial\": 3", with: "\"serial\": 4"), .denied, "invalid_signature"),
            (next.replacing("default-cpu", with: "default-gpu"), .denied, "invalid_signature"),
            (try signer.bundle(TestPolicies.appraisal, serial: 1), .conflict, "stale_serial"),
            (try signer.bundle(TestPolicies.appraisal, serial: 2), .conflict, "stale_serial"),
            ("{\"kind\": \"SignedPolicyBundle\"}", .malformed, "bundle_malformed"),
        ]
        for (bundle, kind, code) in cases {
            let error = try await brokerError { _ = try await test.apply(bundle) }
            #expect(error?.kind == kind && error?.code == code)
            #expect(error?.message.contains(code) == true)
        }
        let guest = try SampleGuest()
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "secret")
        #expect(test.broker.policies.latest.bundle.digest == before)
        #expect(try await test.broker.policyStatus()["generation"] == 1)
    }

    @Test("A47 and A60: where signatures are required nothing else changes policies or reference values")
    func onlySigned() async throws {
        let (test, signer) = try await signed()
        let name = PolicyName(kind: "ClusterReleasePolicy", namespace: nil, name: "allow-attested")
        let attempts: [() async throws -> Void] = [
            { _ = try await test.apply(TestPolicies.denyAll) },
            { _ = try await test.broker.applyPolicies(TestPolicies.denyAll, dryRun: true, by: "test") },
            { try await test.broker.setResourcePolicy(TestPolicies.allowAll, by: "test") },
            { try await test.broker.setAttestationPolicy(TestPolicies.appraisal, identifier: "default_cpu", by: "x") },
            { try await test.affirmSample() },
            { try await test.broker.putReferenceValue("svn", value: ["1"], expires: nil, by: "test") },
            { try await test.broker.deleteReferenceValue("svn", by: "test") },
            { try await test.broker.deletePolicy(name, by: "test") },
        ]
        for attempt in attempts {
            let error = try await brokerError(attempt)
            #expect(error?.kind == .denied && error?.code == "signature_required")
        }
        #expect(try await test.broker.policyStatus()["generation"] == 1)
        let values = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: sample}
            spec:
              values:
                - {name: launch_digest, values: ["abcde"]}
                - {name: svn, values: ["1"]}
                - {name: major_version, value: 1}
                - {name: minimum_minor_version, value: 1}
            """
        _ = try await test.apply(
            signer.bundle(TestPolicies.appraisal, TestPolicies.affirmingOnly, values, serial: 3))
        let guest = try SampleGuest()
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "secret")
    }

    @Test("a bundle is the whole of its name: what a newer one lacks is gone, and other bundles stay")
    func whole() async throws {
        let (test, signer) = try await signed()
        _ = try await test.apply(signer.bundle(TestPolicies.affirmingOnly, serial: 1, name: "other"))
        let answer = try await test.apply(signer.bundle(TestPolicies.appraisal, serial: 3))
        let changes = try #require(answer["policies"]?.arrayValue).compactMap { $0["change"]?.stringValue }
        #expect(changes == ["unchanged", "deleted"])
        let names = test.broker.policies.latest.bundle.documents.map(\.name)
        #expect(names == ["default-cpu", "affirming-only"])
        let clash = try await brokerError {
            _ = try await test.apply(signer.bundle(TestPolicies.appraisal, serial: 2, name: "other"))
        }
        #expect(clash?.kind == .malformed || clash?.kind == .conflict)
        #expect(await test.broker.readiness().isReady)
    }

    @Test("the very same bundle may come again and makes no new generation; a dry run makes none either")
    func idempotent() async throws {
        let (test, signer) = try await signed()
        let same = try await test.apply(signer.bundle(TestPolicies.appraisal, TestPolicies.allowAll, serial: 2))
        #expect(same["bundle"]?["change"] == "unchanged")
        let next = try signer.bundle(TestPolicies.appraisal, serial: 3)
        let planned = try await test.broker.applyPolicies(next, dryRun: true, by: "test")
        #expect(planned["bundle"]?["change"] == "changed" && planned["dryRun"] == true)
        #expect(try await test.broker.policyStatus()["generation"] == 1)
    }

    @Test("two people must sign where two signatures are asked for")
    func threshold() async throws {
        let (first, second) = (try PolicySigner(), try PolicySigner(.edDSA))
        let test = try await TestBroker.make(
            policies: nil, configure: PolicySigner.require(first, second, threshold: 2))
        let bundle = try first.bundle(TestPolicies.appraisal, serial: 1)
        let error = try await brokerError { _ = try await test.apply(bundle) }
        #expect(error?.code == "too_few_signers")
        _ = try await test.apply(second.cosign(bundle))
        let bundles = try await test.broker.policyStatus()["bundles"]
        #expect(bundles?.arrayValue?.first?["signers"]?.arrayValue?.count == 2)
    }

    @Test("when signatures become required, unsigned policies stop to count, and the first bundle takes their place")
    func switchedOn() async throws {
        let before = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll))
        try await before.affirmSample()
        try await before.put("a/b/c", "secret")
        let guest = try SampleGuest()
        let session = try await before.attest(guest)
        let signer = try PolicySigner()
        let test = try await before.replica(configure: PolicySigner.require(signer))
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
        #expect(error?.code == "policies_unavailable")
        #expect(test.logs.text.contains("policies_unsigned"))
        #expect(await !test.broker.readiness().isReady)
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, TestPolicies.allowAll, serial: 1))
        #expect(try await test.get("a/b/c", session, guest) == "secret")
        #expect(try await test.broker.referenceValues().isEmpty)
        #expect(await test.broker.readiness().isReady)
    }

    @Test("a broker that does not trust the signer of what is stored decides nothing until somebody it trusts signs")
    func anotherSigner() async throws {
        let (before, _) = try await signed()
        let signer = try PolicySigner(.edDSA)
        let test = try await before.replica(configure: PolicySigner.require(signer))
        let error = try await brokerError { _ = try await test.attest(SampleGuest()) }
        #expect(error?.code == "policies_unavailable")
        #expect(test.logs.text.contains("unknown_signer"))
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, TestPolicies.allowAll, serial: 3))
        let guest = try SampleGuest()
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "secret")
    }

    @Test(
        "without trusted keys no bundle is taken; where signatures are optional bundles and documents stand side by side"
    )
    func optional() async throws {
        let signer = try PolicySigner()
        let bundle = try signer.bundle(TestPolicies.allowAll, serial: 1)
        let none = try await TestBroker.make(policies: nil)
        let error = try await brokerError { _ = try await none.apply(bundle) }
        #expect(error?.code == "unknown_signer")
        let test = try await TestBroker.make { $0.policies.signatures.keyFiles = [signer.file.path] }
        _ = try await test.apply(TestPolicies.denyAll)
        _ = try await test.apply(bundle)
        #expect(test.broker.policies.latest.bundle.documents.map(\.name) == ["default-cpu", "allow-attested"])
        let origins = try await test.broker.policyList()["policies"]?.arrayValue?.compactMap {
            $0["origin"]?.stringValue
        }
        #expect(origins == ["admin", "bundle/production"])
        let unreadable = await #expect(throws: ConfigurationError.self) {
            try await TestBroker.make(policies: nil) { $0.policies.signatures.keyFiles = ["/nowhere"] }
        }
        #expect(unreadable?.code == "unreadable_file")
    }
}

extension TestBroker {
    /// Applies documents or a signed bundle.
    func apply(_ text: String) async throws -> JSONValue {
        try await broker.applyPolicies(text, dryRun: false, by: "test")
    }
}
