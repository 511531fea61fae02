import Encodings
import Foundation
import HTTPTransport
import KubernetesTestSupport
import Testing

/// The API server that the conformance suite speaks to: that of `CLAVIGER_CONFORMANCE_KUBECONFIG`, or one of its own.
enum ConformanceTarget {
    static let kubeconfig = ProcessInfo.processInfo.environment["CLAVIGER_CONFORMANCE_KUBECONFIG"]

    /// Whether the server can reach what listens on this machine.
    static let isOnThisMachine: Bool = {
        guard let kubeconfig, let text = try? String(contentsOfFile: kubeconfig, encoding: .utf8) else { return true }
        return text.contains("https://127.0.0.1") || text.contains("https://localhost")
    }()

    /// Runs a test in a namespace of its own, which is removed afterwards.
    static func run(_ body: @Sendable (ConformanceSession) async throws -> Void) async throws {
        if let kubeconfig {
            let session = try ConformanceSession(kubeconfig: String(contentsOfFile: kubeconfig, encoding: .utf8))
            try await prepared(session, body)
        } else {
            let authority = try LoopbackAuthority().certificatePEM
            try await FakeAPIServer.run(FakeCluster { $0.publishedAuthority = authority }) { server in
                let session = try ConformanceSession(
                    api: APISession(server.baseURL, authority: server.authorityPEM, token: server.cluster.adminToken),
                    kubeconfig: server.kubeconfig(), fake: server)
                try await prepared(session, body)
            }
        }
    }

    private static func prepared(
        _ session: ConformanceSession, _ body: @Sendable (ConformanceSession) async throws -> Void
    ) async throws {
        let api = session.api
        let name = session.namespace
        try await api.expect(
            201, "POST", "/api/v1/namespaces",
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        try await Widget.define(api)
        let result: Result<Void, any Error>
        do { result = .success(try await body(session)) } catch { result = .failure(error) }
        // Neither a test that failed half-way nor one that was cancelled may leave a namespace that never goes.
        try await Task {
            for collection in [session.configMaps, session.widgets] { try await api.unhold(collection) }
            _ = try await api.send("DELETE", "/api/v1/namespaces/\(name)")
        }.value
        try result.get()
    }
}

extension Trait where Self == ConditionTrait {
    /// A test of what no other server can be made to do.
    static func ofOurServer(_ reason: String) -> Self {
        .enabled(if: ConformanceTarget.kubeconfig == nil, "a real server cannot be made to do this: \(reason)")
    }
}

/// One test's namespace at the server under test.
struct ConformanceSession: Sendable {
    let api: APISession
    let namespace = "claviger-conformance-\(UUID().uuidString.lowercased().prefix(8))"
    let kubeconfig: String
    /// The server, where it is our own.
    var fake: FakeAPIServer?

    init(api: APISession, kubeconfig: String, fake: FakeAPIServer?) {
        self.api = api
        self.kubeconfig = kubeconfig
        self.fake = fake
    }

    /// The current context's server, authority and token.
    init(kubeconfig: String) throws {
        let file = try #require(try YAMLObjects.objects(in: kubeconfig).first)
        func entry(_ list: String, _ name: String?, _ member: String) -> JSONValue? {
            file[list]?.arrayValue?.first { $0["name"]?.stringValue == name }?[member]
        }
        let context = entry("contexts", file["current-context"]?.stringValue, "context")
        let cluster = entry("clusters", context?["cluster"]?.stringValue, "cluster")
        let user = entry("users", context?["user"]?.stringValue, "user")
        let server = try #require(cluster?["server"]?.stringValue, "the kubeconfig names no server")
        let token = try #require(user?["token"]?.stringValue, "the kubeconfig's user has no bearer token")
        let authority: String
        if let data = cluster?["certificate-authority-data"]?.stringValue {
            authority = String(decoding: try Base64.decode(data), as: UTF8.self)
        } else {
            let path = try #require(cluster?["certificate-authority"]?.stringValue, "the kubeconfig names no authority")
            authority = try String(contentsOfFile: path, encoding: .utf8)
        }
        self.init(api: try APISession(server, authority: authority, token: token), kubeconfig: kubeconfig, fake: nil)
    }

