import AdminClient
import Encodings
import Foundation
import KubernetesTestSupport
import Policy
import TestPrograms
import Testing

@testable import claviger

/// A cluster with our kinds, a broker of `claviger dev`, and the program under kubectl's plugin name.
final class KubectlFixture: Sendable {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    /// The broker of tests that have a namespace of their own, and look at nothing else.
    static let sharedBroker = SharedDevelopmentBroker()

    let cluster: FakeCluster
    /// The namespace of the kubeconfig's context.
    let namespace: String
    let admin: AdminClient
    let endpoint: BrokerEndpoint
    let environment: [String: String]
    private let folder: Scratch

    private init(_ server: FakeAPIServer, _ broker: DevelopmentBrokerProcess, namespace: String) throws {
        let home = broker.home
        let program = try #require(BuiltProgram("claviger"))
        (cluster, self.namespace, folder) = (server.cluster, namespace, try Scratch())
        let kubeconfig = folder.path + "/kubeconfig"
        try Data(server.kubeconfig(namespace: namespace).utf8).write(to: URL(filePath: kubeconfig))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/kubectl-claviger", withDestinationPath: program.path)
        environment = [
            "KUBECONFIG": kubeconfig, "CLAVIGER_HOME": home, "HOME": folder.path,
            "KUBECACHEDIR": folder.path + "/cache", "PATH": "\(folder.path):/usr/bin:/bin",
        ]
        let options = try BrokerOptions.parse(["--home", home])
        (admin, endpoint) = (try options.adminClient(), try options.endpoint())
    }

    static func run(
        namespace: String, on broker: SharedDevelopmentBroker = sharedBroker,
        _ body: @escaping @Sendable (KubectlFixture) async throws -> Void
    ) async throws {
        let cluster = try FakeCluster()
        for definition in Policy.CustomResourceDefinition.all { try cluster.create(definition.json) }
        for name in [namespace, "claviger"] {
            try cluster.create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        }
        try await broker.use { process in
            try await FakeAPIServer.run(cluster) { server in
                try await body(KubectlFixture(server, process, namespace: namespace))
            }
        }
    }

    /// Runs the program as kubectl does.
    func kubectl(_ arguments: String..., environment more: [String: String] = [:]) async throws -> Answer {
        try await kubectl(arguments, environment: more)
    }

    /// Runs the program as kubectl does.
    func kubectl(_ arguments: [String], environment more: [String: String] = [:]) async throws -> Answer {
        let all = environment.merging(more) { $1 }
        let run = try RunningProgram(folder.path + "/kubectl-claviger", arguments, environment: all)
        return Answer(status: await run.status(), output: run.outputText, errors: run.errorText)
    }

    /// Runs the program by its own name.
    @discardableResult
    func claviger(_ arguments: String...) async throws -> Answer {
        let run = try await #require(BuiltProgram("claviger")).run(arguments, environment: environment)
        return Answer(status: await run.status(), output: run.outputText, errors: run.errorText)
    }

    /// What a command answered.
    struct Answer {
        let status: Int32
        let output: String
        let errors: String

        var json: JSONValue { get throws { try JSONValue(parsing: output) } }
    }

    func file(_ name: String, _ text: String) throws -> String {
        let path = folder.path + "/" + name
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    /// Stores a resource of the namespace.
    func put(_ name: String) async throws {
        try await claviger("resource", "put", "\(namespace)/\(name)", "--file", try file("value", "value"))
    }

    /// Asks for a resource of the namespace as a guest does.
    @discardableResult
    func ask(_ name: String, initData: String? = nil) async throws -> Answer {
        let more = initData.map { ["--init-data", $0] } ?? []
        let arguments = ["resource", "get", "\(namespace)/\(name)", "--allow-sample", "--force"] + more
        let run = try await #require(BuiltProgram("claviger")).run(arguments, environment: environment)
        return Answer(status: await run.status(), output: run.outputText, errors: run.errorText)
    }

    /// A release policy of the namespace about its resources of a type, or all of them, as an object.
    func policy(_ name: String, about type: String = "**", validation: String? = nil) -> JSONObject {
        var spec: JSONObject = ["match": ["resources": [.string("\(namespace)/\(type)")]]]
        if let validation {
            spec["validations"] = [["expression": .string(validation), "message": "only real hardware"]]
        }
        return [
            "apiVersion": .string(PolicyDocument.apiVersion), "kind": "ReleasePolicy",
            "metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": .object(spec),
        ]
    }

    /// Creates the object and hands it to the broker, as an administrator does.
    func apply(_ policy: JSONObject) async throws {
        try cluster.create(policy)
        _ = try await admin.applyPolicies(yaml: policy.serializedString())
    }

    /// Creates a pod with an agent that fetches these resources.
    func pod(_ name: String, fetching resources: [String] = [], annotations: JSONObject = [:]) throws {
        let arguments = resources.map { JSONValue.string("--project=kbs:///\(namespace)/\($0)=/run/keys/x") }
        try cluster.create([
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": .string(namespace), "annotations": .object(annotations),
            ],
            "spec": [
                "runtimeClassName": "kata-qemu-snp",
                "initContainers": [
                    [
                        "name": "agent", "image": "registry.example/claviger/attestation-agent:1",
                        "args": .array(arguments),
                    ]
                ],
                "containers": [["name": "app", "image": "registry.example/app:1"]],
            ],
        ])
    }

    /// Has the kubelet say of the pod's agent that it ended with a message.
    func endAgent(of pod: String, saying message: String) throws {
        try setAgent(
            of: pod,
            [
                "restartCount": 3,
                "state": ["terminated": ["exitCode": 2, "reason": "Error", "message": .string(message)]],
            ])
    }

    /// Has the kubelet say how the pod's agent stands.
    func setAgent(of pod: String, _ state: JSONObject) throws {
        var status: JSONObject = [
            "name": "agent", "ready": false, "restartCount": 0, "image": "x", "imageID": "x",
        ]
        for (name, value) in state { status[name] = value }
        try cluster.patch(
            "Pod", namespace, pod, subresource: "status",
            ["status": ["phase": "Pending", "initContainerStatuses": [.object(status)]]])
    }
}
