import BrokerTestSupport
import Encodings
import Testing

@testable import Broker

@Suite("Default policies")
struct DefaultPoliciesTests {
    private static let names = ["default-cpu", "default-gpu", "default-ppcie", "default-switch"]

    private func names(_ test: TestBroker) async throws -> [String] {
        try await test.broker.policyList()["policies"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
    }

    @Test("A30 and KBS 12.9.57: a fresh broker attests guests and releases nothing")
    func fresh() async throws {
        let test = try await TestBroker.make(policies: nil) { $0.policies.installDefaults = true }
        #expect(try await names(test) == Self.names)
        let guest = try SampleGuest()
        try await test.put("a/b/c", "secret")
        let attested = try await test.attest(guest)
        let denied = try await brokerError { _ = try await test.release("a/b/c", cookie: attested.cookie.value) }
        #expect(denied?.kind == .denied)
        #expect(denied?.code == "no_policies")
        _ = try await test.broker.applyPolicies(TestPolicies.allowAll, dryRun: false, by: "test")
        #expect(try await test.get("a/b/c", attested, guest) == "secret")
    }

    @Test("without the default policies no attestation succeeds until one is applied")
    func switchedOff() async throws {
        let test = try await TestBroker.make(policies: nil)
        #expect(try await names(test).isEmpty)
        let error = try await brokerError { _ = try await test.attest(SampleGuest()) }
        #expect(error?.code == "no_appraisal_policy")
    }

    @Test("the default policies are installed once: what was changed or removed stays so at the next start")
    func once() async throws {
        let test = try await TestBroker.make(policies: nil) { $0.policies.installDefaults = true }
        for name in Self.names {
            try await test.broker.deletePolicy(
                PolicyName(kind: "AppraisalPolicy", namespace: nil, name: name), by: "test")
        }
        let again = try await test.replica { $0.policies.installDefaults = true }
        #expect(try await names(again).isEmpty)
    }

    @Test("a database with policies gets none beside them")
    func existing() async throws {
        let test = try await TestBroker.make(policies: TestPolicies.allowAll)
        let again = try await test.replica { $0.policies.installDefaults = true }
        #expect(try await names(again) == ["allow-attested"])
    }

    @Test("two brokers that start on one fresh database install one set")
    func race() async throws {
        let test = try await TestBroker.make(policies: nil)
        async let first = test.replica { $0.policies.installDefaults = true }
        async let second = test.replica { $0.policies.installDefaults = true }
        let brokers = try await [first, second]
        for broker in brokers { #expect(try await names(broker) == Self.names) }
        #expect(try await test.broker.policyList()["generation"] == 1)
    }

    @Test("KBS 12.6.32: an uploaded attestation policy takes the place of the one that was installed")
    func replaced() async throws {
        let test = try await TestBroker.make(policies: nil) { $0.policies.installDefaults = true }
        try await test.broker.setAttestationPolicy(TestPolicies.appraisal, identifier: "default_cpu", by: "test")
        let stored = try await test.broker.policy(
            PolicyName(kind: "AppraisalPolicy", namespace: nil, name: "default-cpu"))
        #expect(stored["origin"] == "attestation-policy/default-cpu")
        #expect(try await names(test) == Self.names)
    }
}
