import CEL
import Encodings
import Foundation
import Kubernetes
import Testing

@testable import Controller
@testable import KubernetesTestSupport

/// The injection as a policy of the cluster. After a change that is wanted:
///
///     CLAVIGER_REGENERATE_PODS=1 swift test --filter InjectionPolicyTests
@Suite("The injection without a webhook")
struct InjectionPolicyTests {
    private static let policy = InjectionPolicy(PodFiles.settings)
    private static let environment = CELEnvironment(variableNames: ["object", "oldObject", "variables"])

    private static func evaluate(_ text: String, _ values: [String: CELValue]) throws -> CELValue {
        try CELProgram(text, environment: environment).evaluate(values, costLimit: 10_000_000)
    }

    /// What an API server with the policy makes of a pod: `nil` when its conditions leave the pod alone.
    private static func inject(_ pod: JSONObject) throws -> JSONObject? {
        let parts = try policy.parts()
        var values = ["object": CELValue(.object(pod)), "variables": CELValue.emptyMap]
        let spec = try #require(policy.mutating(parts)["spec"])
        for condition in spec["matchConditions"]?.arrayValue ?? [] {
            guard case .bool(true) = try evaluate(condition["expression"]?.stringValue ?? "", values) else {
                return nil
            }
        }
        var known = CELMap()
        for variable in InjectionPolicy.variables {
            let text = policy.expression(of: variable.field, otherwise: variable.otherwise)
            _ = known.insert(try evaluate(text, values), for: .string(variable.name))
            values["variables"] = .map(known)
        }
        let changes = try evaluate(policy.patch(parts, isTyped: false), values)
        let operations = try #require(changes.json()?.arrayValue)
        return try Patches.patched(.object(pod), operations).objectValue
    }

    /// Whether the second policy lets the pod be stored.
    private static func isLetPass(_ pod: JSONObject) throws -> Bool {
        try isLetPass(policy.guarding(try policy.parts()), pod)
    }

    /// Whether the third policy lets the pod be changed.
    private static func isKept(_ pod: JSONObject, from former: JSONObject) throws -> Bool {
        try isLetPass(policy.keeping, pod, former)
    }

    private static func isLetPass(
        _ policy: JSONObject, _ pod: JSONObject, _ former: JSONObject? = nil
    ) throws -> Bool {
        var values = [
            "object": CELValue(.object(pod)), "oldObject": CELValue(former.map { .object($0) } ?? .null),
            "variables": CELValue.emptyMap,
        ]
        let spec = try #require(policy["spec"])
        for condition in spec["matchConditions"]?.arrayValue ?? [] {
            guard case .bool(true) = try evaluate(condition["expression"]?.stringValue ?? "", values) else {
                return true
            }
        }
        var known = CELMap()
        for variable in spec["variables"]?.arrayValue ?? [] {
            let name = try #require(variable["name"]?.stringValue)
            guard let value = try? evaluate(variable["expression"]?.stringValue ?? "", values) else { continue }
            _ = known.insert(value, for: .string(name))
            values["variables"] = .map(known)
        }
        // What cannot be evaluated refuses: the policies fail closed.
        return (spec["validations"]?.arrayValue ?? []).allSatisfy { validation in
            (try? evaluate(validation["expression"]?.stringValue ?? "", values)) == .bool(true)
        }
    }

    private static func withoutStatus(_ pod: JSONObject) -> JSONObject {
        var (pod, metadata) = (pod, pod["metadata"]?.objectValue ?? [:])
        var annotations = metadata["annotations"]?.objectValue ?? [:]
        annotations["claviger.dev/agent-status"] = nil
        metadata["annotations"] = .object(annotations)
        pod["metadata"] = .object(metadata)
        return pod
    }

    @Test("policy and webhook make the same of a pod that asks with 'true'")
    func same() async throws {
        // Without profiles: the policy knows none.
        let injector = PodInjector(settings: PodFiles.settings, authorities: nil, profiles: GivenProfiles())
        var compared = 0
        for name in try PodFiles.names {
            let pod = try PodFiles.pod(name)
            guard pod["metadata"]?["annotations"]?["claviger.dev/inject"] == "true" else { continue }
            let (answer, wanted) = try await PodFiles.inject(pod, injector)
            guard answer.refusal == nil, !answer.patch.isEmpty else { continue }
            let made = try #require(try Self.inject(pod), "\(name)")
            #expect(Self.withoutStatus(made) == Self.withoutStatus(wanted), "\(name)")
            #expect(try Self.inject(made) == nil && Self.isLetPass(made), "\(name), second pass")
            compared += 1
        }
        #expect(compared >= 6)
    }

