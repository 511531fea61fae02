import Encodings
import Foundation
import HTTPTransport
import Kubernetes
import KubernetesTestSupport
import Logging
import Synchronization
import Telemetry
import Testing
import X509Trust

@testable import Controller

/// An API server calls the webhooks as it does in a cluster: real reviews, over TLS, trusting what the configurations say.
@Suite("Admission over TLS", .timeLimit(.minutes(5)))
struct AdmissionOverTLSTests {
    private static let pod: JSONObject = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": "p", "namespace": "payments", "annotations": ["claviger.dev/inject": "true"]],
        "spec": ["containers": [["name": "app", "image": "registry.example/app:1"]]],
    ]

    /// A replica with all that a process has.
    private final class Replica: Sendable {
        let controller: TestController
        private let serving: Task<Void, any Error>
        private let port = PortBox()

        init(_ name: String, _ server: FakeAPIServer) throws {
            let port = port
            let api = try AdmissionCluster.client(server)
            controller = try TestController(name, api, MemoryBroker(), .system) { settings in
                settings.election.leaseDuration = .seconds(5)
                settings.election.renewDeadline = .seconds(4)
                settings.election.retryPeriod = .milliseconds(500)
                settings.admission = AdmissionCluster.settings { listening in
                    port.value.withLock { $0 = listening }
                }
            }
            let webhooks = try #require(controller.controller.admission)
            serving = Task { try await webhooks.run() }
        }

        var isReady: Bool { controller.controller.health.ready().isGood }
        var report: String { controller.controller.health.ready().text }

        func listening() async throws -> Int {
            try await eventually(by: controller) { port.value.withLock { $0 } != nil }
            return try #require(port.value.withLock { $0 })
        }

        func kill() async {
            await controller.kill()
            serving.cancel()
        }
    }

    private final class PortBox: Sendable {
        let value = Mutex<Int?>(nil)
    }

    @Test(
        "a cluster with one replica: pods get agents, objects are judged, and it was ready no sooner than it could be called"
    )
    func wholeWay() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
            let replica = try Replica("one", server)
            let port = try await replica.listening()
            #expect(!replica.isReady && replica.report.contains("[-]admission failed"))
            try AdmissionCluster.register(server.cluster, port: port)
            try await eventually(by: replica.controller) { replica.isReady }
            let admin = try AdmissionCluster.admin(server)
            let created = try await admin.create(KubernetesObject(json: Self.pod), in: .pods)
            let first = created.spec?["initContainers"]?.arrayValue?.first
            #expect(first?["name"] == "claviger-agent" && first?["restartPolicy"] == "Always")
            var strange = Self.pod
            strange["metadata"] = [
                "name": "q", "namespace": "payments", "annotations": ["claviger.dev/inject": "yes please"],
            ]
            await #expect(throws: KubernetesError.self) {
                try await admin.create(KubernetesObject(json: strange), in: .pods)
            }
            var spec = TestSpecs.release("payments")
            var policy = KubernetesObject(.releasePolicies, namespace: "payments", name: "keys")
            policy.spec = spec
            let stored = try await admin.create(policy, in: .releasePolicies)
            spec["match"] = ["resources": ["other/keys/*"], "operations": ["get"]]
            policy.spec = spec
            policy.resourceVersion = stored.resourceVersion
            do throws(KubernetesError) {
                _ = try await admin.replace(policy, in: .releasePolicies)
                Issue.record("a policy for the resources of another namespace was stored")
            } catch {
                #expect(error.message.contains("other/keys/*") || error.message.contains("'payments'"), "\(error)")
            }
            // Outside the labelled namespaces nobody is asked.
            var elsewhere = strange
            elsewhere["metadata"] = [
                "name": "q", "namespace": "claviger", "annotations": ["claviger.dev/inject": "yes"],
            ]
            let left = try await admin.create(KubernetesObject(json: elsewhere), in: .pods)
            #expect(left.spec?["initContainers"] == nil)
            await replica.kill()
        }
    }

    @Test("1.3, 2.3: two replicas and a change of leader: one authority, and nobody fights over what is trusted")
    func changeOfLeader() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
            let cluster = server.cluster
            let replicas = [try Replica("one", server), try Replica("two", server)]
            let ports = [try await replicas[0].listening(), try await replicas[1].listening()]
            try AdmissionCluster.register(cluster, port: ports[1])
            try await eventually { replicas.allSatisfy(\.isReady) }
            let bundles = try AdmissionCluster.bundles(cluster)
            #expect(bundles.count == 1)
            func versions() throws -> [String] {
                try ["Secret", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"].flatMap { kind in
                    try cluster.objects(kind).compactMap { $0["metadata"]?["resourceVersion"]?.stringValue }
                }
            }
            let before = try versions()
            func leader() throws -> String? {
                try cluster.object("Lease", "claviger", "claviger-controller")?["spec"]?["holderIdentity"]?.stringValue
            }
            let first = try leader()?.hasPrefix("one") == true ? 0 : 1
            await replicas[first].kill()
            cluster.clearRequests()
            let heir = 1 - first
            try await eventually(by: replicas[heir].controller) {
                try leader()?.hasPrefix(heir == 0 ? "one" : "two") == true
            }
            // Whoever answers, every replica serves by the same Secret.
            for port in [ports[heir]] {
                #expect(try await Self.ask(port, trusting: try #require(bundles.first)) == 200)
            }
            // The heir has looked at all of it, and so does another one.
            let looked = ["secrets/claviger-admission-tls", "validatingwebhookconfigurations/claviger"]
            try await eventually(by: replicas[heir].controller) {
                let read = cluster.requests.filter { $0.method == "GET" && $0.status == 200 }.map(\.path)
                return looked.allSatisfy { name in read.contains { $0.hasSuffix(name) } }
            }
            let assembly = try AdmissionAssembly(
                AdmissionCluster.settings(),
                profiles: InformedCache(resource: .agentProfiles, followers: [], environment: .system),
                controller: KubernetesSettings(source: "cluster", leaseNamespace: "claviger", candidate: "three"),
                api: try AdmissionCluster.client(server), environment: .system,
                metrics: ControllerMetrics(factory: MetricsRegistry()), logger: AdmissionCluster.silent)
            var publication = Publication()
            #expect(try await assembly.keeper?.pass(&publication, .unelected(fence: 1)) == false)
            #expect(try versions() == before && AdmissionCluster.bundles(cluster) == bundles)
            #expect(replicas[heir].isReady)
            await replicas[heir].kill()
        }
    }

    private static func ask(_ port: Int, trusting bundle: String) async throws -> Int {
        let client = try HTTPClient(
            configuration: HTTPClientConfiguration(trustAnchorsPEM: bundle, systemTrust: false))
        return try await ask(port, client).status
    }

    private static func ask(_ port: Int, _ client: HTTPClient, _ body: [UInt8]? = nil) async throws -> HTTPResponse {
        try await client.send(
            HTTPRequest(
                method: "POST", url: "https://localhost:\(port)/mutate?timeout=5s",
                headers: [("Content-Type", "application/json")],
                body: body ?? Reviews.pod(pod).serialized(), timeout: .seconds(20)))
    }

    /// What callers counted.
    private final class Count: Sendable {
        struct State: Sendable {
            var answered = 0
            var failed: [String] = []
            /// How often each caller has read the configurations.
            var readings: [Int: Int] = [:]
        }

        private let state = Mutex(State())

        var now: State { state.withLock { $0 } }
        func note(_ change: @Sendable (inout State) -> Void) { state.withLock { change(&$0) } }
    }

    @Test("the certificate is exchanged under load, and no call is refused")
    func exchangeUnderLoad() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
            let cluster = server.cluster
            // The first certificate is two months old: it is due for another one as soon as time is right again.
            let time = ShiftedTime(.seconds(-61 * 86_400))
            let (parts, port, serving) = try await Self.serve(server, time)
            defer { serving.cancel() }
            let keeper = try #require(parts.keeper)
            try AdmissionCluster.register(cluster, port: port)
            var publication = Publication()
            while try await keeper.pass(&publication, .unelected(fence: 1)) {}
            let old = try #require(try AdmissionCluster.bundles(cluster).first)
            let count = Count()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<4 {
                    group.addTask { try await Self.call(port, caller, cluster, count) }
                }
                try await Self.wait(count, readings: 1)
                time.pass(.seconds(61 * 86_400))
                while try await keeper.pass(&publication, .unelected(fence: 1)) {}
                let both = try #require(try AdmissionCluster.bundles(cluster).first)
                #expect(both != old && both.hasPrefix(old))
                try await Self.wait(count, readings: 3)
                time.pass(.seconds(61))
                while try await keeper.pass(&publication, .unelected(fence: 1)) {}
                try await eventually { await parts.isServing(both: both, old: old) }
                try await Self.wait(count, readings: 3)
                time.pass(.seconds(601))
                while try await keeper.pass(&publication, .unelected(fence: 1)) {}
                let new = try #require(try AdmissionCluster.bundles(cluster).first)
                #expect(!new.contains(old))
                try await Self.wait(count, readings: 3)
                #expect(try await Self.ask(port, trusting: new) == 200)
                group.cancelAll()
            }
            let result = count.now
            #expect(result.failed.isEmpty, "\(result.failed.prefix(3))")
            #expect(result.answered > 100)
        }
    }

    private static func serve(
        _ server: FakeAPIServer, _ time: ShiftedTime
    ) async throws -> (AdmissionAssembly, Int, Task<Void, any Error>) {
        let port = PortBox()
        let settings = AdmissionCluster.settings { listening in port.value.withLock { $0 = listening } }
        let api = try AdmissionCluster.client(server)
        let environment = time.environment()
        let cache = InformedCache(resource: .agentProfiles, followers: [], environment: environment)
        let parts = try AdmissionAssembly(
            settings, profiles: cache,
            controller: KubernetesSettings(source: "cluster", leaseNamespace: "claviger", candidate: "one"), api: api,
            environment: environment, metrics: ControllerMetrics(factory: MetricsRegistry()),
            logger: AdmissionCluster.silent)
        let serving = Task { try await parts.server.run() }
        var publication = Publication()
        // Nothing is registered yet; the certificate is made all the same.
        _ = try await parts.keeper?.pass(&publication, .unelected(fence: 1))
        try await eventually { port.value.withLock { $0 } != nil }
        return (parts, try #require(port.value.withLock { $0 }), serving)
    }

    /// Calls again and again: over one connection that stays open, and over new ones by a bundle that is read now and then.
    private static func call(
        _ port: Int, _ caller: Int, _ cluster: FakeCluster, _ count: Count
    ) async throws {
        var bundle = try #require(try AdmissionCluster.bundles(cluster).first)
        let lasting = try HTTPClient(
            configuration: HTTPClientConfiguration(trustAnchorsPEM: bundle, systemTrust: false))
        while !Task.isCancelled {
            bundle = try AdmissionCluster.bundles(cluster).first ?? bundle
            for isNew in [true, false, true, false, true] {
                do {
                    let client =
                        isNew
                        ? try HTTPClient(
                            configuration: HTTPClientConfiguration(trustAnchorsPEM: bundle, systemTrust: false))
                        : lasting
                    let answer = try await ask(port, client)
                    let review = try JSONObject(parsing: answer.body)
                    guard answer.status == 200, review["response"]?["allowed"] == true else { throw NeverCameToBe() }
                    count.note { $0.answered += 1 }
                } catch {
                    guard !Task.isCancelled else { return }
                    let failure = "\(isNew ? "new" : "lasting"): \(error)"
                    count.note { $0.failed.append(failure) }
                }
            }
            count.note { $0.readings[caller, default: 0] += 1 }
        }
    }

    /// Waits until each caller has read the configurations so many times more.
    private static func wait(_ count: Count, readings: Int) async throws {
        let before = count.now.readings
        try await eventually {
            let now = count.now.readings
            return (0..<4).allSatisfy { now[$0, default: 0] >= before[$0, default: 0] + readings }
        }
    }

    @Test("what is no review gets an honest status, and a body that is too long is not read")
    func status() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
            let (_, port, serving) = try await Self.serve(server, ShiftedTime())
            defer { serving.cancel() }
            let secret = try #require(try server.cluster.object("Secret", "claviger", "claviger-admission-tls"))
            let bundle = CertificateStore(KubernetesObject(json: secret)).bundle
            let client = try HTTPClient(
                configuration: HTTPClientConfiguration(trustAnchorsPEM: bundle, systemTrust: false))
            func send(_ method: String, _ path: String, _ type: String, _ body: [UInt8]) async throws -> Int {
                try await client.send(
                    HTTPRequest(
                        method: method, url: "https://localhost:\(port)\(path)", headers: [("Content-Type", type)],
                        body: body, timeout: .seconds(20))
                ).status
            }
            let good = Reviews.pod(Self.pod).serialized()
            #expect(try await send("POST", "/mutate", "application/json; charset=utf-8", good) == 200)
            #expect(try await send("POST", "/validate", "application/json", good) == 200)
            #expect(try await send("POST", "/", "application/json", good) == 404)
            #expect(try await send("PUT", "/mutate", "application/json", good) == 405)
            #expect(try await send("POST", "/mutate", "text/plain", good) == 415)
            #expect(try await send("POST", "/mutate", "application/json", Array("{}".utf8)) == 400)
            let long = [UInt8](repeating: UInt8(ascii: " "), count: Controller.AdmissionRequest.limits.maximumBytes + 1)
            #expect(try await send("POST", "/mutate", "application/json", long) == 413)
            #expect(try await send("POST", "/mutate", "application/json", good) == 200)
        }
    }
}

extension AdmissionAssembly {
    /// Whether a new connection is answered by a certificate that only the new bundle leads to.
    fileprivate func isServing(both: String, old: String) async -> Bool {
        await certificates.reload()
        guard let leaf = certificates.servedCertificate else { return false }
        let anchors = (try? Certificate.all(pem: old))?.map(\.der) ?? []
        return (try? CertificateChain.verify(leaf: leaf.der, anchors: anchors, at: Date())) == nil
    }
}
