import BrokerTestSupport
import Encodings
import Foundation
import Storage
import Testing

@testable import Broker

/// What becomes of releases when a broker of another version stores policies that this one cannot read.
@Suite("Policies that do not compile here")
struct ForeignPolicyTests {
    private static let broken = NewPolicy(
        key: PolicyKey(kind: "ReleasePolicy", namespace: "a", name: "x"), text: "nonsense: [", digest: "00")

    private func brokenTest() async throws -> (test: TestBroker, guest: SampleGuest, session: Attestation) {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll))
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        let session = try await test.attest(guest)
        #expect(try await test.get("a/b/c", session, guest) == "secret")
        _ = try await PolicyRepository(test.store.database, keys: test.store.keys).put(
            Self.broken, origin: "elsewhere", by: "somebody")
        return (test, guest, session)
    }

    @Test("A29: while stored policies do not compile nothing is released, and the ledger, the log and a gauge say so")
    func nothingIsReleased() async throws {
        let (test, guest, session) = try await brokenTest()
        for error in [
            try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) },
            try await brokerError { _ = try await test.release("a/b/c", bearer: session.token) },
            try await brokerError { _ = try await test.attest(guest) },
        ] {
            #expect(error?.kind == .unavailable)
            #expect(error?.code == "policies_unavailable")
        }
        let denied = try await test.broker.decisions(limit: 10, path: "a/b/c", allowed: false, before: nil)
        let codes = denied["decisions"]?.arrayValue?.map { $0["code"] }
        #expect(codes == ["policies_unavailable", "policies_unavailable"])
        #expect(test.logs.text.contains("stored policies do not compile"))
        #expect(test.metrics.prometheusText().contains("claviger_policy_bundle_stale 1"))
        #expect(await !test.broker.readiness().policies)
    }

    @Test("a replica that starts over policies that do not compile releases nothing")
    func freshReplica() async throws {
        let (test, _, session) = try await brokenTest()
        let replica = try await test.replica()
        let error = try await brokerError { _ = try await replica.release("a/b/c", cookie: session.cookie.value) }
        #expect(error?.code == "policies_unavailable")
    }

    @Test("an administrator sees policies that do not compile, and mends them by replacing or removing them")
    func mending() async throws {
        let (test, guest, session) = try await brokenTest()
        #expect(try await test.broker.policyList()["policies"]?.arrayValue?.count == 3)
        let good = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReleasePolicy
            metadata: {name: x, namespace: a}
            spec: {match: {resources: ["a/**"]}}
            """
        _ = try await test.broker.applyPolicies(good, dryRun: false, by: "test")
        #expect(try await test.get("a/b/c", session, guest) == "secret")
        #expect(test.metrics.prometheusText().contains("claviger_policy_bundle_stale 0"))

        _ = try await PolicyRepository(test.store.database, keys: test.store.keys).put(
            Self.broken, origin: "elsewhere", by: "somebody")
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
        #expect(error?.code == "policies_unavailable")
        try await test.broker.deletePolicy(PolicyName(kind: "ReleasePolicy", namespace: "a", name: "x"), by: "test")
        #expect(try await test.get("a/b/c", session, guest) == "secret")
    }

    @Test("a stream of several documents is one generation")
    func oneGeneration() async throws {
        let test = try await TestBroker.make(policies: nil)
        let repository = PolicyRepository(test.store.database, keys: test.store.keys)
        let stream = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.deviceAppraisal, TestPolicies.allowAll)
        _ = try await test.broker.applyPolicies(stream, dryRun: false, by: "test")
        #expect(try await repository.generation() == 1)
        #expect(Set(try await repository.list().map(\.generation)) == [1])
        _ = try await test.broker.applyPolicies(stream, dryRun: false, by: "test")
        #expect(try await repository.generation() == 1)
    }

    @Test("of two changes at the same time that do not compile together, one is refused")
    func clashingChanges() async throws {
        let first = try await TestBroker.make(policies: nil)
        let second = try await first.replica()
        for round in 0..<8 {
            let document = """
                apiVersion: claviger.dev/v1alpha1
                kind: ReferenceValues
                metadata: {name: values-\(round)}
                spec: {values: [{name: svn-\(round), value: ["1"]}]}
                """
            async let applied = brokerError {
                _ = try await first.broker.applyPolicies(document, dryRun: false, by: "one")
            }
            async let registered = brokerError {
                try await second.broker.putReferenceValue("svn-\(round)", value: ["2"], expires: nil, by: "two")
            }
            let refusals = try await [applied, registered].compactMap { $0 }
            #expect(refusals.count == 1)
            #expect(refusals.first?.kind == .malformed)
            #expect(await first.broker.readiness().isReady)
        }
    }
}
