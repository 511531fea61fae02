import Kubernetes
import Telemetry
import Testing

@testable import Controller

@Suite("Statuses of many tenants' policies", .timeLimit(.minutes(5)))
struct PolicyStatusTests {
    @Test("A32: an object that takes no status hinders no other, and is tried again")
    func oneRefused() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        let metrics = MetricsRegistry()
        cluster.refuse { request in
            guard request.key.name == "huge", request.verb == "apply/status" else { return nil }
            return KubernetesError(.serverError, statusCode: 500, message: "etcdserver: request is too large")
        }
        let controller = try TestController("one", cluster, broker, time.environment, metrics: metrics)
        @Sendable func policy(_ name: String, _ namespace: String = "team") -> KubernetesObject? {
            cluster.object(.releasePolicies, namespace, name)
        }
        cluster.put(.releasePolicies, "rivals", "huge", spec: TestSpecs.release("rivals"))
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { policy("first")?.isProgrammed == true })
        try await time.pass(steadily: .seconds(120))
        #expect(metrics.prometheusText().contains("claviger_controller_statuses_refused 1"))

        broker.isFollowing = false
        cluster.put(.releasePolicies, "team", "second", spec: TestSpecs.release(tag: "two"))
        try await time.pass(until: { policy("second")?.reason("Programmed") == "Pending" })
        broker.isFollowing = true
        try await time.pass(until: { policy("second")?.isProgrammed == true }, atMost: .seconds(20))

        cluster.refuse(nil)
        try await time.pass(until: { policy("huge", "rivals")?.isProgrammed == true })
        try await time.pass(until: { metrics.prometheusText().contains("claviger_controller_statuses_refused 0") })
        await controller.kill()
    }

    @Test("A32: a change of one tenant's leaves others' policies programmed while the replicas follow")
    func othersStay() async throws {
        let time = TurnedTime()
        let cluster = MemoryCluster()
        let broker = MemoryBroker()
        broker.judge { verdict in
            var verdict = verdict
            verdict.digest = "digest of \(verdict.key)"
            return verdict
        }
        let controller = try TestController("one", cluster, broker, time.environment)
        @Sendable func policy(_ name: String) -> KubernetesObject? { cluster.object(.releasePolicies, "team", name) }
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { policy("first")?.isProgrammed == true })
        let version = policy("first")?.resourceVersion
        broker.isFollowing = false
        cluster.put(.releasePolicies, "team", "second", spec: TestSpecs.release(tag: "two"))
        try await time.pass(until: { policy("second")?.reason("Programmed") == "Pending" })
        #expect(policy("first")?.isProgrammed == true)
        #expect(policy("first")?.resourceVersion == version, "its status was not even written again")
        broker.isFollowing = true
        try await time.pass(until: { policy("second")?.isProgrammed == true })
        await controller.kill()
    }

    @Test("A34: what has to reach the broker goes before statuses, of which each round writes some all the same")
    func rounds() {
        var round = StatusRound()
        var begun = 0
        while begun < 1_000, round.begins(isOutdated: true) { begun += 1 }
        #expect((1..<1_000).contains(begun) && !round.isComplete)

        var calm = StatusRound()
        for _ in 0..<1_000 {
            let goesOn = calm.begins(isOutdated: false)
            #expect(goesOn)
            calm.ended(nil)
        }
        #expect(calm.isComplete)
    }

    @Test("a round ends when nothing is taken any more, and at once when another leads")
    func failures() {
        let refusal = ControllerError(code: "unavailable", message: "no route")
        var round = StatusRound()
        var begun = 0
        while begun < 1_000, round.begins(isOutdated: false) {
            begun += 1
            round.ended(refusal)
        }
        #expect(begun < 100 && !round.isComplete && !round.isLeaderless)

        var alternating = StatusRound()
        for number in 0..<1_000 {
            let goesOn = alternating.begins(isOutdated: false)
            #expect(goesOn)
            alternating.ended(number.isMultiple(of: 2) ? refusal : nil)
        }
        #expect(!alternating.isComplete)

        var overtaken = StatusRound()
        overtaken.ended(.notLeading)
        let goesOn = overtaken.begins(isOutdated: false)
        #expect(!goesOn && overtaken.isLeaderless)
    }
}
