import Encodings
import Foundation
import Kubernetes
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry
import Testing

@testable import Controller

@Suite("A controller on a cluster", .timeLimit(.minutes(5)))
struct KubernetesControllerTests {
    let time = TurnedTime()
    let cluster = MemoryCluster()
    let broker = MemoryBroker()

    private func start(
        _ name: String = "one", change: (inout KubernetesSettings) -> Void = { _ in }
    ) throws -> TestController {
        try TestController(name, cluster, broker, time.environment, change: change)
    }

    private func isProgrammed(_ names: String...) -> Bool {
        names.allSatisfy { cluster.object(.releasePolicies, "team", $0)?.isProgrammed == true }
    }

    @Test("what is applied gets to the broker, is shown as programmed, and goes when it is deleted")
    func lifeCycle() async throws {
        let controller = try start()
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") })
        #expect(broker.documents.keys.sorted() == ["ReleasePolicy/team/first"])
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "one"))
        cluster.put(.clusterReleasePolicies, nil, "limit", spec: ["effect": "Guardrail"])
        try await time.pass(until: {
            isProgrammed("first") && cluster.object(.clusterReleasePolicies, nil, "limit")?.isProgrammed == true
        })
        #expect(broker.documents["ReleasePolicy/team/first"]?.text.contains("team/keys/one") == true)
        #expect(broker.documents["ReleasePolicy/team/first"]?.generation == 2)
        cluster.remove(.releasePolicies, "team", "first")
        try await time.pass(until: { broker.documents.keys.sorted() == ["ClusterReleasePolicy/-/limit"] })
        await controller.kill()
    }

    @Test("1,000 policies applied at once are all programmed, with a few requests to the broker")
    func thousand() async throws {
        let controller = try start()
        try await time.pass(until: { controller.controller.health.ready().isGood })
        for number in 0..<1_000 {
            cluster.put(.releasePolicies, "team", "policy-\(number)", spec: TestSpecs.release(tag: "\(number)"))
        }
        try await time.pass(
            until: { cluster.objects(.releasePolicies).allSatisfy(\.isProgrammed) }, step: .milliseconds(50))
        #expect(broker.documents.count == 1_000)
        #expect(broker.puts.count < 50)
        // Two writes at most for each, however many looks at the replicas there were.
        let writes = cluster.requests.count { $0.verb == "apply/status" }
        #expect(writes <= 3_000, "\(writes) statuses were written")
        await controller.kill()
    }

    @Test("nothing is sent before every kind was read: a missing definition takes no policy away")
    func unreadKind() async throws {
        cluster.hide([.referenceValues])
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        let controller = try start()
        try await time.pass(steadily: .seconds(90))
        #expect(broker.puts.isEmpty)
        #expect(!controller.controller.health.ready().isGood)
        #expect(controller.controller.health.ready().text.contains("referencevalues"))
        // The new leader does not know what the broker decides by, and what the object says of it may be long past.
        let told = cluster.object(.releasePolicies, "team", "first")?.condition("Programmed")
        #expect(told?["status"] == "Unknown" && told?["reason"] == "NotRead")
        #expect(told?["message"]?.stringValue?.contains("referencevalues") == true)
        cluster.hide([])
        try await time.pass(until: { isProgrammed("first") && controller.controller.health.ready().isGood })
        await controller.kill()
    }

    @Test("when the leader is killed another takes over and loses nothing that was applied between")
    func leaderKilled() async throws {
        let first = try start("one")
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") })
        let second = try start("two")
        try await time.pass(until: { second.controller.health.ready().isGood })
        let fence = broker.fence
        // Killed: it gets no chance to release the Lease.
        cluster.refuse { request in
            request.resource == "leases" ? KubernetesError(.transport, message: "cut") : nil
        }
        await first.kill()
        cluster.put(.releasePolicies, "team", "second", spec: TestSpecs.release(tag: "two"))
        cluster.remove(.releasePolicies, "team", "first")
        cluster.refuse(nil)
        try await time.pass(until: { isProgrammed("second") })
        #expect(broker.documents.keys.sorted() == ["ReleasePolicy/team/second"])
        #expect(broker.fence > fence)
        await second.kill()
    }

    @Test("a new leader whose watches stood still reads everything before it writes: what was revoked stays revoked")
    func staleFollower() async throws {
        let first = try start("one")
        cluster.put(.releasePolicies, "team", "revoked", spec: TestSpecs.release(tag: "old"))
        cluster.put(.releasePolicies, "team", "kept", spec: TestSpecs.release())
        cluster.put(
            .brokeredSecrets, "team", "key",
            spec: ["path": ["type": "key", "tag": "one"], "generate": ["kind": "aes256"]])
        try await time.pass(until: {
            isProgrammed("revoked", "kept") && cluster.object(.brokeredSecrets, "team", "key")?.holds("Ready") == true
                && cluster.watchCount == 7
        })
        let mark = cluster.latestWatch
        let second = try start("two")
        try await time.pass(until: { second.controller.health.ready().isGood && cluster.watchCount == 14 })
        cluster.stallWatches(after: mark)
        cluster.remove(.releasePolicies, "team", "revoked")
        cluster.put(.clusterReleasePolicies, nil, "limit", spec: ["effect": "Guardrail"])
        cluster.remove(.brokeredSecrets, "team", "key")
        let wanted = ["ClusterReleasePolicy/-/limit", "ReleasePolicy/team/kept"]
        try await time.pass(until: {
            broker.documents.keys.sorted() == wanted && cluster.object(.brokeredSecrets, "team", "key") == nil
        })
        let puts = broker.puts.count
        cluster.refuse { request in
            request.resource == "leases" ? KubernetesError(.transport, message: "cut") : nil
        }
        await first.kill()
        cluster.refuse(nil)
        try await time.pass(until: { broker.puts.count > puts })
        try await time.pass(steadily: .seconds(10))
        #expect(broker.puts.dropFirst(puts).allSatisfy { $0.keys.sorted() == wanted })
        #expect(broker.secret("team", "key") == nil, "what nobody answers for is not made again")
        await second.kill()
    }

    @Test("a kind that cannot be followed any more makes the controller unready and its policies' state unknown")
    func notFollowed() async throws {
        let registry = MetricsRegistry(descriptions: ControllerMetrics.descriptions)
        let controller = try TestController("one", cluster, broker, time.environment, metrics: registry)
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        cluster.put(.clusterReleasePolicies, nil, "limit", spec: ["effect": "Guardrail"])
        @Sendable func limit() -> KubernetesObject? { cluster.object(.clusterReleasePolicies, nil, "limit") }
        try await time.pass(until: { isProgrammed("first") && limit()?.isProgrammed == true })
        // The role is taken away, and the watch that was there ends as watches do.
        cluster.refuse { request in
            request.resource == "releasepolicies" && ["list", "watch"].contains(request.verb)
                ? KubernetesError(.forbidden, statusCode: 403, message: "no") : nil
        }
        cluster.stallWatches()
        cluster.endStalledWatches()
        try await time.pass(
            until: { cluster.object(.releasePolicies, "team", "first")?.reason("Programmed") == "NotFollowed" },
            atMost: .seconds(300))
        let told = cluster.object(.releasePolicies, "team", "first")?.condition("Programmed")
        #expect(told?["status"] == "Unknown" && told?["message"]?.stringValue?.contains("forbidden") == true)
        #expect(limit()?.isProgrammed == true, "other kinds are followed")
        let report = controller.controller.health.ready()
        #expect(!report.isGood && report.text.contains("[-]watches failed") && report.text.contains("releasepolicies"))
        #expect(controller.controller.health.started().isGood, "to be started anew would mend nothing")
        #expect(!registry.prometheusText().contains(#"behind_seconds{kind="ReleasePolicy"} 0"#))
        cluster.refuse(nil)
        try await time.pass(until: { isProgrammed("first") && controller.controller.health.ready().isGood })
        await controller.kill()
    }

    @Test("the election has a way to the API server of its own, where nothing else waits in line")
    func ownWay() async throws {
        let leases = MemoryCluster()
        let controller = try TestController("one", cluster, broker, time.environment, election: leases)
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") })
        #expect(!leases.requests.isEmpty && leases.requests.allSatisfy { $0.resource == "leases" })
        #expect(!cluster.requests.contains { $0.resource == "leases" })
        await controller.kill()
    }

    @Test("an API server that is gone for five minutes costs nothing but the time")
    func serverGone() async throws {
        let first = try start("one")
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") })
        cluster.isGone = true
        try await time.pass(steadily: .seconds(300))
        #expect(broker.documents.keys.sorted() == ["ReleasePolicy/team/first"], "the broker keeps what it has")
        // Without its Lease the process ends, and is started anew.
        let result = await first.task.result
        #expect(throws: ControllerError.notLeading) { try result.get() }
        cluster.put(.releasePolicies, "team", "second", spec: TestSpecs.release(tag: "two"))
        cluster.remove(.releasePolicies, "team", "first")
        let second = try start("one")
        cluster.isGone = false
        try await time.pass(until: { isProgrammed("second") })
        #expect(broker.documents.keys.sorted() == ["ReleasePolicy/team/second"])
        await second.kill()
    }

    @Test("when a watch that told nothing is given up, what happened meanwhile is made up for")
    func stalledWatch() async throws {
        let controller = try start()
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") })
        cluster.stallWatches()
        cluster.put(.releasePolicies, "team", "second", spec: TestSpecs.release(tag: "two"))
        cluster.remove(.releasePolicies, "team", "first")
        cluster.endStalledWatches()
        try await time.pass(until: { isProgrammed("second") })
        #expect(broker.documents.keys.sorted() == ["ReleasePolicy/team/second"])
        await controller.kill()
    }

    @Test("a controller that was paused and overtaken writes nothing stale: neither to the broker nor to statuses")
    func overtaken() async throws {
        let first = try start("one")
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") })
        // The first controller stands still with a request on its way, and with no word from the API server any more.
        let gate = Gate()
        broker.pause { await gate.pass() }
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "stale"))
        try await time.pass(until: { gate.hasArrivals }, step: .milliseconds(50))
        broker.pause(nil)
        cluster.refuse { request in
            request.resource == "leases" && request.verb != "get"
                ? KubernetesError(.transport, message: "cut") : nil
        }
        try await time.pass(steadily: .seconds(20))
        cluster.refuse(nil)
        let second = try start("two")
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "new"))
        try await time.pass(until: { isProgrammed("first") })
        let status = cluster.object(.releasePolicies, "team", "first")?.status
        gate.open()
        let result = await first.task.result
        #expect(throws: ControllerError.notLeading) { try result.get() }
        #expect(broker.documents["ReleasePolicy/team/first"]?.text.contains("team/keys/new") == true)
        #expect(cluster.object(.releasePolicies, "team", "first")?.status == status)
        await second.kill()
    }

    @Test("A32: an object that cannot be read says so, its earlier version stays, and it hinders no other")
    func unreadable() async throws {
        let isSpoilt = Mutex(false)
        broker.judge { verdict in
            guard verdict.key.name == "deep", isSpoilt.withLock({ $0 }) else { return verdict }
            var verdict = verdict
            verdict.isAccepted = false
            verdict.code = "missing_field"
            verdict.digest = "ab"
            return verdict
        }
        let controller = try start()
        cluster.put(.referenceValues, "team", "deep", spec: ["values": []])
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        @Sendable func deep() -> KubernetesObject? { cluster.object(.referenceValues, "team", "deep") }
        try await time.pass(until: { isProgrammed("first") && deep()?.isProgrammed == true })
        let former = broker.documents["ReferenceValues/team/deep"]
        isSpoilt.withLock { $0 = true }
        cluster.spoil(.referenceValues, "team", "deep")
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "two"))
        try await time.pass(until: { deep()?.reason("Accepted") == "Unreadable" && isProgrammed("first") })
        #expect(deep()?.condition("Accepted")?["status"] == "False")
        #expect(deep()?.condition("Programmed")?["message"]?.stringValue?.contains("earlier version") == true)
        #expect(broker.documents["ReferenceValues/team/deep"] == former && former != nil)
        isSpoilt.withLock { $0 = false }
        cluster.put(.referenceValues, "team", "deep", spec: ["values": []])
        try await time.pass(until: { deep()?.isProgrammed == true })
        await controller.kill()
    }

    @Test("a leader whom the broker refuses, since it knows of a later one, ends his term")
    func fenced() async throws {
        let first = try start("one")
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") })
        broker.raiseFence(by: 1_000)
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release(tag: "two"))
        try await time.pass(until: { first.end != nil })
        let result = await first.task.result
        #expect(throws: ControllerError.overtaken) { try result.get() }
        let lease = try #require(cluster.objects(.leases).first)
        let holder = lease.spec?["holderIdentity"]?.stringValue ?? ""
        #expect(holder.isEmpty, "others need not wait for it to expire")
        #expect(broker.documents["ReleasePolicy/team/first"]?.text.contains("two") == false)
    }

    @Test("readiness does not ask who leads, and a follower writes nothing at all")
    func follower() async throws {
        let first = try start("one")
        try await time.pass(until: { !broker.puts.isEmpty })
        let second = try start("two")
        try await time.pass(until: { second.controller.health.ready().isGood })
        #expect(second.controller.health.started().isGood)
        await first.kill()
        // Released in good order: no waiting for the Lease to expire.
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") }, atMost: .seconds(14))
        await second.kill()
    }

    @Test("namespaces that are not watched are nobody's business, and their policies are not sent")
    func namespaces() async throws {
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        cluster.put(.releasePolicies, "other", "first", spec: TestSpecs.release("other"))
        let controller = try start { settings in
            settings.namespaces = ["team", "crew"]
            settings.watchesClusterKinds = false
        }
        try await time.pass(until: { isProgrammed("first") })
        #expect(broker.documents.keys.sorted() == ["ReleasePolicy/team/first"])
        let read = cluster.requests.filter { ["list", "watch"].contains($0.verb) }
        #expect(read.allSatisfy { ["team", "crew"].contains($0.key.namespace) })
        #expect(!read.contains { $0.resource == "clusterreleasepolicies" || $0.resource == "policybundles" })
        await controller.kill()
    }

    @Test("the graceful end is in order: not ready, what was begun finished, the Lease released")
    func gracefulEnd() async throws {
        let controller = try TestController.make("one", cluster, broker, time.environment)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(services: [controller], logger: logger)
        let task = Task { try await group.run() }
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { isProgrammed("first") })
        let gate = Gate()
        broker.pause { await gate.pass() }
        cluster.put(.releasePolicies, "team", "second", spec: TestSpecs.release(tag: "two"))
        try await time.pass(until: { gate.hasArrivals }, step: .milliseconds(50))
        await group.triggerGracefulShutdown()
        try await time.pass(until: { !controller.health.ready().isGood }, step: .milliseconds(50))
        #expect(controller.health.live().isGood)
        #expect(holder?.hasPrefix("one") == true, "the Lease is held until what was begun is finished")
        gate.open()
        try await time.pass(until: { holder == "" }, step: .milliseconds(50))
        #expect(broker.documents.count == 2)
        try await task.value
    }

    private var holder: String? {
        cluster.object(.leases, "claviger", "claviger-controller")?.spec?["holderIdentity"]?.stringValue
    }
}

/// Holds up whoever comes, cancelled or not, until it is opened.
private final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var hasArrivals: Bool { state.withLock { !$0.waiting.isEmpty } }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
