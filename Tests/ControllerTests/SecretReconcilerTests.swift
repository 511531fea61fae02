import Encodings
import Kubernetes
import Telemetry
import Testing

@testable import Controller

@Suite("Brokered secrets of a cluster", .timeLimit(.minutes(5)))
struct SecretReconcilerTests {
    let time = TurnedTime()
    let cluster = MemoryCluster()
    let broker = MemoryBroker()

    private static let generated: JSONObject = [
        "path": ["type": "key", "tag": "one"], "generate": ["kind": "aes256"], "deletionPolicy": "Delete",
    ]

    private static func referring(_ name: String, _ key: String = "password") -> JSONObject {
        ["path": ["type": "key", "tag": "db"], "secretRef": ["name": .string(name), "key": .string(key)]]
    }

    private func secret(_ name: String) -> KubernetesObject? { cluster.object(.brokeredSecrets, "team", name) }

    private func start() throws -> TestController { try TestController("one", cluster, broker, time.environment) }

    @Test("the finalizer is on the object before the broker hears of it, and goes after the broker has let go")
    func finalizer() async throws {
        broker.isGone = true
        let controller = try start()
        cluster.put(.brokeredSecrets, "team", "key", spec: Self.generated)
        try await time.pass(until: { secret("key")?.finalizers == ["claviger.dev/brokered-secret"] })
        #expect(broker.secret("team", "key") == nil)
        broker.isGone = false
        try await time.pass(until: { secret("key")?.holds("Ready") == true })
        #expect(broker.secret("team", "key")?.request.value == nil, "the broker makes the value itself")
        #expect(secret("key")?.status?["uri"] == "kbs:///team/x/key")
        #expect(secret("key")?.reason("PolicyAttached") == "NoPolicy")
        broker.isGone = true
        cluster.remove(.brokeredSecrets, "team", "key")
        try await time.pass(steadily: .seconds(30))
        #expect(secret("key") != nil, "what the broker still has, an object answers for")
        broker.isGone = false
        try await time.pass(until: { secret("key") == nil })
        #expect(broker.removals.map(\.deletionPolicy) == ["Delete"])
        await controller.kill()
    }

    @Test(
        "Operator defect 10: deletion does not hang when there is nothing left to undo, and keeps others' finalizers"
    )
    func nothingToUndo() async throws {
        let controller = try start()
        cluster.put(.brokeredSecrets, "team", "key", spec: Self.generated)
        try await time.pass(until: { secret("key")?.holds("Ready") == true })
        _ = try await cluster.mergePatch(
            ["metadata": ["finalizers": ["example.org/other", "claviger.dev/brokered-secret"]]],
            to: .brokeredSecrets, namespace: "team", name: "key", subresource: nil)
        cluster.remove(.brokeredSecrets, "team", "key")
        try await time.pass(until: { secret("key")?.finalizers == ["example.org/other"] })
        try await time.pass(steadily: .seconds(20))
        #expect(broker.removals.count == 1)
        await controller.kill()
    }

