import Encodings
import Hummingbird
import Kubernetes
import Testing

@Suite("Requests to the Kubernetes API", .timeLimit(.minutes(5)))
struct RequestTests {
    private static let policies = APIResourceTests.policies

    @Test("each verb sends what the API conventions ask for, strictly validated where it writes")
    func verbs() async throws {
        try await ScriptedServer.run { call in
            .json(call.method == "POST" ? 201 : 200, ScriptedServer.pod("p", version: 7))
        } _: { server in
            let client = try server.client()
            var object = KubernetesObject(Self.policies, namespace: "a", name: "p")
            object.spec = ["x": 1]
            let stored = try await client.create(object, in: Self.policies)
            #expect(stored.resourceVersion == "7")
            object.resourceVersion = "7"
            _ = try await client.replace(object, in: Self.policies)
            _ = try await client.replace(object, in: Self.policies, subresource: "status")
            _ = try await client.apply(object, to: Self.policies, fieldManager: "me", force: true, subresource: nil)
            _ = try await client.mergePatch(
                ["spec": .null], to: Self.policies, namespace: "a", name: "p", subresource: "status")
            try await client.delete(
                Self.policies, namespace: "a", name: "p", preconditions: .init(uid: "u", resourceVersion: "7"))
            _ = try await client.get(Self.policies, namespace: "a", name: "p")
            let calls = server.calls
            let collection = "/apis/claviger.dev/v1alpha1/namespaces/a/releasepolicies"
            #expect(calls.map(\.method) == ["POST", "PUT", "PUT", "PATCH", "PATCH", "DELETE", "GET"])
            #expect(
                calls.map(\.path) == [
                    collection, collection + "/p", collection + "/p/status", collection + "/p",
                    collection + "/p/status", collection + "/p", collection + "/p",
                ])
            #expect(calls.prefix(5).allSatisfy { $0.query["fieldValidation"] == "Strict" })
            #expect(calls.allSatisfy { $0.headers["authorization"] == "Bearer secret-token" })
            #expect(calls.allSatisfy { $0.headers["user-agent"] == "claviger" })
            #expect(
                calls.prefix(5).map { $0.headers["content-type"] } == [
                    "application/json", "application/json", "application/json", "application/apply-patch+yaml",
                    "application/merge-patch+json",
                ])
            #expect(calls[3].query["fieldManager"] == "me")
            #expect(calls[3].query["force"] == "true")
            #expect(try JSONObject(parsing: calls[4].body) == ["spec": .null])
            let options = try JSONObject(parsing: calls[5].body)
            #expect(options["preconditions"] == ["uid": "u", "resourceVersion": "7"])
        }
    }

    @Test("a list asks for pages and selections and gives items their kind, which servers leave out")
    func list() async throws {
        let items = #"[{"metadata":{"name":"x"}},{"metadata":{"name":"y"}}]"#
        try await ScriptedServer.run { call in
            .json(
                #"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"next","#
                    + #""remainingItemCount":3},"items":\#(items)}"#)
        } _: { server in
            let page = try await server.client().list(
                .pods, namespace: nil,
                ListOptions(
                    labelSelector: "a=b,c", fieldSelector: "metadata.name=x&y", limit: 2, continueToken: "t=",
                    resourceVersion: "0", resourceVersionMatch: .notOlderThan))
            #expect(page.items.map(\.kind) == ["Pod", "Pod"])
            #expect(page.items.map(\.apiVersion) == ["v1", "v1"])
            #expect(page.resourceVersion == "9")
            #expect(page.continueToken == "next")
            #expect(page.remainingItemCount == 3)
            let call = try #require(server.calls.first)
            #expect(call.path == "/api/v1/pods")
            #expect(
                call.query == [
                    "labelSelector": "a=b,c", "fieldSelector": "metadata.name=x&y", "limit": "2", "continue": "t=",
                    "resourceVersion": "0", "resourceVersionMatch": "NotOlderThan",
                ])
        }
    }

    @Test("where only metadata is wanted no other form is acceptable, and a server that sends more is refused")
    func metadataOnly() async throws {
        try await ScriptedServer.run { call in
            .json(
                #"{"kind":"SecretList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[]}"#)
        } _: { server in
            let failure = await #expect(throws: KubernetesError.self) {
                try await server.client().list(.secrets, namespace: "a", ListOptions(metadataOnly: true))
            }
            #expect(failure?.kind == .malformed)
            #expect(
                server.calls.first?.headers["accept"]
                    == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
        }
    }

    @Test(
        "names that would lead elsewhere are refused before anything is sent",
        arguments: ["", ".", "..", "a/b", "a%2Fb"])
    func names(name: String) async throws {
        let configuration = try KubernetesConfiguration(
            server: "https://127.0.0.1:1", authority: .pem("-----BEGIN CERTIFICATE-----"),
            credential: .token(.init([0x61])))
        let client = try KubernetesClient(configuration)
        for (namespace, name) in [("a", name), (name, "a")] {
            let failure = await #expect(throws: KubernetesError.self) {
                try await client.get(.pods, namespace: namespace, name: name)
            }
            #expect(failure?.kind == .invalid)
        }
        let failure = await #expect(throws: KubernetesError.self) {
            try await client.get(.pods, namespace: nil, name: "a")
        }
        #expect(failure?.kind == .invalid)
    }

    @Test("the version is read though providers append to its numbers")
    func version() async throws {
        try await ScriptedServer.run { _ in
            .json(#"{"major":"1","minor":"36+","gitVersion":"v1.36.0-gke.1"}"#)
        } _: { server in
            let version = try await server.client().version()
            #expect(version == ServerVersion(major: 1, minor: 36))
        }
    }

    @Test("a server that is not under the given authority gets neither request nor token")
    func stranger() async throws {
        try await ScriptedServer.run { _ in
            .json("{}")
        } _: { server in
            try await ScriptedServer.run { _ in
                .json("{}")
            } _: { other in
                let configuration = try KubernetesConfiguration(
                    server: server.url, authority: .pem(other.authority.certificatePEM),
                    credential: .token(.init(Array("secret-token".utf8))))
                let failure = await #expect(throws: KubernetesError.self) {
                    try await KubernetesClient(configuration).version()
                }
                #expect(failure?.kind == .transport)
                #expect(failure?.reason == "tls")
                #expect(failure.map { !String(reflecting: $0).contains("secret-token") } == true)
                #expect(server.calls.isEmpty)
            }
        }
    }
}
