import Encodings
import Foundation
import Kubernetes
import KubernetesTestSupport
import Policy
import Synchronization
import Testing

@testable import Controller

/// The whole way over TLS: the client, caches and election on an API server with schemas, roles and tokens.
@Suite("A controller and an API server over the wire", .timeLimit(.minutes(5)))
struct ControllerOverHTTPTests {
    static let namespace = "payments"

    /// A cluster with our kinds, and a service account that may do what docs/controller.md says and nothing else.
    ///
    /// - Parameter issuer: who makes its tokens; nil for the server's address.
    static func cluster(
        issuer: String? = "https://kubernetes.default.svc.cluster.local"
    ) throws -> FakeCluster {
        let cluster = try FakeCluster { settings in
            settings.issuer = issuer
            // Silence is a sign only where bookmarks break it.
            settings.bookmarkInterval = .milliseconds(500)
        }
        for definition in Policy.CustomResourceDefinition.all { try cluster.create(definition.json) }
        for name in ["claviger", namespace] {
            try cluster.create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        }
        let roles = try documentedRoles()
        try #require(roles.count == 6, "the document has a role and a binding for each of three purposes")
        for role in roles { try cluster.create(role) }
        return cluster
    }

    private static func token(_ cluster: FakeCluster) throws -> String {
        try cluster.token(forServiceAccount: "claviger-controller", namespace: "claviger")
    }

