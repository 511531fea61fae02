import BrokerTestSupport
import Encodings
import Foundation
import KBSProtocol
import Storage
import Testing

@testable import Broker

@Suite("Administration")
struct AdministrationTests {
    private static let affirming = TestPolicies.affirmingOnly

    @Test("a dry run says what would change and changes nothing")
    func dryRun() async throws {
        let test = try await TestBroker.make()
        let planned = try await test.broker.applyPolicies(Self.affirming, dryRun: true, by: "test")
        #expect(planned["policies"]?.arrayValue?.first?["change"] == "created")
        #expect(try await test.broker.policyList()["policies"]?.arrayValue?.count == 1)
        _ = try await test.broker.applyPolicies(Self.affirming, dryRun: false, by: "test")
        let again = try await test.broker.applyPolicies(Self.affirming, dryRun: true, by: "test")
        #expect(again["policies"]?.arrayValue?.first?["change"] == "unchanged")
    }

    @Test("a stream with one bad document stores none of its documents")
    func allOrNothing() async throws {
        let test = try await TestBroker.make(policies: nil)
        let bad = TestPolicies.stream(
            TestPolicies.allowAll, TestPolicies.appraisal.replacing("defaults:", with: "defautls:"))
        let error = try await brokerError { _ = try await test.broker.applyPolicies(bad, dryRun: false, by: "test") }
        #expect(error?.kind == .malformed)
        #expect(error?.variant == "ParsePolicyError")
        #expect(try await test.broker.policyList()["policies"]?.arrayValue?.isEmpty == true)
    }

    @Test("a policy's history names every change and its author")
    func history() async throws {
        let test = try await TestBroker.make(policies: nil)
        let name = PolicyName(kind: "ClusterReleasePolicy", namespace: nil, name: "allow-attested")
        _ = try await test.broker.applyPolicies(TestPolicies.allowAll, dryRun: false, by: "alice")
        _ = try await test.broker.applyPolicies(TestPolicies.denyAll, dryRun: false, by: "bob")
        try await test.broker.deletePolicy(name, by: "carol")
        let changes = try #require(try await test.broker.policyHistory(name)["history"]?.arrayValue)
        #expect(changes.map { $0["changedBy"]?.stringValue } == ["carol", "bob", "alice"])
        #expect(changes.map { $0["change"]?.stringValue } == ["delete", "put", "put"])
        #expect(changes[2]["text"]?.stringValue?.contains("allow-attested") == true)
        let error = try await brokerError { _ = try await test.broker.policy(name) }
        #expect(error?.kind == .notFound)
    }

    @Test("the resource-policy endpoint replaces what it stored before, and nothing else")
    func resourcePolicyReplaces() async throws {
        let test = try await TestBroker.make()
        #expect(try await test.broker.resourcePolicyIDs().isEmpty)
        try await test.broker.setResourcePolicy(TestPolicies.allowAll, by: "test")
        #expect(try await test.broker.resourcePolicyIDs() == ["resource-policy"])
        try await test.broker.setResourcePolicy(Self.affirming, by: "test")
        let policies = try #require(try await test.broker.policyList()["policies"]?.arrayValue)
        #expect(Set(policies.compactMap { $0["name"]?.stringValue }) == ["default-cpu", "affirming-only"])
        let error = try await brokerError {
            try await test.broker.setResourcePolicy(TestPolicies.appraisal, by: "test")
        }
        #expect(error?.code == "wrong_kind")
    }

    @Test("a Rego body gets a refusal that names the command that helps")
    func rego() async throws {
        let test = try await TestBroker.make()
        let rego = "package policy\n\ndefault allow = false\n\nallow if {\n    data.plugin == \"resource\"\n}\n"
        let error = try await brokerError { try await test.broker.setResourcePolicy(rego, by: "test") }
        #expect(error?.kind == .malformed)
        #expect(error?.code == "rego")
        #expect(error?.message.contains("claviger policy") == true)
    }

    @Test("an appraisal policy is uploaded under its id, for any id and only under its own name")
    func attestationPolicy() async throws {
        let test = try await TestBroker.make(policies: nil)
        try await test.broker.setAttestationPolicy(TestPolicies.appraisal, identifier: "default_cpu", by: "test")
        _ = try await test.attest(SampleGuest())
        let error = try await brokerError {
            try await test.broker.setAttestationPolicy(TestPolicies.appraisal, identifier: "default_gpu", by: "test")
        }
        #expect(error?.kind == .malformed)
    }

