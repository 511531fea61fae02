import Encodings
import Foundation
import Kubernetes
import KubernetesTestSupport
import Logging
import Policy
import Synchronization

@testable import Controller

/// A cluster that calls admission webhooks, and a service account that may do what the documents say.
enum AdmissionCluster {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Whose roles the controller has.
    enum Roles {
        /// Those that the documents have people copy.
        case documents
        /// Those of the chart, as Helm renders them: scripts/chart.sh holds the file against the chart.
        case chart
    }

    static func make(_ roles: Roles = .documents) throws -> FakeCluster {
        let cluster = try FakeCluster { $0.bookmarkInterval = .milliseconds(500) }
        for definition in Policy.CustomResourceDefinition.all { try cluster.create(definition.json) }
        for (name, labels) in [("claviger", [:]), ("payments", ["claviger.dev/injection": "enabled"] as JSONObject)] {
            try cluster.create([
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": ["name": .string(name), "labels": .object(labels)],
            ])
        }
        switch roles {
        case .documents:
            for document in ["controller.md", "injection.md"] {
                for role in try Self.roles(document) { try cluster.create(role) }
            }
        case .chart:
            let text = try text("Tests/ControllerTests/Policies/chart-roles.yaml")
            for role in try YAMLObjects.objects(in: text) { try cluster.create(role) }
        }
        return cluster
    }

    private static func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The roles that a document has people copy.
    static func roles(_ document: String) throws -> [JSONObject] {
        let text = try text("docs/\(document)")
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
        return try blocks.filter { $0.hasPrefix("apiVersion: rbac.authorization.k8s.io/v1") }
            .flatMap { try YAMLObjects.objects(in: $0) }
    }

    /// The controller's way to the cluster.
    static func client(
        _ server: FakeAPIServer, _ environment: RuntimeEnvironment = .system
    ) throws -> KubernetesClient {
        let token = try server.cluster.token(forServiceAccount: "claviger-controller", namespace: "claviger")
        var configuration = try KubernetesConfiguration(
            server: server.baseURL, authority: .pem(server.authorityPEM),
            credential: .token(SecretBytes(Array(token.utf8))))
        configuration.requestsPerSecond = 1_000
        configuration.burst = 1_000
        return try KubernetesClient(configuration, environment: environment)
    }

    /// The administrator's.
    static func admin(_ server: FakeAPIServer) throws -> KubernetesClient {
        let folder = FileManager.default.temporaryDirectory.appending(path: "kubeconfig-\(UUID().uuidString)")
        try server.kubeconfig().write(to: folder, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try KubernetesClient(KubernetesConfiguration.kubeconfig(files: [folder.path], context: nil))
    }

    /// The two configurations as docs/injection.md describes them, for webhooks at a port of this machine.
    static func register(_ cluster: FakeCluster, port: Int) throws {
        func webhook(_ name: String, _ path: String, _ rule: JSONValue, _ more: JSONObject) -> JSONValue {
            var webhook: JSONObject = [
                "name": .string(name), "clientConfig": ["url": .string("https://localhost:\(port)\(path)")],
                "rules": [rule], "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 5,
                "admissionReviewVersions": ["v1"],
            ]
            for (name, value) in more { webhook[name] = value }
            return .object(webhook)
        }
        try cluster.create([
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": ["name": "claviger"],
            "webhooks": [
                webhook(
                    "validate.claviger.dev", "/validate",
                    [
                        "apiGroups": ["claviger.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE", "UPDATE"],
                        "resources": ["*"],
                    ], [:])
            ],
        ])
        try cluster.create([
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": ["name": "claviger"],
            "webhooks": [
                webhook(
                    "inject.claviger.dev", "/mutate",
                    ["apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]],
                    [
                        "reinvocationPolicy": "IfNeeded",
                        "namespaceSelector": ["matchLabels": ["claviger.dev/injection": "enabled"]],
                    ])
            ],
        ])
    }

    static func settings(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) -> AdmissionSettings {
        var settings = AdmissionSettings(host: "127.0.0.1", port: 0)
        settings.hosts = ["localhost"]
        settings.injection = PodFiles.settings
        settings.onListening = onListening
        settings.lingering = .milliseconds(100)
        return settings
    }

    /// What API servers trust, by the configurations.
    static func bundles(_ cluster: FakeCluster) throws -> Set<String> {
        let kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]
        return Set(
            try kinds.flatMap { try cluster.objects($0) }.flatMap { $0["webhooks"]?.arrayValue ?? [] }
                .map { webhook in
                    let text = webhook["clientConfig"]?["caBundle"]?.stringValue ?? ""
                    return String(decoding: (try? Base64.decode(text)) ?? [], as: UTF8.self)
                })
    }
}

/// The machine's time, a little or much later.
final class ShiftedTime: Sendable {
    private let shift = Mutex<Duration>(.zero)

    init(_ shift: Duration = .zero) { self.shift.withLock { $0 = shift } }

    func pass(_ duration: Duration) { shift.withLock { $0 += duration } }

    /// - Parameter isSteady: whether waits and spans are not shifted, but only the time of day.
    func environment(isSteady: Bool = false) -> RuntimeEnvironment {
        RuntimeEnvironment(
            now: { isSteady ? .now : .now + self.shift.withLock { $0 } },
            wallTime: { Date().addingTimeInterval(self.shift.withLock { $0 } / .seconds(1)) },
            sleep: RuntimeEnvironment.system.sleep, random: RuntimeEnvironment.system.random)
    }
}
