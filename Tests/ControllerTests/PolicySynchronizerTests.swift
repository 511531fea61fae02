import Encodings
import Kubernetes
import Synchronization
import Telemetry
import Testing

@testable import Controller

@Suite("Policies of a cluster", .timeLimit(.minutes(5)))
struct PolicySynchronizerTests {
    private static func verdict(_ key: String = "first", in namespace: String? = "team") -> PolicyVerdict {
        PolicyVerdict(
            key: .init(kind: "ReleasePolicy", namespace: namespace, name: key), isAccepted: true, isCompiled: true)
    }

    private static func condition(
        _ type: String, _ verdict: PolicyVerdict?, _ replicas: [ReplicaStates.Replica], generation: Int64 = 7
    ) -> Condition? {
        PolicyStatus.conditions(verdict, generation: generation, replicas: ReplicaStates(replicas))
            .first { $0.type == type }
    }

    @Test("A34: Programmed holds only when all living replicas are at the generation, and none has a problem")
    func programmed() {
        let verdict = Self.verdict()
        #expect(Self.condition("Programmed", verdict, [.init(generation: 7), .init(generation: 9)])?.status == .yes)
        let pending = Self.condition("Programmed", verdict, [.init(generation: 7), .init(generation: 6)])
        #expect(pending?.status == .no && pending?.reason == "Pending" && pending?.message.hasPrefix("1 of 2") == true)
        let broken = Self.condition(
            "Programmed", verdict, [.init(generation: 7), .init(generation: 9, problem: "unsigned")])
        #expect(broken?.reason == "ReplicaProblem" && broken?.message.contains("unsigned") == true)
        #expect(Self.condition("Programmed", verdict, [])?.reason == "NoReplicas")
    }

    @Test("a refused policy says why, and whether an earlier version stays in force")
    func refused() {
        var verdict = Self.verdict()
        verdict.isAccepted = false
        verdict.isCompiled = false
        verdict.code = "owned_by"
        verdict.diagnostics = ["A document of this name belongs to admin."]
        let replicas = [ReplicaStates.Replica(generation: 9)]
        #expect(Self.condition("Accepted", verdict, replicas)?.reason == "OwnedBy")
        #expect(Self.condition("Accepted", verdict, replicas)?.message.contains("belongs to admin") == true)
        let without = Self.condition("Programmed", verdict, replicas)
        #expect(without?.status == .no && without?.message == "No broker decides by it.")
        verdict.digest = "ab"
        #expect(Self.condition("Programmed", verdict, replicas)?.message.contains("earlier version") == true)
        #expect(Self.condition("Accepted", nil, replicas)?.status == .unknown)
    }

    @Test("A32: what shadows a policy is named only as far as its tenant may know")
    func shadows() throws {
        var verdict = Self.verdict()
        verdict.shadowedBy = [
            "ClusterReleasePolicy/-/all", "ReleasePolicy/team/other", "ReleasePolicy/rivals/secret-project",
        ]
        let replicas = [ReplicaStates.Replica(generation: 9)]
        let condition = try #require(Self.condition("Shadowed", verdict, replicas))
        #expect(condition.message.contains("ClusterReleasePolicy/-/all") && condition.message.contains("team/other"))
        #expect(!condition.message.contains("rivals"))
        let fields = PolicyStatus.fields(verdict, generation: 7, replicas: ReplicaStates(replicas))
        #expect(!fields.serializedString().contains("rivals"))
        #expect(fields["shadowedBy"]?.arrayValue?.count == 2)
    }

    @Test("references that nobody gives and patterns that match nothing are said")
    func advice() {
        var verdict = Self.verdict()
        verdict.unresolvedReferences = ["snp_launch"]
        verdict.matchedResources = 0
        let replicas = [ReplicaStates.Replica(generation: 9)]
        #expect(Self.condition("ReferencesResolved", verdict, replicas)?.message.contains("snp_launch") == true)
        #expect(Self.condition("MatchesResources", verdict, replicas)?.reason == "NeverMatches")
        verdict.matchedResources = nil
        #expect(Self.condition("MatchesResources", verdict, replicas) == nil)
    }

