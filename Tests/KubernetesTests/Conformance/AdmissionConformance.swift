import Encodings
import Foundation
import KubernetesTestSupport
import Synchronization
import TestPrograms
import Testing

/// 4b: "MutatingWebhookConfiguration (url form, matchConditions, reinvocation)", "dry-run".
@Suite(
    "Conformance: admission",
    .enabled(if: ConformanceTarget.isOnThisMachine, "the server cannot reach a webhook of this machine"),
    .timeLimit(.minutes(5)))
struct AdmissionConformance {

    private static func webhook(
        _ name: String, _ client: JSONValue, resources: [JSONValue] = ["configmaps"],
        operations: [JSONValue] = ["CREATE"],
        group: JSONValue = "", _ more: JSONObject = [:]
    ) -> JSONValue {
        var webhook: JSONObject = [
            "name": .string("\(name).conformance.claviger.dev"), "clientConfig": client, "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "timeoutSeconds": 10,
            "rules": [
                [
                    "apiGroups": [group], "apiVersions": ["v1"], "resources": .array(resources),
                    "operations": .array(operations),
                ]
            ],
        ]
        for (name, value) in more { webhook[name] = value }
        return .object(webhook)
    }

    /// Registers webhooks for the session's namespace alone, and takes them away afterwards.
    private static func registered(
        _ kind: String, _ session: ConformanceSession, _ webhooks: [JSONValue], _ body: () async throws -> Void
    ) async throws {
        let selector: JSONValue = ["matchLabels": ["kubernetes.io/metadata.name": .string(session.namespace)]]
        let list = webhooks.compactMap(\.objectValue).map { webhook -> JSONValue in
            var webhook = webhook
            webhook["namespaceSelector"] = selector
            return .object(webhook)
        }
        let object: JSONObject = [
            "apiVersion": Registered.apiVersion, "kind": .string(kind),
            "metadata": ["name": .string(session.namespace)],
            "webhooks": .array(list),
        ]
        try await Registered.kept(object, "\(Registered.group)/\(kind.lowercased())s", session, body)
    }

    private static func pod(_ session: ConformanceSession, _ name: String) -> JSONObject {
        [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": ["name": .string(name), "namespace": .string(session.namespace)],
            "spec": ["containers": [["name": "app", "image": "example.org/app:1"]]],
        ]
    }

    @Test(
        "4b: MutatingWebhookConfiguration: a review v1 arrives, the native sidecar is patched in, kubectl shows the warning"
    )
    func sidecar() async throws {
        let sidecar: JSONValue = ["name": "agent", "image": "example.org/agent:1", "restartPolicy": "Always"]
        let patch: JSONValue = ["op": "add", "path": "/spec/initContainers", "value": [sidecar]]
        try await ConformanceTarget.run { session in
            try await WebhookServer.run { _, _ in
                .allow(patch: [patch], warnings: ["the agent was put in"])
            } _: { server in
                // A pod needs its account, which only a controller-manager makes.
                _ = try await session.api.send(
                    "POST", "/api/v1/namespaces/\(session.namespace)/serviceaccounts",
                    ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default"]])
                let hook = Self.webhook("inject", server.clientConfig(path: "/inject"), resources: ["pods"])
                try await Self.registered("MutatingWebhookConfiguration", session, [hook]) {
                    let pods = "/api/v1/namespaces/\(session.namespace)/pods"
                    try await Registered.eventually {
                        _ = try await session.api.send(
                            "POST", pods + "?dryRun=All", .object(Self.pod(session, "probe")))
                        return !server.reviews.isEmpty
                    }
                    let tools = try ClusterTools(kubeconfig: session.kubeconfig)
                    let file = try tools.file("pod.json", JSONValue.object(Self.pod(session, "app")).serializedString())
                    let made = try await tools.kubectl("apply", "-f", file)
                    #expect(made.status == 0 && made.output.contains("Warning: the agent was put in"), "\(made.output)")
                    let stored = try await session.api.expect(200, "GET", pods + "/app")
                    #expect(stored["spec"]?["initContainers"]?.arrayValue?.first?["restartPolicy"] == "Always")

                    let review = try #require(server.reviews.last)
                    #expect(review["kind"] == "AdmissionReview" && review["apiVersion"] == "admission.k8s.io/v1")
                    let request = review["request"]
                    #expect(request?["operation"] == "CREATE" && request?["dryRun"] == false)
                    #expect(request?["uid"]?.stringValue?.isEmpty == false)
                    #expect(request?["kind"] == ["group": "", "version": "v1", "kind": "Pod"])
                    #expect(request?["resource"] == ["group": "", "version": "v1", "resource": "pods"])
                    #expect(request?["namespace"] == .string(session.namespace) && request?["name"] == "app")
                    #expect(request?["userInfo"]?["username"]?.stringValue?.isEmpty == false)
                    #expect(request?["object"]?["spec"]?["containers"]?.arrayValue?.first?["name"] == "app")
                    #expect(request?["oldObject"] == .null && request?["options"]?["kind"] == "CreateOptions")
                    #expect(server.reviews.first?["request"]?["dryRun"] == true)
                    #expect(
                        try await session.api.send("GET", pods + "/probe").status == 404, "a dry run stores nothing")
                }
            }
        }
    }

