import Encodings
import Foundation
import KubernetesTestSupport
import Testing

/// 4b: "ValidatingAdmissionPolicy, MutatingAdmissionPolicy v1".
@Suite("Conformance: admission policies", .timeLimit(.minutes(5)))
struct PolicyConformance {
    @Test("4b: ValidatingAdmissionPolicy: it refuses, by a parameter too, only where it is bound and matches")
    func policy() async throws {
        try await ConformanceTarget.run { session in
            let name = session.namespace
            let selector: JSONValue = ["matchLabels": ["kubernetes.io/metadata.name": .string(name)]]
            let rule: JSONValue = [
                "apiGroups": ["conformance.claviger.dev"], "apiVersions": ["v1"], "resources": ["widgets"],
                "operations": ["CREATE", "UPDATE"],
            ]
            let policy: JSONObject = [
                "apiVersion": Registered.apiVersion, "kind": "ValidatingAdmissionPolicy",
                "metadata": ["name": .string(name)],
                "spec": [
                    "failurePolicy": "Fail", "paramKind": ["apiVersion": "v1", "kind": "ConfigMap"],
                    "matchConstraints": ["resourceRules": [rule], "namespaceSelector": selector],
                    "matchConditions": [["name": "named", "expression": "object.metadata.name.startsWith('w')"]],
                    "variables": [["name": "mode", "expression": "object.spec.mode"]],
                    "validations": [
                        [
                            "expression": "variables.mode == params.data.mode",
                            "messageExpression": "'the mode must be ' + params.data.mode",
                        ],
                        [
                            "expression": "oldObject == null || oldObject.spec.mode == object.spec.mode",
                            "message": "the mode never changes", "reason": "Forbidden",
                        ],
                    ],
                ],
            ]
            let binding: JSONObject = [
                "apiVersion": Registered.apiVersion, "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": ["name": .string(name)],
                "spec": [
                    "policyName": .string(name), "validationActions": ["Deny"],
                    "paramRef": [
                        "name": "params", "namespace": .string(name), "parameterNotFoundAction": "Deny",
                    ],
                ],
            ]
            func make(_ name: String, _ mode: JSONValue) async throws -> APISession.Answer {
                try await session.api.send(
                    "POST", session.widgets + "?dryRun=All", .object(Widget.object(session, name, ["mode": mode])))
            }
            try await session.api.expect(
                201, "POST", session.configMaps, session.configMap("params", ["mode": "Audit"]))
            try await Registered.kept(policy, Registered.group + "/validatingadmissionpolicies", session) {
                #expect(try await make("w", "Enforce").status == 201, "it is bound nowhere")
                try await Registered.kept(binding, Registered.group + "/validatingadmissionpolicybindings", session) {
                    try await Registered.eventually { try await make("w", "Enforce").status != 201 }
                    let refused = try await make("w", "Enforce")
                    #expect(refused.status == 422 && refused.reason == "Invalid")
                    #expect(
                        refused.message.hasSuffix(
                            "ValidatingAdmissionPolicy '\(name)' with binding '\(name)' denied request: "
                                + "the mode must be Audit"), "\(refused.message)")
                    #expect(try await make("other", "Enforce").status == 201)
                    try await session.api.expect(
                        201, "POST", session.widgets, Widget.object(session, "w", ["mode": "Audit"]))
                    try await session.api.expect(
                        200, "PATCH", session.configMaps + "/params", ["data": ["mode": "Enforce"]],
                        type: "application/merge-patch+json")
                    try await Registered.eventually {
                        let answer = try await session.api.send(
                            "PATCH", session.widgets + "/w?dryRun=All", ["spec": ["mode": "Enforce"]],
                            type: "application/merge-patch+json")
                        return answer.status == 403 && answer.message.hasSuffix("the mode never changes")
                    }
                }
            }
        }
    }

    @Test("4b: MutatingAdmissionPolicy: a JSON patch puts the native sidecar first, once")
    func mutation() async throws {
        try await ConformanceTarget.run { session in
            let name = session.namespace
            let expression = """
                object.spec.containers.exists(c, c.name == "app") && !(has(object.spec.initContainers) &&
                object.spec.initContainers.exists(c, c.name == "agent"))
                ? [JSONPatch{op: "add", path: "/spec/initContainers/0",
                     value: {"name": "agent", "image": "example.org/agent:1", "restartPolicy": "Always"}}]
                : []
                """
            let rule: JSONValue = [
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"],
            ]
            let selector: JSONValue = ["matchLabels": ["kubernetes.io/metadata.name": .string(name)]]
            let policy: JSONObject = [
                "apiVersion": Registered.apiVersion, "kind": "MutatingAdmissionPolicy",
                "metadata": ["name": .string(name)],
                "spec": [
                    "failurePolicy": "Fail", "reinvocationPolicy": "IfNeeded",
                    "matchConstraints": ["resourceRules": [rule], "namespaceSelector": selector],
                    "mutations": [["patchType": "JSONPatch", "jsonPatch": ["expression": .string(expression)]]],
                ],
            ]
            let binding: JSONObject = [
                "apiVersion": Registered.apiVersion, "kind": "MutatingAdmissionPolicyBinding",
                "metadata": ["name": .string(name)], "spec": ["policyName": .string(name)],
            ]
            _ = try await session.api.send(
                "POST", "/api/v1/namespaces/\(name)/serviceaccounts",
                ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default"]])
            let own: JSONValue = ["name": "first", "image": "example.org/first:1"]
            let pod: JSONObject = [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "app", "namespace": .string(name)],
                "spec": ["initContainers": [own], "containers": [["name": "app", "image": "example.org/app:1"]]],
            ]
            try await Registered.kept(policy, Registered.group + "/mutatingadmissionpolicies", session) {
                try await Registered.kept(binding, Registered.group + "/mutatingadmissionpolicybindings", session) {
                    try await Registered.eventually {
                        let made = try await session.api.send(
                            "POST", "/api/v1/namespaces/\(name)/pods?dryRun=All", .object(pod))
                        let names = made.json["spec"]?["initContainers"]?.arrayValue?.compactMap { $0["name"] }
                        return names == ["agent", "first"]
                    }
                }
            }
        }
    }

    @Test(
        "4b: ValidatingAdmissionPolicy that warns, and one whose expression fails",
        .ofOurServer("its caches take a while"))
    func policyActions() async throws {
        try await ConformanceTarget.run { session in
            let cluster = try #require(session.fake?.cluster)
            let rule: JSONValue = [
                "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["*"],
            ]
            func define(_ expression: JSONValue, _ failurePolicy: JSONValue, _ actions: JSONValue) throws {
                for kind in ["ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"] {
                    if try cluster.object(kind, "", "p") != nil { try cluster.delete(kind, "", "p") }
                }
                try cluster.create([
                    "apiVersion": Registered.apiVersion, "kind": "ValidatingAdmissionPolicy", "metadata": ["name": "p"],
                    "spec": [
                        "failurePolicy": failurePolicy, "matchConstraints": ["resourceRules": [rule]],
                        "validations": [["expression": expression]],
                    ],
                ])
                try cluster.create([
                    "apiVersion": Registered.apiVersion, "kind": "ValidatingAdmissionPolicyBinding",
                    "metadata": ["name": "p"],
                    "spec": ["policyName": "p", "validationActions": actions],
                ])
            }
            func make() async throws -> APISession.Answer {
                try await session.api.send(
                    "POST", session.configMaps + "?dryRun=All", .object(session.configMap("m", ["k": "v"])))
            }
            try define("object.data.k == 'w'", "Fail", ["Warn"])
            let warned = try await make()
            #expect(warned.status == 201)
            #expect(warned.response.header("Warning")?.contains("failed expression: object.data.k == 'w'") == true)
            try define("object.data.none == 'w'", "Fail", ["Deny"])
            #expect(try await make().status == 422)
            try define("object.data.none == 'w'", "Ignore", ["Deny"])
            #expect(try await make().status == 201)
            let broken = #expect(throws: APIStatus.self) { try define("object.", "Fail", ["Deny"]) }
            #expect(broken?.message.contains("spec.validations[0].expression") == true)
        }
    }
}

/// What is registered for admission, for the length of a test.
enum Registered {
    static let group = "/apis/admissionregistration.k8s.io/v1"
    static let apiVersion: JSONValue = "admissionregistration.k8s.io/v1"

    static func kept(
        _ object: JSONObject, _ collection: String, _ session: ConformanceSession, _ body: () async throws -> Void
    ) async throws {
        try await session.api.expect(201, "POST", collection, object)
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        let path = "\(collection)/\(object.name)"
        try await Task { _ = try await session.api.send("DELETE", path) }.value
        try result.get()
    }

    /// Repeats a write until what was registered a moment ago has come into effect.
    static func eventually(_ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try await !condition() {
            try #require(ContinuousClock.now < end, "it never came into effect")
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
