import BrokerTestSupport
import Encodings
import Kubernetes
import Testing

@testable import Controller

/// Defects of Trustee's operator (0.21) that concern a controller, and of which no other suite shows that they are not here.
@Suite("Defects of the operator", .timeLimit(.minutes(5)))
struct OperatorDefectTests {
    let cluster = MemoryCluster()

    private func start(_ fixture: BrokerFixture) throws -> TestController {
        try TestController(
            "one", cluster, BrokerLink(source: "cluster", client: fixture.controller), .system,
            change: { $0.debounce = .milliseconds(10) })
    }

    private func isProgrammed(_ namespace: String, _ name: String) -> Bool {
        cluster.object(.releasePolicies, namespace, name)?.isProgrammed == true
    }

    @Test("Operator defect 6: a guest that is right in all gets the resources that a policy names, and no other")
    func everySecret() async throws {
        try await BrokerFixture.run { fixture in
            let broker = try #require(fixture.brokers.first)
            for tag in ["one", "two"] { try await broker.put("team/keys/\(tag)", tag) }
            let controller = try start(fixture)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "one"))
            // Says which guests, and not which resources.
            cluster.put(.releasePolicies, "team", "everything", spec: ["require": ["tees": ["sample"]]])
            try await eventually(by: controller) {
                isProgrammed("team", "first")
                    && cluster.object(.releasePolicies, "team", "everything")?.condition("Accepted")?["status"]
                        == "False"
            }
            let guest = try SampleGuest()
            let session = try await broker.attest(guest)
            #expect(try await broker.get("team/keys/one", session, guest) == "one")
            let error = try await brokerError { _ = try await broker.get("team/keys/two", session, guest) }
            #expect(error?.kind == .denied)
            await controller.kill()
        }
    }

    @Test(
        "Operator defects 12 and 13: a policy decides live, open sessions go on, and a new broker has forgotten nothing"
    )
    func lostByRestart() async throws {
        try await BrokerFixture.run { fixture in
            let broker = try #require(fixture.brokers.first)
            try await broker.put("team/keys/one", "secret")
            let controller = try start(fixture)
            let guest = try SampleGuest()
            let session = try await broker.attest(guest)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "other"))
            try await eventually(by: controller) { isProgrammed("team", "first") }
            #expect(try await brokerError { _ = try await broker.get("team/keys/one", session, guest) } != nil)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "one"))
            try await eventually(by: controller) { isProgrammed("team", "first") }
            #expect(try await broker.get("team/keys/one", session, guest) == "secret")
            let anew = try await broker.replica()
            #expect(try await anew.get("team/keys/one", session, guest) == "secret")
            await controller.kill()
        }
    }

    @Test("Operator defect 9: objects of one name in two namespaces, or of two kinds, are different policies")
    func fixedNames() async throws {
        let time = TurnedTime()
        let broker = MemoryBroker()
        let controller = try TestController("one", cluster, broker, time.environment)
        cluster.put(.releasePolicies, "team", "same", spec: TestSpecs.release())
        cluster.put(.releasePolicies, "crew", "same", spec: TestSpecs.release("crew"))
        cluster.put(.clusterReleasePolicies, nil, "same", spec: ["effect": "Guardrail"])
        try await time.pass(until: { isProgrammed("team", "same") && isProgrammed("crew", "same") })
        let keys = ["ClusterReleasePolicy/-/same", "ReleasePolicy/crew/same", "ReleasePolicy/team/same"]
        #expect(broker.documents.keys.sorted() == keys)
        cluster.remove(.releasePolicies, "crew", "same")
        try await time.pass(until: { broker.documents.count == 2 })
        #expect(broker.documents["ReleasePolicy/team/same"] != nil && isProgrammed("team", "same"))
        await controller.kill()
    }

    @Test("Operator defect 11: objects that are looked at together are not mixed up, and what others wrote stays")
    func mixedUp() async throws {
        let time = TurnedTime()
        let broker = MemoryBroker()
        let controller = try TestController("one", cluster, broker, time.environment)
        let names = (0..<40).map { "key-\($0)" }
        for name in names {
            cluster.put(
                .brokeredSecrets, "team", name,
                spec: ["path": ["type": "x", "tag": .string(name)], "generate": ["kind": "aes256"]])
            _ = try await cluster.mergePatch(
                ["metadata": ["finalizers": [.string("example.org/\(name)")]]], to: .brokeredSecrets, namespace: "team",
                name: name, subresource: nil)
        }
        try await time.pass(
            until: { cluster.objects(.brokeredSecrets).allSatisfy { $0.holds("Ready") } }, step: .milliseconds(50))
        for name in names {
            let object = try #require(cluster.object(.brokeredSecrets, "team", name))
            #expect(object.status?["uri"] == .string("kbs:///team/x/\(name)"))
            #expect(Set(object.finalizers) == ["example.org/\(name)", SecretReconciler.finalizer])
            let request = try #require(broker.secret("team", name)?.request)
            #expect(request.uid == object.uid && request.spec["path"]?["tag"] == .string(name))
        }
        await controller.kill()
    }
}