    /// The roles that the document has people copy.
    private static func documentedRoles() throws -> [JSONObject] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/controller.md"), encoding: .utf8)
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
        return try blocks.filter { $0.hasPrefix("apiVersion: rbac.authorization.k8s.io/v1") }
            .flatMap { try YAMLObjects.objects(in: $0) }
    }

    private static func client(
        _ server: FakeAPIServer, tokenFile: URL, idle: Duration = .seconds(130)
    ) throws -> KubernetesClient {
        var configuration = try KubernetesConfiguration(
            server: server.baseURL, authority: .pem(server.authorityPEM), credential: .tokenFile(tokenFile.path))
        configuration.watchIdleLimit = idle
        configuration.requestsPerSecond = 1_000
        configuration.burst = 1_000
        return try KubernetesClient(configuration)
    }

    private static func start(_ api: KubernetesClient, _ broker: MemoryBroker) throws -> TestController {
        try TestController("one", api, broker, .system) { settings in
            settings.debounce = .milliseconds(10)
            settings.leaseNamespace = "claviger"
            // An outage of this length is what a test makes, not what it is about.
            settings.election.leaseDuration = .seconds(120)
            settings.election.renewDeadline = .seconds(90)
            settings.election.retryPeriod = .seconds(1)
        }
    }

    static func policy(_ name: String, tag: String = "*") -> JSONObject {
        [
            "apiVersion": "claviger.dev/v1alpha1", "kind": "ReleasePolicy",
            "metadata": ["name": .string(name), "namespace": .string(namespace)],
            "spec": .object(TestSpecs.release(namespace, tag: tag)),
        ]
    }

    static func isProgrammed(_ cluster: FakeCluster, _ name: String) throws -> Bool {
        try cluster.object("ReleasePolicy", namespace, name).map { KubernetesObject(json: $0).isProgrammed } ?? false
    }

    private static func run(
        idle: Duration = .seconds(130),
        _ body: @Sendable (FakeAPIServer, MemoryBroker, TestController, URL) async throws -> Void
    ) async throws {
        let cluster = try cluster()
        let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(token(cluster).utf8).write(to: file)
        try await FakeAPIServer.run(cluster) { server in
            let broker = MemoryBroker()
            let controller = try start(client(server, tokenFile: file, idle: idle), broker)
            do {
                try await body(server, broker, controller, file)
            } catch {
                let answers = cluster.requests.suffix(20).map { "\($0.status) \($0.method) \($0.path)" }
                Issue.record("the last answers were:\n\(answers.joined(separator: "\n"))")
                await controller.kill()
                throw error
            }
            await controller.kill()
        }
    }

    @Test(
        "Operator defects 3 and 4: the rights that the documentation gives are enough, and no other Secret is touched")
    func rights() async throws {
        try await Self.run { server, broker, controller, _ in
            let cluster = server.cluster
            for name in ["database", "unrelated"] {
                try cluster.create([
                    "apiVersion": "v1", "kind": "Secret",
                    "metadata": ["name": .string(name), "namespace": .string(Self.namespace)],
                    "data": ["password": "dmFsdWU="],
                ])
            }
            try cluster.create(Self.policy("first"))
            try cluster.create([
                "apiVersion": "claviger.dev/v1alpha1", "kind": "BrokeredSecret",
                "metadata": ["name": "db", "namespace": .string(Self.namespace)],
                "spec": [
                    "path": ["type": "keys", "tag": "db"], "secretRef": ["name": "database", "key": "password"],
                ],
            ])
            try await eventually(by: controller) {
                try Self.isProgrammed(cluster, "first")
                    && cluster.object("BrokeredSecret", Self.namespace, "db").map {
                        KubernetesObject(json: $0).holds("Ready")
                    } == true
            }
            #expect(broker.secret(Self.namespace, "db")?.request.value == SecretBytes(Array("value".utf8)))
            let object = try #require(try cluster.object("ReleasePolicy", Self.namespace, "first"))
            #expect(object["status"]?["programmed"] == ["replicas": 1, "ready": 1])
            try cluster.delete("BrokeredSecret", Self.namespace, "db")
            try await eventually(by: controller) {
                try cluster.object("BrokeredSecret", Self.namespace, "db") == nil && !cluster.objects("Event").isEmpty
            }
            let asked = cluster.requests.filter { $0.user == "system:serviceaccount:claviger:claviger-controller" }
            #expect(!asked.isEmpty && asked.allSatisfy { $0.status != 401 && $0.status != 403 })
            let secrets = asked.filter { $0.path.contains("/secrets") }
            #expect(secrets.contains { $0.query["watch"] != nil })
            #expect(
                secrets.allSatisfy { request in
                    request.path == "/api/v1/namespaces/payments/secrets/database"
                        || request.path == "/api/v1/namespaces/payments/secrets"
                            && request.query["fieldSelector"] == "metadata.name=database"
                })
        }
    }

    @Test("the API server is restarted, forgets its past and its clients' tokens: the controller goes on")
    func restarted() async throws {
        try await Self.run { server, broker, controller, file in
            let cluster = server.cluster
            try cluster.create(Self.policy("first"))
            try await eventually(by: controller) { try Self.isProgrammed(cluster, "first") }
            await server.stop()
            try cluster.create(Self.policy("second", tag: "two"))
            try cluster.delete("ReleasePolicy", Self.namespace, "first")
            cluster.compact()
            try cluster.rotateTokenKey(forgettingFormerKeys: true)
            try Data(Self.token(cluster).utf8).write(to: file, options: .atomic)
            try await server.start()
            try await eventually(by: controller) {
                try Self.isProgrammed(cluster, "second")
                    && broker.documents.keys.sorted() == ["ReleasePolicy/payments/second"]
            }
        }
    }

    @Test("a watch that silently stalls is given up, and what happened meanwhile is made up for")
    func stalled() async throws {
        try await Self.run(idle: .seconds(5)) { server, broker, controller, _ in
            let cluster = server.cluster
            func watches() -> Int {
                cluster.requests.count { $0.path.hasSuffix("/releasepolicies") && $0.query["watch"] != nil }
            }
            try cluster.create(Self.policy("first"))
            try await eventually(by: controller) {
                try Self.isProgrammed(cluster, "first") && cluster.watchCount(of: "releasepolicies") == 1
            }
            let before = watches()
            cluster.disturbWatches(of: "releasepolicies", .stall)
            try cluster.create(Self.policy("second", tag: "two"))
            try cluster.delete("ReleasePolicy", Self.namespace, "first")
            try await eventually(by: controller) {
                try Self.isProgrammed(cluster, "second")
                    && broker.documents.keys.sorted() == ["ReleasePolicy/payments/second"]
            }
            #expect(watches() > before, "only another watch can have told it")
        }
    }

    @Test("what somebody else says in a status stays, and is no reason to write the status again")
    func otherManager() async throws {
        try await Self.run { server, broker, controller, file in
            let cluster = server.cluster
            try cluster.create(Self.policy("first"))
            try await eventually(by: controller) { try Self.isProgrammed(cluster, "first") }
            let adminFile = file.appendingPathExtension("admin")
            defer { try? FileManager.default.removeItem(at: adminFile) }
            try Data(cluster.adminToken.utf8).write(to: adminFile)
            var said = KubernetesObject(.releasePolicies, namespace: Self.namespace, name: "first")
            said.status = [
                "conditions": [
                    [
                        "type": "Audited", "status": "True", "reason": "Looked", "message": "by somebody",
                        "lastTransitionTime": "2026-01-01T00:00:00Z",
                    ]
                ]
            ]
            _ = try await Self.client(server, tokenFile: adminFile).apply(
                said, to: .releasePolicies, fieldManager: "auditor", force: false, subresource: "status")
            await controller.kill()
            func writes() -> Int {
                cluster.requests.count { $0.method == "PATCH" && $0.path.hasSuffix("/releasepolicies/first/status") }
            }
            let before = writes()
            // A process that is new compares all statuses with what it would say.
            let second = try Self.start(Self.client(server, tokenFile: file), broker)
            try cluster.create(Self.policy("second", tag: "two"))
            try await eventually(by: second) { try Self.isProgrammed(cluster, "second") }
            #expect(writes() == before)
            let object = try #require(try cluster.object("ReleasePolicy", Self.namespace, "first"))
            #expect(KubernetesObject(json: object).condition("Audited")?["reason"] == "Looked")
            #expect(KubernetesObject(json: object).isProgrammed)
            await second.kill()
        }
    }

    @Test("a server whose test was ended while it began does not hold the run up")
    func endedWhileBeginning() async throws {
        let ended = Mutex(0)
        for _ in 0..<4 {
            Task { @Sendable in
                withUnsafeCurrentTask { $0?.cancel() }
                // Whether it was faster than its end is nothing to this test.
                try? await FakeAPIServer.run { _ in }
                ended.withLock { $0 += 1 }
            }
        }
        try await eventually { ended.withLock { $0 } == 4 }
    }

    @Test("no token is made in the name of nobody: it would be refused as soon as the server has its address")
    func tokenOfNobody() throws {
        let cluster = try FakeCluster()
        #expect(throws: (any Error).self) {
            try cluster.token(forServiceAccount: "claviger-controller", namespace: "default")
        }
    }
}