    @Test("4b: matchConditions and objectSelector decide which writes a webhook sees")
    func conditions() async throws {
        try await ConformanceTarget.run { session in
            try await WebhookServer.run { _, _ in
                .allow()
            } _: { server in
                let condition: JSONValue = [
                    "name": "wanted",
                    "expression": "object.metadata.name != 'left-out' && request.operation == 'CREATE'",
                ]
                let hook = Self.webhook(
                    "some", server.clientConfig(path: "/"), operations: ["*"],
                    [
                        "matchConditions": [condition],
                        "objectSelector": ["matchExpressions": [["key": "seen", "operator": "Exists"]]],
                    ])
                try await Self.registered("MutatingWebhookConfiguration", session, [hook]) {
                    func make(_ name: String, _ labels: JSONObject) async throws {
                        _ = try await session.api.send(
                            "POST", session.configMaps, .object(session.configMap(name, labels: labels)))
                    }
                    var number = 0
                    try await Registered.eventually {
                        number += 1
                        try await make("probe-\(number)", ["seen": "yes"])
                        return !server.reviews.isEmpty
                    }
                    try await make("left-out", ["seen": "yes"])
                    try await make("unlabelled", [:])
                    try await session.api.expect(
                        200, "PATCH", session.configMaps + "/left-out", ["data": ["k": "v"]],
                        type: "application/merge-patch+json")
                    try await make("last", ["seen": "yes"])
                    let names = server.reviews.compactMap { $0["request"]?["name"]?.stringValue }
                    #expect(names.last == "last" && !names.contains("left-out") && !names.contains("unlabelled"))
                }
            }
        }
    }

    @Test("4b: a webhook with reinvocationPolicy IfNeeded is asked again when a later one changed the object, once")
    func reinvocation() async throws {
        try await ConformanceTarget.run { session in
            try await WebhookServer.run { path, request in
                let name = String(path.dropFirst())
                let isSet = request["object"]?["data"]?[name] != nil
                return .allow(patch: isSet ? [] : [["op": "add", "path": .string("/data/\(name)"), "value": "set"]])
            } _: { server in
                let hooks = ["a", "b", "c"].map {
                    Self.webhook(
                        $0, server.clientConfig(path: "/\($0)"),
                        $0 == "b" ? [:] : ["reinvocationPolicy": "IfNeeded"])
                }
                try await Self.registered("MutatingWebhookConfiguration", session, hooks) {
                    try await Registered.eventually {
                        let path = session.configMaps + "?dryRun=All"
                        let made = try await session.api.send(
                            "POST", path, .object(session.configMap("probe", ["k": "v"])))
                        return made.json["data"]?["c"] != nil
                    }
                    let before = server.reviews.count
                    let made = try await session.api.expect(
                        201, "POST", session.configMaps, session.configMap("m", ["k": "v"]))
                    #expect(made["data"] == ["k": "v", "a": "set", "b": "set", "c": "set"])
                    let known = server.reviews.dropFirst(before).map {
                        $0["request"]?["object"]?["data"]?.objectValue?.count
                    }
                    // a, b, c, and a again, which then sees all of it; nobody wants b again, and nothing changed after c.
                    #expect(known == [1, 2, 3, 4])
                }
            }
        }
    }