    @Test("the document that is sent is named by the API server, not by what the object says of itself")
    func document() throws {
        var object = KubernetesObject(.releasePolicies, namespace: "team", name: "first")
        object.metadata["uid"] = "u"
        object.metadata["generation"] = 3
        object.metadata["managedFields"] = [["manager": "kubectl"]]
        object.status = ["conditions": []]
        object.json["kind"] = "ClusterReleasePolicy"
        object.spec = TestSpecs.release()
        let cache = FixedCache(objects: [object])
        let entries = PolicyCatalogue(caches: [(.releasePolicies, cache)]).entries()
        let (key, entry) = try #require(entries.first)
        let outgoing = PolicyCatalogue.outgoing(key, entry)
        let document = try JSONValue(parsing: Array(outgoing.document.text.utf8))
        #expect(document["kind"] == "ReleasePolicy" && document["apiVersion"] == "claviger.dev/v1alpha1")
        #expect(document["metadata"] == ["name": "first", "namespace": "team"])
        #expect(document.objectValue?.contains("status") == false)
        #expect(outgoing.document.uid == "u" && outgoing.document.generation == 3)
    }

    @Test("replicas that lag behind are looked at ever more slowly, and the status follows them")
    func lagging() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        broker.isFollowing = false
        let metrics = MetricsRegistry()
        let controller = try TestController("one", cluster, broker, time.environment, metrics: metrics)
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: {
            cluster.object(.releasePolicies, "team", "first")?.reason("Programmed") == "Pending"
        })
        let looks = broker.looks
        try await time.pass(steadily: .seconds(300))
        #expect((5...200).contains(broker.looks - looks), "\(broker.looks - looks) looks in five minutes")
        #expect(metrics.prometheusText().contains("claviger_controller_programming 1"))
        broker.isFollowing = true
        try await time.pass(until: { cluster.object(.releasePolicies, "team", "first")?.isProgrammed == true })
        try await time.pass(until: { metrics.prometheusText().contains("claviger_controller_programming 0") })
        #expect(metrics.prometheusText().contains("claviger_controller_programmed_seconds_count 1"))
        try await time.pass(until: {
            let reasons = Set(cluster.objects(.events).compactMap { $0.json["reason"]?.stringValue })
            return reasons.isSuperset(of: ["Accepted", "Programmed"])
        })
        await controller.kill()
    }

    @Test("one refused policy hinders no other, and is taken once it is mended")
    func oneRefused() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        let isMended = Mutex(false)
        broker.judge { verdict in
            guard verdict.key.name == "bad", !isMended.withLock({ $0 }) else { return verdict }
            var verdict = verdict
            verdict.isAccepted = false
            verdict.code = "unknown_field"
            verdict.diagnostics = ["spec.match.ressources: This field is not known."]
            return verdict
        }
        let controller = try TestController("one", cluster, broker, time.environment)
        cluster.put(.releasePolicies, "team", "good", spec: TestSpecs.release())
        cluster.put(.releasePolicies, "team", "bad", spec: TestSpecs.release())
        try await time.pass(until: {
            cluster.object(.releasePolicies, "team", "good")?.isProgrammed == true
                && cluster.object(.releasePolicies, "team", "bad")?.reason("Accepted") == "UnknownField"
        })
        #expect(cluster.object(.releasePolicies, "team", "bad")?.reason("Programmed") == "NotAccepted")
        isMended.withLock { $0 = true }
        cluster.put(.releasePolicies, "team", "bad", spec: TestSpecs.release(tag: "x"))
        try await time.pass(until: { cluster.object(.releasePolicies, "team", "bad")?.isProgrammed == true })
        await controller.kill()
    }

    @Test("a broker that is away is tried again, and nothing is lost meanwhile")
    func brokerGone() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        broker.isGone = true
        let controller = try TestController("one", cluster, broker, time.environment)
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(steadily: .seconds(60))
        #expect(controller.controller.health.ready().isGood, "another process would not reach it either")
        broker.isGone = false
        try await time.pass(until: { cluster.object(.releasePolicies, "team", "first")?.isProgrammed == true })
        await controller.kill()
    }

    @Test("policies that somebody took from the broker are there again after the next full pass")
    func resync() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        let controller = try TestController("one", cluster, broker, time.environment)
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { cluster.object(.releasePolicies, "team", "first")?.isProgrammed == true })
        let sent = broker.puts.count
        try await time.pass(steadily: .seconds(120))
        #expect(broker.puts.count == sent, "nothing changed, so nothing is sent")
        try await time.pass(until: { broker.puts.count > sent }, atMost: .seconds(400))
        await controller.kill()
    }

    @Test("A32: when the broker refuses all policies at once, each of them says so, and none claims to be programmed")
    func refusedAsAWhole() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        let controller = try TestController("one", cluster, broker, time.environment)
        @Sendable func policy(_ name: String) -> KubernetesObject? { cluster.object(.releasePolicies, "team", name) }
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { policy("first")?.isProgrammed == true })
        broker.failPolicies(
            ControllerError(code: "refused", message: "too large: 10,000 at most (code: too_many_documents)"))
        cluster.put(.releasePolicies, "team", "second", spec: TestSpecs.release(tag: "two"))
        try await time.pass(until: {
            policy("first")?.reason("Programmed") == "TooManyDocuments"
                && policy("second")?.reason("Programmed") == "TooManyDocuments"
        })
        #expect(policy("first")?.condition("Programmed")?["status"] == "Unknown")
        #expect(policy("first")?.holds("Accepted") == true, "of this version the broker has said so")
        #expect(policy("second")?.condition("Accepted")?["status"] == "Unknown")
        let writes = cluster.requests.count { $0.verb == "apply/status" }
        try await time.pass(steadily: .seconds(60))
        #expect(cluster.requests.count { $0.verb == "apply/status" } <= writes + 2, "said once, not with each attempt")
        broker.failPolicies(nil)
        try await time.pass(until: { policy("first")?.isProgrammed == true && policy("second")?.isProgrammed == true })
        await controller.kill()
    }

    @Test("nothing claims to be programmed for long when the broker gives no answer")
    func silence() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        let controller = try TestController("one", cluster, broker, time.environment)
        @Sendable func policy() -> KubernetesObject? { cluster.object(.releasePolicies, "team", "first") }
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { policy()?.isProgrammed == true })
        broker.isGone = true
        try await time.pass(steadily: .seconds(60))
        #expect(policy()?.isProgrammed == true, "a broker that is started anew is no news")
        try await time.pass(until: { policy()?.reason("Programmed") == "BrokerUnreachable" }, atMost: .seconds(900))
        broker.isGone = false
        try await time.pass(until: { policy()?.isProgrammed == true })
        await controller.kill()
    }

    @Test("a bundle is handed over once, however long replicas take to follow it")
    func bundleLagging() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        broker.isFollowing = false
        let controller = try TestController("one", cluster, broker, time.environment)
        @Sendable func bundle() -> KubernetesObject? { cluster.object(.policyBundles, nil, "good") }
        cluster.put(.policyBundles, nil, "good", spec: ["bundle": "signed: as it was"])
        try await time.pass(until: { bundle()?.reason("Programmed") == "Pending" })
        let looks = broker.looks
        try await time.pass(steadily: .seconds(240))
        #expect(broker.bundles.count == 1)
        #expect((10...60).contains(broker.looks - looks), "\(broker.looks - looks) looks in four minutes")
        cluster.put(.policyBundles, nil, "good", spec: ["bundle": "signed: a newer one"])
        try await time.pass(until: { broker.bundles.count == 2 }, atMost: .seconds(5))
        broker.isFollowing = true
        try await time.pass(until: { bundle()?.isProgrammed == true })
        try await time.pass(until: { broker.bundles.count == 3 }, atMost: .seconds(600))
        await controller.kill()
    }

    @Test(
        "signed bundles are carried as they are; the broker's refusal becomes the reason, and deletion takes nothing back"
    )
    func bundles() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        let controller = try TestController("one", cluster, broker, time.environment)
        cluster.put(.policyBundles, nil, "good", spec: ["bundle": "signed: as it was"])
        cluster.put(.policyBundles, nil, "forged", spec: ["bundle": "not signed"])
        try await time.pass(until: {
            cluster.object(.policyBundles, nil, "good")?.isProgrammed == true
                && cluster.object(.policyBundles, nil, "forged")?.reason("Accepted") == "SignatureUntrusted"
        })
        #expect(Set(broker.bundles) == ["signed: as it was"])
        #expect(cluster.object(.policyBundles, nil, "good")?.status?["serial"] == 7)
        let puts = broker.puts.count
        cluster.remove(.policyBundles, nil, "good")
        try await time.pass(steadily: .seconds(30))
        #expect(Set(broker.bundles) == ["signed: as it was"] && broker.puts.count == puts)
        await controller.kill()
    }
}

/// Objects that never change.
struct FixedCache: ObjectCache {
    var objects: [KubernetesObject]
    var hasSynced = true
    var problem: String?

    subscript(_ key: ObjectKey) -> KubernetesObject? { objects.first { ObjectKey($0) == key } }
}

extension ReplicaStates.Replica {
    init(generation: Int64) { self.init(generation: generation, problem: nil) }
}