    var configMaps: String { "/api/v1/namespaces/\(namespace)/configmaps" }
    var widgets: String { Widget.path(namespace) }
    var leases: String { "/apis/coordination.k8s.io/v1/namespaces/\(namespace)/leases" }

    func configMap(_ name: String, _ data: JSONObject = [:], labels: JSONObject = [:]) -> JSONObject {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": .string(name), "namespace": .string(namespace), "labels": .object(labels)],
            "data": .object(data),
        ]
    }
}

/// Bare requests to an API server.
struct APISession: Sendable {
    struct Answer: Sendable {
        let status: Int
        let text: String
        let response: HTTPResponse
        var json: JSONObject { (try? JSONObject(parsing: text)) ?? [:] }
        var reason: String { json["reason"]?.stringValue ?? "" }
        var message: String { json["message"]?.stringValue ?? "" }
        var causes: [JSONValue] { json["details"]?["causes"]?.arrayValue ?? [] }
        /// The events of a watch, without those of what a controller-manager makes in every namespace.
        var events: [JSONObject] {
            text.utf8.split(separator: 0x0A).map { (try? JSONObject(parsing: Array($0))) ?? ["type": "UNREADABLE"] }
                .filter { $0["object"]?["metadata"]?["name"] != "kube-root-ca.crt" }
        }
    }

    let baseURL: String
    let client: HTTPClient
    var token: String?

    init(_ baseURL: String, authority: String, token: String?) throws {
        self.baseURL = baseURL
        self.token = token
        client = try HTTPClient(configuration: .init(trustAnchorsPEM: authority, systemTrust: false))
    }

    func with(token: String?) -> APISession {
        var other = self
        other.token = token
        return other
    }

    func send(
        _ method: String, _ path: String, _ body: JSONValue? = nil, type: String = "application/json",
        accept: String = "application/json", timeout: Duration = .seconds(60)
    ) async throws -> Answer {
        var headers = [("Accept", accept), ("User-Agent", "conformance/1")]
        if let token { headers.append(("Authorization", "Bearer \(token)")) }
        if body != nil { headers.append(("Content-Type", type)) }
        let response = try await client.send(
            HTTPRequest(
                method: method, url: baseURL + path, headers: headers.map { (name: $0.0, value: $0.1) },
                body: body?.serialized(), timeout: timeout))
        return Answer(
            status: response.status, text: String(decoding: response.body, as: UTF8.self), response: response)
    }

    /// Sends and demands a status.
    @discardableResult
    func expect(
        _ status: Int, _ method: String, _ path: String, _ body: JSONObject? = nil, type: String = "application/json",
        location: SourceLocation = #_sourceLocation
    ) async throws -> JSONObject {
        let answer = try await send(method, path, body.map(JSONValue.object), type: type)
        #expect(answer.status == status, "\(answer.text)", sourceLocation: location)
        return answer.json
    }

    /// Removes the finalizers of a collection's objects.
    func unhold(_ collection: String) async throws {
        for item in try await send("GET", collection).json["items"]?.arrayValue ?? [] {
            guard item["metadata"]?["finalizers"] != nil, let name = item["metadata"]?["name"]?.stringValue else {
                continue
            }
            _ = try await send(
                "PATCH", "\(collection)/\(name)", ["metadata": ["finalizers": .null]],
                type: "application/merge-patch+json")
        }
    }

    func apply(
        _ path: String, _ object: JSONObject, by manager: String, isForced: Bool = false
    ) async throws -> Answer {
        try await send(
            "PATCH", "\(path)?fieldManager=\(manager)&force=\(isForced)", .object(object),
            type: "application/apply-patch+yaml")
    }
}

