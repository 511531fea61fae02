import AdminClient
import Broker
import BrokerTestSupport
import Encodings
import Foundation
import TestSupport
import Testing

@testable import BrokerAPI

@Suite("Policies of a source over HTTP", .timeLimit(.minutes(5)))
struct SourceRouteTests {
    /// What docs/operations.md gives a controller.
    static let controllerRules = [
        AccessRuleConfiguration(
            role: "controller", allowedEndpoints: "^/claviger/v1/sources/east/policies$", methods: ["PUT"]),
        AccessRuleConfiguration(
            role: "controller", allowedEndpoints: "^/claviger/v1/policies/status$", methods: ["GET"]),
    ]

    private static func policy(_ name: String, tee: String = "sample") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: \(name), namespace: a}
        spec:
          match: {resources: ["a/b/*"]}
          require: {tees: [\(tee)]}
        """
    }

    private static func client(_ server: RunningBroker, role: String = "controller") throws -> AdminClient {
        try AdminClient(
            .init(
                url: "http://127.0.0.1:\(server.port)",
                token: SecretBytes(Array(try server.admin.token(role: role).utf8)), timeout: .seconds(240),
                insecureHTTPAllowed: true))
    }

    private func serve(_ body: @Sendable (RunningBroker) async throws -> Void) async throws {
        try await RunningBroker.serve(configure: { $0.admin.accessList += Self.controllerRules }, body)
    }

    @Test("a controller sends its documents, learns what became of each, and sees which brokers decide by them")
    func client() async throws {
        try await serve { server in
            let client = try Self.client(server)
            let outcome = try await client.setSourcePolicies(
                source: "east", fence: 3,
                documents: [
                    SourcePolicy(text: Self.policy("good"), uid: "u1", generation: 7),
                    SourcePolicy(text: Self.policy("bad").replacing("spec:", with: "spcc:"), uid: "u2", generation: 8),
                ])
            let (good, bad) = (outcome.documents[0], outcome.documents[1])
            #expect(good.isAccepted && good.isCompiled && good.change == "created" && good.inForce == good.digest)
            #expect((good.kind, good.namespace, good.name) == ("ReleasePolicy", "a", "good"))
            #expect((good.uid, good.generation, good.matchesResources) == ("u1", 7, 0))
            #expect(!bad.isAccepted && !bad.isCompiled && bad.code == "unknown_field" && bad.name == "bad")
            #expect(bad.diagnostics.first?["hint"]?.stringValue?.contains("spec") == true)
            let status = try await client.policyStatus()
            #expect(status["inForce"]?.intValue == outcome.generation)
            #expect(status["bundleDigest"]?.stringValue == outcome.bundleDigest)
            await #expect {
                try await client.setSourcePolicies(source: "east", fence: 2, documents: [])
            } throws: {
                let error = $0 as? AdminClientError
                return error?.isFenced == true && error?.brokerCode == "fenced"
            }
        }
    }

    @Test("A48: a controller reads neither resources nor decisions nor policies, and writes for no other source")
    func controllerRole() async throws {
        try await serve { server in
            try await server.test.put("a/b/c", "the secret")
            let bearer = try server.admin.token(role: "controller")
            let refused = [
                ("GET", "/claviger/v1/resources"), ("GET", "/claviger/v1/resources/a/b/c/versions"),
                ("POST", "/kbs/v0/resource/a/b/c"), ("DELETE", "/kbs/v0/resource/a/b/c"),
                ("GET", "/claviger/v1/decisions"), ("GET", "/claviger/v1/decisions/x"),
                ("GET", "/claviger/v1/policies"), ("POST", "/claviger/v1/policies"),
                ("POST", "/kbs/v0/resource-policy"), ("POST", "/claviger/v1/keys/rotate"),
                ("PUT", "/claviger/v1/sources/west/policies"), ("PUT", "/claviger/v1/sources/east%2Fx/policies"),
                ("GET", "/claviger/v1/reference-values"), ("POST", "/claviger/v1/approvals"),
                ("POST", "/claviger/v1/revocations"), ("GET", "/claviger/v1/collateral/export"),
            ]
            for (method, target) in refused {
                let reply = try await server.send(method, target, bearer: bearer, body: method == "GET" ? nil : [])
                #expect(reply.status == 403 || reply.status == 404, "\(method) \(target): \(reply.status)")
                #expect(!reply.text.contains("the secret"))
            }
            let reading = try await server.send("GET", "/kbs/v0/resource/a/b/c", bearer: bearer)
            #expect(reading.status == 401 && !reading.text.contains("the secret"))
            // Whatever policy it writes, its own token stays no evidence.
            let body = JSONValue.object(["fence": 1, "documents": [["text": .string(Self.policy("all"))]]]).serialized()
            let put = try await server.send("PUT", "/claviger/v1/sources/east/policies", bearer: bearer, body: body)
            #expect(put.status == 200)
            #expect(!put.text.contains("the secret"))
            #expect(try await server.send("GET", "/kbs/v0/resource/a/b/c", bearer: bearer).status == 401)
        }
    }

    @Test("without a role nobody sends policies of a source, and a body that is none is refused")
    func refusals() async throws {
        try await serve { server in
            let target = "/claviger/v1/sources/east/policies"
            let body = Array(#"{"fence":1,"documents":[]}"#.utf8)
            let stranger = try await server.send("PUT", target, body: body)
            let reader = try await server.send(
                "PUT", target, bearer: try server.admin.token(role: "reader"), body: body)
            #expect(stranger.status == 401)
            #expect(reader.status == 403)
            let refused: [(target: String, body: [UInt8])] = [
                (target, Array("x".utf8)), ("/claviger/v1/sources/A/policies", body), (target + "?dryRun=maybe", body),
            ]
            for (target, body) in refused {
                let reply = try await server.administrate("PUT", target, body: body)
                #expect(reply.status == 400, "\(target)")
            }
            let (reading, taken) = (
                try await server.administrate("GET", target), try await server.administrate("PUT", target, body: body)
            )
            #expect(reading.status == 405 && taken.status == 200)
        }
    }

    @Test("a list larger than other requests may be is taken")
    func largeBody() async throws {
        try await serve { server in
            let documents = (0..<12).map { index in
                SourcePolicy(
                    text: Self.policy("p-\(index)") + "\n  # " + String(repeating: "x", count: 200_000),
                    uid: "u\(index)")
            }
            let outcome = try await Self.client(server).setSourcePolicies(
                source: "east", fence: 1, documents: documents)
            #expect(outcome.documents.count { $0.isAccepted } == 12)
        }
    }

    @Test("an administrator who deletes a controller's document is told whose it is")
    func deletion() async throws {
        try await serve { server in
            _ = try await Self.client(server).setSourcePolicies(
                source: "east", fence: 1, documents: [SourcePolicy(text: Self.policy("p"))])
            let reply = try await server.administrate("DELETE", "/claviger/v1/policies/ReleasePolicy/a/p")
            #expect(reply.status == 409)
            #expect(reply.detail.contains("source/east") && reply.detail.contains("owned_by"))
            let list = try await server.administrate("GET", "/claviger/v1/policies")
            let row = list.json?["policies"]?.arrayValue?.first { $0["name"] == "p" }
            #expect(row?["origin"] == "source/east")
        }
    }

    @Test(
        "A34: a source's change decides on two broker processes at once, and decisions name its digest",
        .enabled(if: BrokerProcess.isBuilt, "claviger-broker is not built beside the tests"))
    func twoProcesses() async throws {
        let admin = try TestAdministrator()
        defer { admin.remove() }
        let store = try await TestDatabase.make()
        let ports = [
            try await BrokerProcess.start(store.dsn, in: admin.folder, admin: admin),
            try await BrokerProcess.start(store.dsn, in: admin.folder, admin: admin),
        ]
        func send(
            _ broker: Int, _ method: String, _ target: String, cookie: String? = nil, body: [UInt8]? = nil
        ) async throws -> Reply {
            var headers = [("Authorization", "Bearer \(try admin.token())")]
            if let cookie { headers = [("Cookie", "kbs-session-id=\(cookie)")] }
            return try await RawClient(port: ports[broker].port, isSecure: false)
                .send(method, target, headers: headers, body: body)
        }
        _ = try await send(0, "POST", "/claviger/v1/policies", body: Array(TestPolicies.appraisal.utf8))
        _ = try await send(0, "POST", "/kbs/v0/resource/a/b/c", body: Array("secret".utf8))
        let challenge = try await RawClient(port: ports[1].port, isSecure: false)
            .send("POST", "/kbs/v0/auth", headers: [], body: SampleGuest.authBody())
        let evidence = try SampleGuest().attestation(nonce: challenge.json?["nonce"]?.stringValue ?? "")
        let attested = try await send(1, "POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: evidence)
        let cookie = try #require(attested.sessionCookie)
        for round in 0..<6 {
            let tee = round.isMultiple(of: 2) ? "sample" : "tdx"
            let list: JSONObject = [
                "fence": .int(Int64(round)), "documents": [["text": .string(Self.policy("p", tee: tee))]],
            ]
            let answer = try await send(
                round % 2, "PUT", "/claviger/v1/sources/east/policies", body: list.serialized())
            let digest = try #require(answer.json?["bundleDigest"])
            for broker in 0...1 {
                let reply = try await send(broker, "GET", "/kbs/v0/resource/a/b/c", cookie: cookie)
                #expect(reply.status == (tee == "sample" ? 200 : 403))
            }
            let recent = try await send(0, "GET", "/claviger/v1/decisions?limit=2")
            #expect((recent.json?["decisions"]?.arrayValue ?? []).map { $0["bundleDigest"] } == [digest, digest])
        }
    }
}