    @Test("no pod that asks starts without the agent: where there is no webhook, the second policy refuses it")
    func guardRail() async throws {
        for name in [
            "foreign-agent", "taken-name", "host-network", "host-processes", "files", "strange-wish", "upper-case-wish",
            "empty-wish",
        ] {
            let pod = try PodFiles.pod(name)
            let stored = try Self.inject(pod) ?? pod
            #expect(try !Self.isLetPass(stored), "\(name)")
        }
        for name in ["not-asked", "opted-out"] {
            let pod = try PodFiles.pod(name)
            #expect(try Self.inject(pod) == nil && Self.isLetPass(pod), "\(name)")
        }
        #expect(try !Self.isLetPass(try PodFiles.pod("plain")), "a pod that the first policy did not get to see")
    }

    @Test(
        "A30: an agent made by hand that differs from the cluster's in one field is refused, also where only its name is looked for",
        arguments: HostileAgents.all)
    func madeByHand(_ hostile: HostileAgents) throws {
        let honest = PodGoldenTests.asStored(try #require(try Self.inject(try PodFiles.pod("plain"))))
        #expect(try Self.isLetPass(honest))
        let pod = try Patches.patched(.object(honest), [hostile.change]).objectValue ?? [:]
        #expect(pod != honest)
        #expect(try Self.inject(pod) == nil, "the first policy makes it right by itself")
        #expect(try !Self.isLetPass(pod))
    }

    @Test("A30: each field that the first policy writes is compared by the second")
    func everyField() throws {
        let honest = try #require(try Self.inject(try PodFiles.pod("plain")))
        let container = try #require(honest["spec"]?["initContainers"]?.arrayValue?.first)
        let volume = try #require(honest["spec"]?["volumes"]?.arrayValue?.first)
        let fields =
            HostileAgents.leaves(container, "/spec/initContainers/0") + HostileAgents.leaves(volume, "/spec/volumes/0")
        var compared = 0
        for field in fields where !AgentParts.changeable.contains(where: { field.contains("/\($0)") }) {
            for change in [["op": "remove", "path": .string(field)], HostileAgents.another(field)] as [JSONValue] {
                let pod = try Patches.patched(.object(honest), [change]).objectValue ?? [:]
                #expect(try !Self.isLetPass(pod), "\(change)")
            }
            compared += 1
        }
        #expect(compared >= 25)
    }

    @Test("what API servers and other policies rightly add to an agent does not keep its pod from being stored")
    func completed() throws {
        for name in ["plain", "pod-user", "pod-of-root", "init-containers"] {
            let pod = try PodFiles.pod(name)
            guard pod["metadata"]?["annotations"]?["claviger.dev/inject"] == "true" else { continue }
            let made = PodGoldenTests.asStored(try #require(try Self.inject(pod), "\(name)"))
            let completed = try Patches.patched(
                .object(made),
                [
                    ["op": "add", "path": "/spec/initContainers/0/imagePullPolicy", "value": "Always"],
                    [
                        "op": "add", "path": "/spec/initContainers/0/resizePolicy",
                        "value": [["resourceName": "cpu", "restartPolicy": "NotRequired"]],
                    ],
                    ["op": "add", "path": "/metadata/annotations/example.org~1a", "value": "b"],
                ])
            #expect(try Self.isLetPass(try #require(completed.objectValue)), "\(name)")
        }
    }

    @Test("the agent of a running pod and its configuration are not exchanged; anything else of the pod may change")
    func keeping() throws {
        let pod = try #require(try Self.inject(try PodFiles.pod("plain")))
        func changed(_ op: String, _ path: String, _ value: JSONValue = "x") throws -> JSONObject {
            var change: JSONObject = ["op": .string(op), "path": .string(path)]
            if op != "remove" { change["value"] = value }
            return try #require(try Patches.patched(.object(pod), [.object(change)]).objectValue)
        }
        let annotations = "/metadata/annotations/claviger.dev~1agent-"
        for (op, path) in [
            ("replace", "/spec/initContainers/0/image"), ("replace", annotations + "config"),
            ("replace", annotations + "ca"), ("remove", annotations + "config"), ("remove", annotations + "ca"),
            ("add", annotations + "other"), ("remove", "/metadata/annotations"), ("remove", "/spec/initContainers"),
        ] {
            #expect(try !Self.isKept(try changed(op, path), from: pod), "\(op) \(path)")
        }
        for (path, value) in [
            ("/spec/containers/0/image", "registry.example/app:2"), ("/metadata/annotations/example.org~1a", "b"),
            ("/metadata/labels", ["a": "b"]), ("/metadata/finalizers", []),
        ] as [(String, JSONValue)] {
            #expect(try Self.isKept(try changed("add", path, value), from: pod), "\(path)")
        }
        let other = try PodFiles.pod("not-asked")
        let changes =
            [
                ["op": "add", "path": "/metadata/annotations", "value": ["claviger.dev/agent-config": "x"]]
            ] as [JSONValue]
        let annotated = try #require(try Patches.patched(.object(other), changes).objectValue)
        #expect(try Self.isKept(annotated, from: other), "a pod without an agent")
    }

    @Test("an API server with the printed policies and no webhook makes of pods what the webhook makes of them")
    func onServer() async throws {
        let injector = PodInjector(settings: PodFiles.settings, authorities: nil, profiles: GivenProfiles())
        try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
            for object in try YAMLObjects.objects(in: try Self.policy.yaml()) { try server.cluster.create(object) }
            let admin = try AdmissionCluster.admin(server)
            func create(_ name: String, in namespace: String) async throws(KubernetesError) -> KubernetesObject {
                guard var pod = try? PodFiles.pod(name) else { return KubernetesObject(json: [:]) }
                var metadata = pod["metadata"]?.objectValue ?? [:]
                metadata["namespace"] = .string(namespace)
                metadata["ownerReferences"] = nil
                pod["metadata"] = .object(metadata)
                return try await admin.create(KubernetesObject(json: pod), in: .pods)
            }
            for name in ["plain", "pod-user", "pod-of-root", "port-taken", "selected-and-asked"] {
                let stored = try await create(name, in: "payments")
                let wanted = try await PodFiles.inject(try PodFiles.pod(name), injector).pod
                for list in ["initContainers", "volumes", "containers"] {
                    #expect(stored.spec?[list] == wanted["spec"]?[list], "\(name): \(list)")
                }
                #expect(stored.annotations["claviger.dev/agent-ca"] == PodFiles.settings.authorities)
            }
            for name in ["files", "host-network", "host-processes", "strange-wish", "foreign-agent", "taken-name"] {
                let error = await #expect(throws: KubernetesError.self) { try await create(name, in: "payments") }
                #expect(error?.message.contains("claviger-injection-guard") == true, "\(name): \(error?.message ?? "")")
            }
            var running = try await admin.get(.pods, namespace: "payments", name: "plain").json
            for change in [
                ["op": "replace", "path": "/spec/initContainers/0/image", "value": "registry.example/evil:1"],
                ["op": "replace", "path": "/metadata/annotations/claviger.dev~1agent-config", "value": "{}"],
            ] as [JSONValue] {
                let exchanged = try #require(try Patches.patched(.object(running), [change]).objectValue)
                let error = await #expect(throws: KubernetesError.self) {
                    try await admin.replace(KubernetesObject(json: exchanged), in: .pods)
                }
                #expect(error?.message.contains("claviger-injection-keep-agents") == true, "\(error?.message ?? "")")
            }
            running = try #require(
                try Patches.patched(
                    .object(running),
                    [["op": "replace", "path": "/spec/containers/0/image", "value": "registry.example/app:2"]]
                ).objectValue)
            _ = try await admin.replace(KubernetesObject(json: running), in: .pods)
            #expect(try await create("not-asked", in: "payments").spec?["initContainers"] == nil)
            #expect(try await create("plain", in: "claviger").spec?["initContainers"] == nil, "no label")
        }
    }

    @Test("what is printed is what is written down, with the agent put first by a JSON patch")
    func golden() throws {
        let file = PodFiles.folder.deletingLastPathComponent().appending(path: "Policies/injection-policy.yaml")
        let text = try Self.policy.yaml()
        if ProcessInfo.processInfo.environment["CLAVIGER_REGENERATE_PODS"] != nil {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
        let objects = try YAMLObjects.objects(in: text)
        #expect(
            objects.compactMap { $0["kind"]?.stringValue } == [
                "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy",
                "ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
            ])
        let expression = objects[0]["spec"]?["mutations"]?.arrayValue?[0]["jsonPatch"]?["expression"]?.stringValue
        #expect(expression == Self.policy.patch(try Self.policy.parts(), isTyped: true))
        #expect(expression?.contains("path: \"/spec/initContainers/0\", value: Object.spec.initContainers{") == true)
        #expect(throws: ControllerError.self) { try InjectionPolicy(InjectionSettings()).yaml() }
        for object in objects where object["kind"] == "ValidatingAdmissionPolicy" {
            for validation in object["spec"]?["validations"]?.arrayValue ?? [] {
                let text = validation["expression"]?.stringValue ?? ""
                #expect(!text.contains(/\{\s*"/), "API servers refuse literals of several types: \(text)")
            }
        }
    }
}