/// A kind of the suite's own, with all that a definition may have.
enum Widget {
    static let collection = "/apis/conformance.claviger.dev/v1/widgets"
    static func path(_ namespace: String) -> String {
        "/apis/conformance.claviger.dev/v1/namespaces/\(namespace)/widgets"
    }

    static func object(_ session: ConformanceSession, _ name: String, _ spec: JSONObject = [:]) -> JSONObject {
        var full: JSONObject = ["mode": "Enforce"]
        for (name, value) in spec { full[name] = value }
        return [
            "apiVersion": "conformance.claviger.dev/v1", "kind": "Widget",
            "metadata": ["name": .string(name), "namespace": .string(session.namespace)], "spec": .object(full),
        ]
    }

    static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: widgets.conformance.claviger.dev}
        spec:
          group: conformance.claviger.dev
          scope: Namespaced
          names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget, shortNames: [wdg], categories: [conformance]}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            selectableFields: [{jsonPath: .spec.broker}]
            additionalPrinterColumns:
            - {name: Mode, type: string, jsonPath: .spec.mode}
            - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
            schema:
              openAPIV3Schema:
                type: object
                required: [spec]
                properties:
                  spec:
                    type: object
                    required: [mode]
                    x-kubernetes-validations:
                    - {rule: "self.replicas <= 5", message: "at most five replicas", fieldPath: ".replicas"}
                    - {rule: "!has(self.path) || self.path.startsWith('kbs:')", message: "the path must begin with kbs:", fieldPath: ".path"}
                    - {rule: "!has(oldSelf.path) || self.path == oldSelf.path", message: "the path never changes", fieldPath: ".path"}
                    properties:
                      mode: {type: string, enum: [Enforce, Audit]}
                      broker: {type: string, maxLength: 64}
                      path: {type: string, maxLength: 64}
                      replicas: {type: integer, minimum: 0, default: 2}
                      rules:
                        type: array
                        maxItems: 16
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [name]
                        items:
                          type: object
                          required: [name]
                          properties:
                            name: {type: string, pattern: '^[a-z]+$', maxLength: 32}
                            effect: {type: string, default: Deny}
                  status:
                    type: object
                    properties:
                      observedGeneration: {type: integer}
                      conditions:
                        type: array
                        x-kubernetes-list-type: map
                        x-kubernetes-list-map-keys: [type]
                        items:
                          type: object
                          required: [type, status]
                          properties:
                            type: {type: string}
                            status: {type: string}
                            reason: {type: string}
                            message: {type: string}
                            lastTransitionTime: {type: string, format: date-time}
        """

    /// Defines the kind and waits until it is served, which takes a real server less than a second.
    static func define(_ api: APISession) async throws {
        let object = try #require(try YAMLObjects.objects(in: definition).first)
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        let answer = try await api.send("POST", definitions, .object(object))
        try #require([201, 409].contains(answer.status), "\(answer.text)")
        if answer.status == 409 {
            // What an earlier run left is made what this one is about.
            let name = object["metadata"]?["name"]?.stringValue ?? ""
            let changed = try await api.send(
                "PATCH", "\(definitions)/\(name)", ["spec": object["spec"] ?? .null],
                type: "application/merge-patch+json")
            try #require(changed.status == 200, "\(changed.text)")
        }
        let end = ContinuousClock.now + .seconds(60)
        while try await !isServed(api) {
            try #require(ContinuousClock.now < end, "the kind is not served within a minute")
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// Whether the kind can be had and found: what discovery says follows a moment later, and kubectl goes by it.
    private static func isServed(_ api: APISession) async throws -> Bool {
        guard try await api.send("GET", collection).status == 200 else { return false }
        let group = try await api.send("GET", "/apis/conformance.claviger.dev/v1")
        guard group.status == 200, group.text.contains("\"widgets\"") else { return false }
        let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        for path in ["/apis", "/openapi/v3"] {
            let answer = try await api.send("GET", path, accept: path == "/apis" ? aggregated : "application/json")
            guard answer.text.contains("conformance.claviger.dev") else { return false }
        }
        return true
    }
}
