import BrokerTestSupport
import Encodings
import Foundation
import Storage
import Testing

@testable import Broker

/// Applying the same signed bundle again, and which bundles a broker takes.
@Suite("Signed policies: applied again, and by name")
struct BundleRepairTests {
    private static let unsigned = """
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata: {name: left-over}
        spec:
          match: {resources: ["a/**"]}
        """

    /// A broker that takes signed bundles and plain documents, with a bundle that denies everything.
    private func optional() async throws -> (test: TestBroker, signer: PolicySigner, bundle: String) {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: nil) { $0.policies.signatures.keyFiles = [signer.file.path] }
        let bundle = try signer.bundle(TestPolicies.appraisal, TestPolicies.denyAll, serial: 2)
        _ = try await test.apply(bundle)
        try await test.put("a/b/c", "secret")
        return (test, signer, bundle)
    }

    private static func origins(_ test: TestBroker) async throws -> [String] {
        try await test.broker.policyList()["policies"]?.arrayValue?.compactMap { $0["origin"]?.stringValue } ?? []
    }

    @Test("the very same bundle restores documents that were overwritten or deleted outside of it, once")
    func restored() async throws {
        let (test, _, bundle) = try await optional()
        let name = PolicyName(kind: "ClusterReleasePolicy", namespace: nil, name: "allow-attested")
        let damages: [() async throws -> Void] = [
            { _ = try await test.apply(TestPolicies.allowAll) },
            { try await test.broker.deletePolicy(name, by: "test") },
            // The same content, but of nobody's bundle: the next bundle would not remove it.
            {
                try await test.broker.deletePolicy(name, by: "test")
                _ = try await test.apply(TestPolicies.denyAll)
            },
        ]
        for damage in damages {
            try await damage()
            let planned = try await test.broker.applyPolicies(bundle, dryRun: true, by: "test")
            #expect(planned["bundle"]?["change"] == "restored")
            #expect(try await test.apply(bundle)["bundle"]?["change"] == "restored")
            #expect(try await Self.origins(test) == ["bundle/production", "bundle/production"])
            let session = try await test.attest(SampleGuest())
            let error = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
            #expect(error?.kind == .denied)
            let generation = try await test.broker.policyStatus()["generation"]
            #expect(try await test.apply(bundle)["bundle"]?["change"] == "unchanged")
            #expect(try await test.broker.policyStatus()["generation"] == generation)
        }
    }

    @Test("when signatures become required beside a bundle, the very same bundle clears what is in its way")
    func switchedOn() async throws {
        let (before, signer, bundle) = try await optional()
        _ = try await before.apply(Self.unsigned)
        try await before.affirmSample()
        let test = try await before.replica(configure: PolicySigner.require(signer))
        #expect(try await test.broker.policyStatus()["problem"]?["code"] == "policies_unsigned")
        let answer = try await test.apply(bundle)
        #expect(answer["bundle"]?["change"] == "restored")
        let deleted = answer["policies"]?.arrayValue?.filter { $0["change"] == "deleted" }
        #expect(deleted?.map { $0["policy"] } == ["ClusterReleasePolicy/-/left-over"])
        #expect(try await test.broker.policyStatus()["problem"] == .null)
        #expect(await test.broker.readiness().isReady)
        #expect(try await test.broker.referenceValues().isEmpty)
        #expect(try await test.apply(bundle)["bundle"]?["change"] == "unchanged")
    }

    @Test("when more signatures become required, the very same bundle with them takes the place of the one without")
    func cosigned() async throws {
        let (before, first, bundle) = try await optional()
        let second = try PolicySigner(.edDSA)
        let test = try await before.replica(configure: PolicySigner.require(first, second, threshold: 2))
        #expect(try await test.broker.policyStatus()["problem"]?["code"] == "policies_unsigned")
        #expect(try await test.apply(second.cosign(bundle))["bundle"]?["change"] == "restored")
        #expect(await test.broker.readiness().isReady)
    }

    @Test("A47: a bundle of a trusted signer that is meant for other brokers is refused by its name")
    func foreignName() async throws {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: nil) { configuration in
            PolicySigner.require(signer)(&configuration)
            configuration.policies.signatures.bundles = ["production"]
        }
        let staging = try signer.bundle(TestPolicies.allowAll, serial: 1, name: "staging")
        let error = try await brokerError { _ = try await test.apply(staging) }
        #expect(error?.kind == .denied && error?.code == "bundle_not_allowed")
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, TestPolicies.denyAll, serial: 1))
        #expect(await test.broker.readiness().isReady)
    }

    @Test("a stored bundle whose name is taken no more stops the broker until the next bundle clears it away")
    func nameWithdrawn() async throws {
        let (before, signer, bundle) = try await optional()
        _ = try await before.apply(signer.bundle(TestPolicies.affirmingOnly, serial: 7, name: "staging"))
        let test = try await before.replica { configuration in
            PolicySigner.require(signer)(&configuration)
            configuration.policies.signatures.bundles = ["production"]
        }
        let problem = try await test.broker.policyStatus()["problem"]
        #expect(problem?["code"] == "policies_unsigned")
        #expect(problem?["details"]?.stringValue?.contains("bundle_not_allowed") == true)
        let answer = try await test.apply(bundle)
        #expect(answer["bundle"]?["change"] == "restored")
        #expect(try await Self.origins(test) == ["bundle/production", "bundle/production"])
        #expect(try await test.broker.policyStatus()["bundles"]?.arrayValue?.count == 1)
        #expect(await test.broker.readiness().isReady)
        // A35: when the name returns, what was dropped is still known.
        let again = try await test.replica(configure: PolicySigner.require(signer))
        let older = try await brokerError {
            _ = try await again.apply(signer.bundle(TestPolicies.affirmingOnly, serial: 6, name: "staging"))
        }
        #expect(older?.code == "stale_serial")
        _ = try await again.apply(signer.bundle(TestPolicies.affirmingOnly, serial: 8, name: "staging"))
        #expect(try await again.broker.policyStatus()["bundles"]?.arrayValue?.count == 2)
    }
}
