import Encodings
import Foundation
import Kubernetes
import KubernetesTestSupport
import Policy
import Testing

@testable import Controller

/// The controller at the API server of `CLAVIGER_CONFORMANCE_KUBECONFIG`, or at one of the repository's own.
@Suite("Conformance: our controller", .timeLimit(.minutes(5)))
struct ControllerConformance {
    private static let definitions = APIResource(
        group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition", isNamespaced: false)

    private static func run(
        _ body: @Sendable (KubernetesClient, _ namespace: String) async throws -> Void
    ) async throws {
        if let kubeconfig = ProcessInfo.processInfo.environment["CLAVIGER_CONFORMANCE_KUBECONFIG"] {
            return try await prepared(kubeconfig, body)
        }
        try await FakeAPIServer.run { server in
            let file = FileManager.default.temporaryDirectory.appending(path: "kubeconfig-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: file) }
            try Data(server.kubeconfig().utf8).write(to: file)
            try await prepared(file.path, body)
        }
    }

    /// With our kinds, defined where they are missing, and a namespace that is removed afterwards. The definitions stay:
    /// scripts/conformance.sh checks those that were there before and removes those that were not.
    private static func prepared(
        _ kubeconfig: String, _ body: @Sendable (KubernetesClient, _ namespace: String) async throws -> Void
    ) async throws {
        let client = try KubernetesClient(KubernetesConfiguration.kubeconfig(files: [kubeconfig]))
        for definition in Policy.CustomResourceDefinition.all {
            try await define(KubernetesObject(json: definition.json), client)
        }
        for resource in [APIResource.releasePolicies, .brokeredSecrets, .agentProfiles, .referenceValues] {
            // A real server takes a moment until it serves a new kind.
            try await eventually { (try? await client.list(resource, namespace: "default", ListOptions())) != nil }
        }
        let namespace = "claviger-controller-\(UUID().uuidString.lowercased().prefix(8))"
        _ = try await client.create(KubernetesObject(.namespaces, namespace: nil, name: namespace), in: .namespaces)
        let result: Result<Void, any Error>
        do { result = .success(try await body(client, namespace)) } catch { result = .failure(error) }
        // A controller that ended half-way has not let go of what it held, and a test that was cancelled asks no more.
        try await Task {
            for secret in try await client.list(.brokeredSecrets, namespace: namespace, ListOptions()).items {
                _ = try? await client.mergePatch(
                    ["metadata": ["finalizers": .null]], to: .brokeredSecrets, namespace: namespace, name: secret.name,
                    subresource: nil)
            }
            try await client.delete(.namespaces, namespace: nil, name: namespace, preconditions: nil)
        }.value
        try result.get()
    }

    private static func define(_ definition: KubernetesObject, _ client: KubernetesClient) async throws {
        do throws(KubernetesError) {
            _ = try await client.create(definition, in: definitions)
        } catch {
            guard error.kind == .alreadyExists else { throw error }
        }
    }

    private static func make(
        _ resource: APIResource, _ namespace: String, _ name: String, _ spec: JSONObject, _ client: KubernetesClient
    ) async throws {
        var object = KubernetesObject(resource, namespace: namespace, name: name)
        object.spec = spec
        _ = try await client.create(object, in: resource)
    }

    @Test("policies and secrets are carried, statuses fit their schemas, finalizers come and go, events are told")
    func works() async throws {
        try await Self.run { client, namespace in
            let broker = MemoryBroker()
            let controller = try TestController("conformance", client, broker, .system) { settings in
                settings.namespaces = [namespace]
                settings.watchesClusterKinds = false
                settings.leaseNamespace = namespace
                settings.debounce = .milliseconds(10)
            }
            do {
                try await Self.exercise(client, namespace, broker, controller)
            } catch {
                await controller.kill()
                throw error
            }
            await controller.kill()
        }
    }

    @Test(
        "with a broker on a database of its own: Programmed is what its replicas say, and no policy outlives its object"
    )
    func worksWithBroker() async throws {
        try await BrokerFixture.run { fixture in
            try await Self.run { client, namespace in
                let link = BrokerLink(source: "cluster", client: fixture.controller)
                let controller = try TestController("conformance", client, link, .system) { settings in
                    settings.namespaces = [namespace]
                    settings.watchesClusterKinds = false
                    settings.leaseNamespace = namespace
                    settings.debounce = .milliseconds(10)
                }
                do {
                    try await Self.make(.releasePolicies, namespace, "first", TestSpecs.release(namespace), client)
                    try await eventually(by: controller, atMost: .seconds(120)) {
                        try await client.get(.releasePolicies, namespace: namespace, name: "first").isProgrammed
                    }
                    #expect(try await fixture.admin.policies().map(\.name).contains("first"))
                    try await client.delete(
                        .releasePolicies, namespace: namespace, name: "first", preconditions: nil)
                    try await eventually(by: controller, atMost: .seconds(120)) {
                        try await !fixture.admin.policies().map(\.name).contains("first")
                    }
                } catch {
                    await controller.kill()
                    throw error
                }
                await controller.kill()
            }
        }
    }

    private static func exercise(
        _ client: KubernetesClient, _ namespace: String, _ broker: MemoryBroker, _ controller: TestController
    ) async throws {
        var database = KubernetesObject(.secrets, namespace: namespace, name: "database")
        database.json["data"] = ["password": "dmFsdWU="]
        _ = try await client.create(database, in: .secrets)
        try await make(.releasePolicies, namespace, "first", TestSpecs.release(namespace), client)
        let path: JSONValue = ["type": "keys", "tag": "db"]
        try await make(
            .brokeredSecrets, namespace, "db",
            ["path": path, "secretRef": ["name": "database", "key": "password"]], client)
        func policy() async throws -> KubernetesObject {
            try await client.get(.releasePolicies, namespace: namespace, name: "first")
        }
        func secret() async throws -> KubernetesObject {
            try await client.get(.brokeredSecrets, namespace: namespace, name: "db")
        }
        try await eventually(by: controller) {
            let isReady = try await secret().holds("Ready")
            guard isReady else { return false }
            return try await policy().isProgrammed
        }
        #expect(try await policy().status?["programmed"] == ["replicas": 1, "ready": 1])
        #expect(try await secret().finalizers == [SecretReconciler.finalizer])
        #expect(broker.secret(namespace, "db")?.request.value == SecretBytes(Array("value".utf8)))

        // A change is noticed, and the status speaks of the new version.
        var changed = try await policy()
        changed.spec = TestSpecs.release(namespace, tag: "one")
        _ = try await client.replace(changed, in: .releasePolicies, subresource: nil)
        try await eventually(by: controller) {
            let object = try await policy()
            return object.isProgrammed && object.generation == 2
        }
        try await client.delete(.brokeredSecrets, namespace: namespace, name: "db", preconditions: nil)
        try await client.delete(.releasePolicies, namespace: namespace, name: "first", preconditions: nil)
        try await eventually(by: controller) {
            try await client.list(.brokeredSecrets, namespace: namespace, ListOptions()).items.isEmpty
                && broker.documents.isEmpty && broker.removals.count == 1
        }
        try await eventually(by: controller) {
            try await !client.list(.events, namespace: namespace, ListOptions()).items.isEmpty
        }
    }
}