    @Test(
        "a referred Secret is read by its name only, its change is carried over, and the object says that it lies open")
    func secretRef() async throws {
        cluster.putSecret("team", "database", ["password": .string(Base64.encode(Array("first".utf8)))])
        cluster.putSecret("team", "unrelated", ["password": "c2VjcmV0"])
        let controller = try start()
        cluster.put(.brokeredSecrets, "team", "db", spec: Self.referring("database"))
        try await time.pass(until: { secret("db")?.holds("Ready") == true })
        #expect(broker.secret("team", "db")?.request.value == SecretBytes(Array("first".utf8)))
        #expect(secret("db")?.holds("PlaintextInCluster") == true && secret("db")?.holds("SourceFound") == true)
        cluster.putSecret("team", "database", ["password": .string(Base64.encode(Array("second".utf8)))])
        try await time.pass(until: { broker.secret("team", "db")?.version == 2 })
        #expect(broker.secret("team", "db")?.request.value == SecretBytes(Array("second".utf8)))
        let reads = cluster.requests.filter { $0.resource == "secrets" }
        #expect(!reads.isEmpty)
        #expect(
            reads.allSatisfy { request in
                request.verb == "get"
                    ? request.key == ObjectKey(namespace: "team", name: "database")
                    : request.fieldSelector == "metadata.name=database" && request.metadataOnly
                        && request.key.namespace == "team"
            })
        await controller.kill()
    }

    @Test("Operator defect 17: one missing Secret degrades its own object and nothing else")
    func missingSource() async throws {
        let controller = try start()
        cluster.put(.brokeredSecrets, "team", "db", spec: Self.referring("nowhere"))
        cluster.put(.brokeredSecrets, "team", "key", spec: Self.generated)
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: {
            secret("db")?.reason("SourceFound") == "SourceMissing" && secret("key")?.holds("Ready") == true
                && cluster.object(.releasePolicies, "team", "first")?.isProgrammed == true
        })
        #expect(secret("db")?.reason("Ready") == "SourceMissing")
        cluster.putSecret("team", "nowhere", ["password": "dmFsdWU="])
        try await time.pass(until: { secret("db")?.holds("Ready") == true })
        await controller.kill()
    }

    @Test("a Secret that the controller may not read, or that lacks the key, is said so and tried again")
    func unreadableSource() async throws {
        cluster.putSecret("team", "database", ["other": "dmFsdWU="])
        cluster.refuse { request in
            request.resource == "secrets" && request.key.name == "locked"
                ? KubernetesError(.forbidden, statusCode: 403, message: "no") : nil
        }
        let controller = try start()
        cluster.put(.brokeredSecrets, "team", "db", spec: Self.referring("database"))
        cluster.put(.brokeredSecrets, "team", "locked", spec: Self.referring("locked"))
        try await time.pass(until: {
            secret("db")?.reason("Ready") == "SourceMissing" && secret("locked")?.reason("Ready") == "SourceMissing"
        })
        let message = secret("locked")?.condition("Ready")?["message"]?.stringValue ?? ""
        #expect(message.contains("Role"))
        await controller.kill()
    }

    @Test("the broker's refusal is shown, and what it has from before stays on the object")
    func refused() async throws {
        let controller = try start()
        cluster.put(.brokeredSecrets, "team", "key", spec: Self.generated)
        try await time.pass(until: { secret("key")?.holds("Ready") == true })
        broker.failSecrets(ControllerError(code: "refused", message: "conflict: the resource belongs to admin"))
        var spec = Self.generated
        spec["path"] = ["type": "key", "tag": "taken"]
        cluster.put(.brokeredSecrets, "team", "key", spec: spec)
        try await time.pass(until: { secret("key")?.reason("Ready") == "Refused" })
        #expect(secret("key")?.status?["uri"] == "kbs:///team/x/key")
        broker.failSecrets(nil)
        try await time.pass(until: { secret("key")?.holds("Ready") == true })
        await controller.kill()
    }

    @Test("a Secret that nobody refers to any more is not watched any more")
    func forgottenSource() async throws {
        cluster.putSecret("team", "database", ["password": "dmFsdWU="])
        let controller = try start()
        cluster.put(.brokeredSecrets, "team", "db", spec: Self.referring("database"))
        try await time.pass(until: { secret("db")?.holds("Ready") == true })
        let watches = cluster.watchCount
        cluster.put(.brokeredSecrets, "team", "db", spec: Self.generated)
        try await time.pass(until: { cluster.watchCount == watches - 1 })
        await controller.kill()
    }

    @Test("one namespace cannot use up the watches of all: what is too much is read now and then, and says so")
    func watchBudget() async throws {
        let value: JSONObject = ["password": "dmFsdWU="]
        for number in 0..<40 {
            let name = "database-\(number + 100)"
            cluster.putSecret("team", name, value)
            cluster.put(.brokeredSecrets, "team", name, spec: Self.referring(name))
        }
        cluster.putSecret("crew", "zebra", value)
        cluster.put(.brokeredSecrets, "crew", "zebra", spec: Self.referring("zebra"))
        let controller = try start()
        try await time.pass(until: {
            cluster.objects(.brokeredSecrets).allSatisfy { $0.holds("Ready") }
                && secret("database-139")?.reason("SourceFound") == "FoundNotWatched"
        })
        try await time.pass(until: { watchedSecrets.count >= 33 })
        #expect(watchedSecrets.count == 33 && watchedSecrets.contains("crew/metadata.name=zebra"))
        #expect(secret("database-100")?.reason("SourceFound") == "Found")
        #expect(cluster.object(.brokeredSecrets, "crew", "zebra")?.reason("SourceFound") == "Found")
        // The resync notices what no watch tells.
        cluster.putSecret("team", "database-139", ["password": .string(Base64.encode(Array("second".utf8)))])
        try await time.pass(until: { broker.secret("team", "database-139")?.version == 2 }, step: .seconds(1))
        await controller.kill()
    }

    private var watchedSecrets: Set<String> {
        Set(
            cluster.requests.filter { $0.resource == "secrets" && $0.verb == "watch" }
                .map { "\($0.key.namespace ?? "-")/\($0.fieldSelector ?? "-")" })
    }

    @Test("watches are shared out so that each namespace has its first before any has its second")
    func shares() {
        var keys: Set<ObjectKey> = [ObjectKey(namespace: "zoo", name: "only")]
        for number in 0..<100 { keys.insert(ObjectKey(namespace: "greedy", name: "secret-\(number)")) }
        let budget = WatchBudget(perNamespace: 8, total: 4)
        let share = budget.share(among: keys)
        #expect(share.count == 4 && share.contains(ObjectKey(namespace: "zoo", name: "only")))
        #expect(share == budget.share(among: keys), "the same each time")
        #expect(WatchBudget(perNamespace: 8, total: 40).share(among: keys).count == 9)
        #expect(WatchBudget(perNamespace: 100, total: 101).share(among: keys) == keys)
    }

    @Test("profiles are looked at, and what is wrong stands in their status")
    func profiles() async throws {
        let controller = try start()
        cluster.put(.agentProfiles, "team", "bad", spec: ["nonsense": true])
        try await time.pass(until: { cluster.object(.agentProfiles, "team", "bad")?.reason("Ready") == "Invalid" })
        await controller.kill()
    }
}