    @Test("4b: a validating webhook refuses in its own words, and sees what was before a change and a deletion")
    func refusal() async throws {
        try await ConformanceTarget.run { session in
            try await WebhookServer.run { _, request in
                request["object"]?["data"]?["k"] == "bad"
                    ? .deny(message: "no bad value", code: 403)
                    : request["object"]?["data"]?["k"] == "odd" ? .deny(message: "nothing odd") : .allow()
            } _: { server in
                let hook = Self.webhook(
                    "deny", server.clientConfig(path: "/"), operations: ["CREATE", "UPDATE", "DELETE"])
                try await Self.registered("ValidatingWebhookConfiguration", session, [hook]) {
                    try await Registered.eventually {
                        let bad = session.configMap("bad", ["k": "bad"])
                        let answer = try await session.api.send(
                            "POST", session.configMaps + "?dryRun=All", .object(bad))
                        guard answer.status != 201 else { return false }
                        #expect(answer.status == 403)
                        #expect(
                            answer.message
                                == "admission webhook \"deny.conformance.claviger.dev\" denied the request: no bad value"
                        )
                        return true
                    }
                    try await session.api.expect(201, "POST", session.configMaps, session.configMap("m", ["k": "1"]))
                    let odd = try await session.api.send(
                        "PATCH", session.configMaps + "/m", ["data": ["k": "odd"]], type: "application/merge-patch+json"
                    )
                    #expect(odd.status == 400 && odd.message.hasSuffix("denied the request: nothing odd"))
                    let update = server.reviews.last?["request"]
                    #expect(update?["operation"] == "UPDATE" && update?["oldObject"]?["data"]?["k"] == "1")
                    #expect(update?["object"]?["metadata"]?["uid"]?.stringValue?.isEmpty == false)
                    try await session.api.expect(200, "DELETE", session.configMaps + "/m")
                    let deletion = server.reviews.last?["request"]
                    #expect(deletion?["operation"] == "DELETE" && deletion?["object"] == .null)
                    #expect(deletion?["oldObject"]?["data"]?["k"] == "1")
                }
            }
        }
    }

    @Test(
        "4b: a webhook that fails, is late or talks nonsense refuses the write, or is passed over, as its policy says")
    func failure() async throws {
        try await ConformanceTarget.run { session in
            try await WebhookServer.run { path, _ in
                switch path {
                case "/late": .silence
                case "/nonsense": .nonsense(["kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"])
                default: .allow(patch: [["op": "remove", "path": "/data/none"]])
                }
            } _: { server in
                for path in ["/late", "/nonsense", "/patch"] {
                    for policy in ["Fail", "Ignore"] {
                        let hook = Self.webhook(
                            "fails", server.clientConfig(path: path),
                            ["failurePolicy": .string(policy), "timeoutSeconds": path == "/late" ? 1 : 30])
                        try await Self.registered("MutatingWebhookConfiguration", session, [hook]) {
                            let before = server.reviews.count
                            let map = JSONValue.object(session.configMap("m", ["k": "v"]))
                            var answer = try await session.api.send("POST", session.configMaps + "?dryRun=All", map)
                            try await Registered.eventually {
                                if server.reviews.count > before { return true }
                                answer = try await session.api.send("POST", session.configMaps + "?dryRun=All", map)
                                return false
                            }
                            // A patch that cannot be applied is the webhook's mistake, which no policy excuses.
                            let passes = policy == "Ignore" && path != "/patch"
                            #expect(answer.status == (passes ? 201 : 500), "\(path) \(policy) \(answer.text)")
                            if !passes, path != "/patch" { #expect(answer.message.contains("failed calling webhook")) }
                        }
                    }
                }
            }
        }
    }

    @Test("4b: a registration that could not work is refused, with the field")
    func registration() async throws {
        try await ConformanceTarget.run { session in
            func causes(_ change: JSONObject) async throws -> [String?] {
                let hook = Self.webhook("bad", ["url": "https://127.0.0.1:1/"], change)
                let object: JSONObject = [
                    "apiVersion": Registered.apiVersion, "kind": "MutatingWebhookConfiguration",
                    "metadata": ["name": .string(session.namespace)], "webhooks": [hook],
                ]
                let answer = try await session.api.send(
                    "POST", "\(Registered.group)/mutatingwebhookconfigurations?dryRun=All", .object(object))
                return answer.causes.map { $0["field"]?.stringValue }
            }
            let broken: JSONValue = ["name": "c", "expression": "object.metadata."]
            let cases: [(JSONObject, [String?])] = [
                ([:], []), (["clientConfig": ["url": "http://127.0.0.1/"]], ["webhooks[0].clientConfig.url"]),
                (["timeoutSeconds": 31], ["webhooks[0].timeoutSeconds"]),
                (["sideEffects": "Some"], ["webhooks[0].sideEffects"]),
                (["matchConditions": [broken]], ["webhooks[0].matchConditions[0].expression"]),
            ]
            for (change, expected) in cases {
                let found = try await causes(change)
                #expect(found == expected)
            }
        }
    }

    @Test("4b: what changes while a webhook thinks is not lost", .ofOurServer("it is a matter of luck there"))
    func overtaken() async throws {
        try await ConformanceTarget.run { session in
            let cluster = try #require(session.fake?.cluster)
            let isFirst = Atomic(true)
            let namespace = session.namespace
            try await WebhookServer.run { _, _ in
                if isFirst.exchange(false, ordering: .relaxed) {
                    _ = try? cluster.patch(
                        "Widget", namespace, "w", subresource: "status", ["status": ["observedGeneration": 1]])
                }
                return .allow()
            } _: { server in
                let made = try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "w"))
                let hook = Self.webhook(
                    "slow", server.clientConfig(path: "/"), resources: ["widgets"], operations: ["UPDATE"],
                    group: "conformance.claviger.dev")
                try await Self.registered("ValidatingWebhookConfiguration", session, [hook]) {
                    let patched = try await session.api.expect(
                        200, "PATCH", session.widgets + "/w", ["spec": ["mode": "Audit"]],
                        type: "application/merge-patch+json")
                    #expect(patched["status"]?["observedGeneration"] == 1 && patched["spec"]?["mode"] == "Audit")
                    #expect(server.reviews.count == 2, "it was asked again about the newer object")
                    let stale = try await session.api.send("PUT", session.widgets + "/w", .object(made))
                    #expect(stale.status == 409 && server.reviews.count == 2, "what is stale is nothing to ask about")
                    #expect(throws: APIStatus.self, "a door without a network cannot ask") {
                        try cluster.patch("Widget", namespace, "w", ["spec": ["mode": "Enforce"]])
                    }
                }
            }
        }
    }
}
