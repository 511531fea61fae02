import AdminClient
import BrokerTestSupport
import Encodings
import Foundation
import HTTPTransport
import Kubernetes
import Testing

@testable import Controller

@Suite("A cluster's controller and a broker on PostgreSQL", .timeLimit(.minutes(5)))
struct ControllerOnBrokerTests {
    let cluster = MemoryCluster()

    private func start(_ fixture: BrokerFixture) throws -> TestController {
        try TestController(
            "one", cluster, BrokerLink(source: "cluster", client: fixture.controller), .system,
            change: { $0.debounce = .milliseconds(10) })
    }

    private func policy(_ namespace: String, _ name: String) -> KubernetesObject? {
        cluster.object(.releasePolicies, namespace, name)
    }

    @Test(
        "A34, A58: what is Programmed decides on every replica, and the replicas agree on policies and decisions to the last bit"
    )
    func replicas() async throws {
        try await BrokerFixture.run(replicas: 2) { fixture in
            try await eventually { try await fixture.admin.policyStatus()["replicas"]?.arrayValue?.count == 2 }
            try await #require(fixture.brokers.first).put("team/keys/one", "secret")
            let guest = try SampleGuest()
            let session = try await #require(fixture.brokers.first).attest(guest)
            /// What each replica does with one and the same request.
            func decisions() async throws -> [String] {
                var decisions: [String] = []
                for test in fixture.brokers {
                    let error = try await brokerError {
                        decisions.append(try await test.get("team/keys/one", session, guest))
                    }
                    if let error { decisions.append(error.code) }
                }
                return decisions
            }
            /// Whether all give the same answer, and it is no.
            func isRefused() async throws -> Bool {
                let decisions = Set(try await decisions())
                return decisions.count == 1 && !decisions.contains("secret")
            }
            #expect(try await isRefused())
            let controller = try start(fixture)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
            try await eventually(by: controller, atMost: .seconds(120)) {
                policy("team", "first")?.isProgrammed == true
            }
            #expect(policy("team", "first")?.status?["programmed"] == ["replicas": 2, "ready": 2])
            #expect(try await decisions() == ["secret", "secret"])
            let digest = try await Self.agreedDigest(fixture)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "two"))
            try await eventually(by: controller, atMost: .seconds(120)) {
                policy("team", "first")?.isProgrammed == true
            }
            #expect(try await isRefused())
            #expect(try await Self.agreedDigest(fixture) != digest)
            await controller.kill()
        }
    }

    /// The one digest of all policies that every replica decides by, and of which every replica knows that every other does.
    private static func agreedDigest(_ fixture: BrokerFixture) async throws -> String {
        var seen: Set<String> = []
        for test in fixture.brokers {
            let status = try await test.broker.policyStatus()
            #expect(status["generation"] == status["inForce"])
            let others = status["replicas"]?.arrayValue ?? []
            #expect(others.count == fixture.brokers.count)
            seen.formUnion(
                (others + [.object(["bundleDigest": status["bundleDigest"] ?? .null])]).map {
                    $0["bundleDigest"]?.stringValue ?? ""
                })
        }
        #expect(seen.count == 1)
        return seen.first ?? ""
    }

    @Test("A47: who may write policies in his own namespace gets nothing of another's by it")
    func confusedDeputy() async throws {
        try await BrokerFixture.run { fixture in
            let controller = try start(fixture)
            cluster.put(.releasePolicies, "rivals", "greedy", spec: TestSpecs.release("team"))
            cluster.put(.releasePolicies, "rivals", "modest", spec: TestSpecs.release("rivals"))
            try await eventually {
                policy("rivals", "modest")?.isProgrammed == true
                    && policy("rivals", "greedy")?.condition("Accepted")?["status"] == "False"
            }
            #expect(policy("rivals", "greedy")?.reason("Accepted") == "ForeignResource")
            #expect(policy("rivals", "greedy")?.holds("Programmed") == false)
            #expect(try await fixture.admin.policies().map(\.name).contains("greedy") == false)
            // Nor does it get there as an object that says, in a spec that is right but for that, that it is another's.
            var spec = TestSpecs.release("rivals")
            spec["metadata"] = ["namespace": "team", "name": "liar"]
            cluster.put(.releasePolicies, "rivals", "liar", spec: spec)
            try await eventually { policy("rivals", "liar")?.condition("Accepted")?["status"] == "False" }
            #expect(try await fixture.admin.policies().contains { $0.namespace == "team" } == false)
            await controller.kill()
        }
    }

    @Test("A32: a tenant's broken and shadowing policies change nothing for another tenant")
    func tenants() async throws {
        try await BrokerFixture.run { fixture in
            let controller = try start(fixture)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
            try await eventually { policy("team", "first")?.isProgrammed == true }
            let digest = policy("team", "first")?.status?["digest"]
            cluster.put(.releasePolicies, "rivals", "first", spec: ["match": ["nonsense": true]])
            cluster.put(.releasePolicies, "rivals", "second", spec: TestSpecs.release("rivals"))
            try await eventually {
                policy("rivals", "second")?.isProgrammed == true && policy("rivals", "first")?.reason("Accepted") != nil
            }
            #expect(policy("team", "first")?.isProgrammed == true)
            #expect(policy("team", "first")?.status?["digest"] == digest)
            await controller.kill()
        }
    }

    @Test(
        "Operator defects 2 and 14: a typo opens nothing: the former version stays in force, and the status says where"
    )
    func typo() async throws {
        try await BrokerFixture.run { fixture in
            let controller = try start(fixture)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
            try await eventually { policy("team", "first")?.isProgrammed == true }
            var spec = TestSpecs.release()
            spec["require"] = ["teees": ["sample"]]
            cluster.put(.releasePolicies, "team", "first", spec: spec)
            try await eventually { policy("team", "first")?.condition("Accepted")?["status"] == "False" }
            let object = policy("team", "first")
            #expect(object?.condition("Accepted")?["message"]?.stringValue?.contains("teees") == true)
            #expect(object?.condition("Programmed")?["message"]?.stringValue?.contains("earlier version") == true)
            let stored = try await fixture.admin.policy(kind: "ReleasePolicy", namespace: "team", name: "first")
            #expect(stored.text?.contains("sample") == true && stored.text?.contains("teees") == false)
            await controller.kill()
        }
    }

    @Test("Operator defect 1: switching a policy to a stricter one leaves nothing of the looser one in force")
    func stricter() async throws {
        try await BrokerFixture.run { fixture in
            let controller = try start(fixture)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "*"))
            cluster.put(.releasePolicies, "team", "loose", spec: TestSpecs.release(tag: "*"))
            try await eventually { policy("team", "loose")?.isProgrammed == true }
            cluster.remove(.releasePolicies, "team", "loose")
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "only"))
            try await eventually {
                try await fixture.admin.policies().map(\.name).filter { $0 == "loose" }.isEmpty
                    && policy("team", "first")?.isProgrammed == true
            }
            let stored = try await fixture.admin.policy(kind: "ReleasePolicy", namespace: "team", name: "first")
            #expect(stored.text?.contains("team/keys/only") == true)
            await controller.kill()
        }
    }

    @Test("what an administrator applied belongs to him: the source neither changes nor removes it")
    func otherOwner() async throws {
        try await BrokerFixture.run { fixture in
            _ = try await fixture.admin.applyPolicies(
                yaml: """
                    apiVersion: claviger.dev/v1alpha1
                    kind: ReleasePolicy
                    metadata: {name: taken, namespace: team}
                    spec:
                      match: {resources: ["team/keys/*"], operations: [get]}
                      require: {tees: [sample]}
                    """)
            let controller = try start(fixture)
            cluster.put(.releasePolicies, "team", "taken", spec: TestSpecs.release(tag: "mine"))
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
            try await eventually {
                policy("team", "first")?.isProgrammed == true
                    && policy("team", "taken")?.reason("Accepted") == "OwnedBy"
            }
            let stored = try await fixture.admin.policy(kind: "ReleasePolicy", namespace: "team", name: "taken")
            #expect(stored.text?.contains("mine") == false)
            await controller.kill()
        }
    }

    @Test(
        "A48: the controller does its work with a role that gives it no value, and its port has no way to ask for one")
    func noValues() async throws {
        try await BrokerFixture.run { fixture in
            let controller = try start(fixture)
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
            cluster.put(
                .brokeredSecrets, "team", "key",
                spec: ["path": ["type": "keys", "tag": "one"], "generate": ["kind": "aes256"]])
            try await eventually {
                policy("team", "first")?.isProgrammed == true
                    && cluster.object(.brokeredSecrets, "team", "key")?.holds("Ready") == true
            }
            let status = try #require(cluster.object(.brokeredSecrets, "team", "key")?.status)
            #expect(status["uri"] == "kbs:///team/keys/one" && status["currentVersion"] == 1)
            let http = try HTTPClient(configuration: HTTPClientConfiguration(insecureHTTPAllowed: true))
            func answer(_ path: String, _ token: String) async throws -> Int {
                try await http.send(
                    HTTPRequest(
                        method: "GET", url: (fixture.urls.first ?? "") + path,
                        headers: [("Authorization", "Bearer \(token)")])
                ).status
            }
            // What an administrator gets. Nobody gets a value there; the last is the guests' way, which wants evidence.
            for path in [
                "/claviger/v1/resources", "/claviger/v1/decisions", "/claviger/v1/policies",
                "/claviger/v1/resources/team/keys/one/versions", "/claviger/v1/collateral/export",
            ] {
                #expect(try await answer(path, fixture.adminToken) == 200, "\(path) is no route")
                #expect(try await answer(path, fixture.controllerToken) == 403, "\(path)")
            }
            #expect(try await answer("/kbs/v0/resource/team/keys/one", fixture.controllerToken) == 401)
            await controller.kill()
        }
    }

    @Test("a token that was renewed in its file is used at once, and one that ended costs nothing but the time")
    func tokenRotated() async throws {
        try await BrokerFixture.run { fixture in
            let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data("ended.long.ago".utf8).write(to: file)
            let client = try AdminClient(
                .init(url: try #require(fixture.urls.first), tokenFile: file.path, insecureHTTPAllowed: true))
            let controller = try TestController(
                "one", cluster, BrokerLink(source: "cluster", client: client), .system,
                change: { $0.debounce = .milliseconds(10) })
            cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
            try await eventually { controller.controller.health.ready().isGood }
            #expect(policy("team", "first")?.isProgrammed != true)
            try Data(fixture.controllerToken.utf8).write(to: file, options: .atomic)
            try await eventually { policy("team", "first")?.isProgrammed == true }
            await controller.kill()
        }
    }

    @Test("a leader that was overtaken is refused by the broker in the same transaction, and what it deleted stays")
    func fence() async throws {
        try await BrokerFixture.run { fixture in
            let link = BrokerLink(source: "cluster", client: fixture.controller)
            func outgoing(_ name: String) -> OutgoingPolicy {
                var object = KubernetesObject(.releasePolicies, namespace: "team", name: name)
                object.metadata["uid"] = .string("uid-\(name)")
                object.metadata["generation"] = 1
                object.spec = TestSpecs.release()
                let cache = FixedCache(objects: [object])
                let entries = PolicyCatalogue(caches: [(.releasePolicies, cache)]).entries()
                return entries.map { PolicyCatalogue.outgoing($0.key, $0.value) }[0]
            }
            _ = try await link.put([outgoing("first"), outgoing("second")], fence: 5)
            let error = await #expect(throws: ControllerError.self) {
                try await link.put([outgoing("first")], fence: 4)
            }
            #expect(error?.code == "fenced")
            #expect(try await fixture.admin.policies().map(\.name).sorted().suffix(2) == ["first", "second"])
        }
    }
}