    @Test("KBS 12.6.36: an appraisal policy without any rule is accepted for an arbitrary id")
    func attestationPolicyWithoutRules() async throws {
        let test = try await TestBroker.make(policies: nil)
        let text = """
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata: {name: some-other-id}
            spec: {class: cpu}
            """
        try await test.broker.setAttestationPolicy(text, identifier: "some_other_id", by: "test")
        #expect(try await test.broker.policyList()["policies"]?.arrayValue?.count == 1)
    }

    @Test("the reference values of an RVPS message count for twelve months and not a moment longer")
    func referenceValuesExpire() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.affirmingOnly))
        let message = try #require(try Vector.json("rvps-message-vectors.json")["message"])
        try await test.broker.registerReferenceValues(message: message.serialized(), by: "test")
        #expect(try await test.broker.referenceValue("svn") == ["1"])
        #expect(try await test.broker.referenceValue("major_version") == 1)
        try await test.affirmSample()
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "secret")

        test.clock.advance(by: 366 * 86_400)
        let error = try await brokerError { _ = try await test.broker.referenceValue("svn") }
        #expect(error?.kind == .notFound)
        #expect(error?.message.contains("No reference value found for the given id: svn") == true)
        let denied = try await brokerError {
            _ = try await test.release("a/b/c", cookie: test.attest(guest).cookie.value)
        }
        #expect(denied?.kind == .denied)
        let list = try #require(try await test.broker.referenceValueList()["referenceValues"]?.arrayValue)
        #expect(list.allSatisfy { $0["expired"] == true })
    }

    @Test(
        "messages that are no RVPS sample message are refused and store nothing",
        arguments: [
            #"{}"#, #"{"version":"0.2.0","type":"sample","payload":"e30="}"#, #"{"type":"swid","payload":"e30="}"#,
            #"{"type":"sample","payload":"!"}"#, #"{"type":"sample","payload":"e30="}"#,
            #"{"type":"sample","payload":"W10="}"#,
            #"[]"#, #"{"type":"sample","payload":7}"#,
        ])
    func malformedReferenceValues(_ message: String) async throws {
        let test = try await TestBroker.make(policies: nil)
        let error = try await brokerError {
            try await test.broker.registerReferenceValues(message: Array(message.utf8), by: "test")
        }
        #expect(error?.kind == .malformed)
        #expect(error?.variant == "RvpsError")
        #expect(try await test.broker.referenceValues().isEmpty)
    }

    @Test("a registered value that a policy document gives too is refused")
    func conflictingReferenceValue() async throws {
        let document = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: sample}
            spec:
              values:
                - {name: svn, values: ["1"]}
            """
        let test = try await TestBroker.make(policies: document)
        let error = try await brokerError {
            try await test.broker.putReferenceValue("svn", value: ["2"], expires: nil, by: "test")
        }
        #expect(error?.kind == .malformed)
        try await test.broker.putReferenceValue("other", value: ["2"], expires: nil, by: "test")
        let clash = try await brokerError {
            _ = try await test.broker.applyPolicies(
                document.replacing("name: svn", with: "name: other"), dryRun: false, by: "test")
        }
        #expect(clash?.kind == .malformed)
    }

    @Test("resources are listed by prefix, with versions, and without values")
    func resourceList() async throws {
        let test = try await TestBroker.make()
        for path in ["a/b/1", "a/b/2", "z/b/1"] { try await test.put(path, "secret-value") }
        let list = try await test.broker.resourceList(prefix: "a/")
        #expect(list["resources"]?.arrayValue?.compactMap { $0["path"]?.stringValue } == ["a/b/1", "a/b/2"])
        #expect(!list.serializedString().contains("secret-value"))
        let missing = try await brokerError {
            try await test.broker.deleteResource(try ResourcePath("no/such/one"), by: "x")
        }
        #expect(missing?.kind == .notFound)
    }

    @Test("a broker in service follows changes without being asked")
    func follows() async throws {
        let test = try await TestBroker.make(policies: nil)
        let replica = try await test.replica()
        let service = Task { try await replica.broker.run() }
        defer { service.cancel() }
        _ = try await test.broker.applyPolicies(TestPolicies.allowAll, dryRun: false, by: "test")
        let deadline = ContinuousClock.now + .seconds(240)
        while replica.broker.policies.latest.bundle.documents.isEmpty, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(replica.broker.policies.latest.bundle.documents.count == 1)
    }
}
