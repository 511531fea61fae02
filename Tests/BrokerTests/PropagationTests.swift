import BrokerTestSupport
import Encodings
import Foundation
import Storage
import Testing

@testable import Broker

@Suite("Propagation of policies")
struct PropagationTests {
    private static let open = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)

    /// Waits, for a while, until something holds.
    private func eventually(_ holds: () async throws -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(240)
        while ContinuousClock.now < deadline {
            if try await holds() { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    @Test("A34: with the listener's connection cut a broker still decides right, and it follows again afterwards")
    func lostNotification() async throws {
        let first = try await TestBroker.make(policies: Self.open)
        try await first.put("a/b/c", "secret")
        let second = try await first.replica()
        let service = Task { try await second.broker.run() }
        defer { service.cancel() }
        let session = try await second.attest(SampleGuest())
        let cut = """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND query ILIKE 'listen%'
            """
        for round in 0..<6 {
            var victims = 0
            // The listener comes back by itself; it must be there to be cut.
            _ = try await eventually {
                victims = try await first.store.database.query(cut).count
                return victims > 0
            }
            #expect(victims > 0)
            let denies = round.isMultiple(of: 2)
            let applied = try await first.apply(denies ? TestPolicies.denyAll : TestPolicies.allowAll)
            let error = try await brokerError { _ = try await second.release("a/b/c", cookie: session.cookie.value) }
            #expect((error != nil) == denies)
            #expect(second.broker.policies.latest.bundle.digest == applied["bundleDigest"]?.stringValue)
        }
        let applied = try await first.apply(TestPolicies.affirmingOnly)
        #expect(
            try await eventually {
                second.broker.policies.latest.bundle.digest == applied["bundleDigest"]?.stringValue
            })
    }

    @Test("A34: a broken row never takes the place of a good bundle, on no broker")
    func brokenRow() async throws {
        let first = try await TestBroker.make(policies: Self.open)
        try await first.put("a/b/c", "secret")
        let second = try await first.replica()
        let service = Task { try await second.broker.run() }
        defer { service.cancel() }
        let guest = try SampleGuest()
        let session = try await second.attest(guest)
        let good = second.broker.policies.latest.bundle.digest
        // With a valid seal, as a broker of another version would write it.
        let broken = NewPolicy(
            key: PolicyKey(kind: "ReleasePolicy", namespace: "a", name: "x"), text: "kind: Future", digest: "00")
        let repository = PolicyRepository(first.store.database, keys: first.store.keys)
        _ = try await repository.put(broken, origin: "elsewhere", by: "somebody")
        #expect(try await eventually { second.broker.policies.problem != nil })
        for test in [first, second] {
            let error = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
            #expect(error?.code == "policies_unavailable")
            #expect(test.broker.policies.latest.bundle.digest == good)
        }
        _ = try await repository.delete(broken.key, by: "somebody")
        #expect(try await second.get("a/b/c", session, guest) == "secret")
        #expect(second.broker.policies.latest.bundle.digest == good)
    }

    @Test("A58: a replica that cannot use the newest policies does not decide, rather than decide otherwise")
    func differentReplicas() async throws {
        let signer = try PolicySigner()
        let plain = try await TestBroker.make(policies: nil) { $0.policies.signatures.keyFiles = [signer.file.path] }
        let strict = try await plain.replica(configure: PolicySigner.require(signer))
        try await plain.put("a/b/c", "secret")
        let bundle = try signer.bundle(TestPolicies.appraisal, TestPolicies.allowAll, serial: 1)
        let applied = try await plain.apply(bundle)
        let guest = try SampleGuest()
        let session = try await plain.attest(guest)
        for test in [plain, strict] {
            #expect(try await test.get("a/b/c", session, guest) == "secret")
            #expect(test.broker.policies.latest.bundle.digest == applied["bundleDigest"]?.stringValue)
        }
        _ = try await plain.apply(TestPolicies.affirmingOnly)
        #expect(try await plain.get("a/b/c", session, guest) == "secret")
        let error = try await brokerError { _ = try await strict.release("a/b/c", cookie: session.cookie.value) }
        #expect(error?.code == "policies_unavailable")
    }

    @Test("every running broker is listed with what it decides by, until it ends")
    func replicas() async throws {
        let first = try await TestBroker.make(policies: Self.open)
        let second = try await first.replica()
        let service = Task { try await second.broker.run() }
        func others() async throws -> [JSONValue] {
            let status = try await first.broker.policyStatus()
            return (status["replicas"]?.arrayValue ?? []).filter { $0["id"] != status["replica"] }
        }
        #expect(try await eventually { try await others().count == 1 })
        let applied = try await first.apply(TestPolicies.denyAll)
        #expect(try await eventually { try await others().first?["bundleDigest"] == applied["bundleDigest"] })
        service.cancel()
        _ = await service.result
        #expect(try await others().isEmpty)
    }
}
