import Encodings
import Foundation
import JOSE
import KubernetesTestSupport
import Testing

/// 4b: "SA token, RBAC, TokenReview with audience, OIDC discovery + JWKS".
@Suite("Conformance: identities", .timeLimit(.minutes(5)))
struct IdentityConformance {
    private static func token(
        _ session: ConformanceSession, _ account: String, audiences: [String] = []
    ) async throws -> String {
        let path = "/api/v1/namespaces/\(session.namespace)/serviceaccounts"
        _ = try await session.api.send(
            "POST", path,
            ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": .string(account)]])
        var spec: JSONObject = ["expirationSeconds": 3600]
        if !audiences.isEmpty { spec["audiences"] = .array(audiences.map(JSONValue.string)) }
        let answer = try await session.api.expect(
            201, "POST", "\(path)/\(account)/token",
            ["apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": .object(spec)])
        return try #require(answer["status"]?["token"]?.stringValue)
    }

    @Test("4b: OIDC discovery and JWKS: a service account's token is checked by the keys that the issuer publishes")
    func discovery() async throws {
        try await ConformanceTarget.run { session in
            let token = try await Self.token(session, "reader", audiences: ["claviger"])
            let discovery = try await session.api.expect(200, "GET", "/.well-known/openid-configuration")
            let keys = try await session.api.send("GET", "/openid/v1/jwks")
            let jws = try JWS(compact: token)
            let id = try #require(jws.header["kid"]?.stringValue)
            let key = try #require(try JWKSet(json: Array(keys.text.utf8)).key(id: id))
            let claims = try JWTClaims(payload: jws.verify(with: key))
            #expect(claims.issuer == discovery["issuer"]?.stringValue)
            #expect(try claims.audiences() == ["claviger"])
            #expect(claims.subject == "system:serviceaccount:\(session.namespace):reader")
            #expect(claims.object["kubernetes.io"]?["serviceaccount"]?["name"] == "reader")
        }
    }

    @Test(
        "4b: TokenReview with audience: a token for another audience is worth nothing to the API server, and a review tells for whom it is"
    )
    func audiences() async throws {
        try await ConformanceTarget.run { session in
            let token = try await Self.token(session, "reader", audiences: ["claviger"])
            let refused = try await session.api.with(token: token).send("GET", session.configMaps)
            #expect(refused.status == 401 && refused.reason == "Unauthorized")
            func review(_ audiences: JSONValue) async throws -> JSONValue? {
                let answer = try await session.api.expect(
                    201, "POST", "/apis/authentication.k8s.io/v1/tokenreviews",
                    [
                        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                        "spec": ["token": .string(token), "audiences": audiences],
                    ])
                return answer["status"]
            }
            let good = try await review(["claviger", "other"])
            #expect(good?["authenticated"] == true && good?["audiences"] == ["claviger"])
            #expect(good?["user"]?["username"] == .string("system:serviceaccount:\(session.namespace):reader"))
            #expect(try await review(["other"])?["authenticated"] != true)
        }
    }

    @Test("4b: RBAC: a role for one Secret allows to list and watch that one by name, and nothing else")
    func resourceNames() async throws {
        try await ConformanceTarget.run { session in
            let token = try await Self.token(session, "reader")
            let reader = session.api.with(token: token)
            let secrets = "/api/v1/namespaces/\(session.namespace)/secrets"
            for name in ["mine", "other"] {
                try await session.api.expect(
                    201, "POST", secrets,
                    [
                        "apiVersion": "v1", "kind": "Secret", "metadata": ["name": .string(name)],
                        "stringData": ["key": "value"],
                    ])
            }
            #expect(try await reader.send("GET", secrets + "/mine").status == 403)
            let group = "/apis/rbac.authorization.k8s.io/v1/namespaces/\(session.namespace)"
            try await session.api.expect(
                201, "POST", group + "/roles",
                [
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": ["name": "one"],
                    "rules": [
                        [
                            "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mine"],
                            "verbs": ["get", "list", "watch"],
                        ]
                    ],
                ])
            try await session.api.expect(
                201, "POST", group + "/rolebindings",
                [
                    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": "one"],
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"],
                    "subjects": [
                        ["kind": "ServiceAccount", "name": "reader", "namespace": .string(session.namespace)]
                    ],
                ])
            let end = ContinuousClock.now + .seconds(60)
            while try await reader.send("GET", secrets + "/mine").status != 200 {
                try #require(ContinuousClock.now < end, "the role never took effect")
                try await Task.sleep(for: .milliseconds(100))
            }
            let list = try await reader.expect(200, "GET", secrets + "?fieldSelector=metadata.name%3Dmine")
            #expect(list["items"]?.arrayValue?.count == 1)
            #expect(list["items"]?.arrayValue?.first?["data"]?["key"] == "dmFsdWU=")
            let watch = try await reader.send(
                "GET", secrets + "?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dmine")
            #expect(watch.status == 200 && watch.events.count == 1)
            for path in ["", "?fieldSelector=metadata.name%3Dother", "/other", "?watch=1&timeoutSeconds=1"] {
                let answer = try await reader.send("GET", secrets + path)
                #expect(answer.status == 403 && answer.reason == "Forbidden", "\(path)")
            }
            let denied = try await reader.send("GET", secrets)
            #expect(denied.message.contains("cannot list resource \"secrets\" in API group \"\""))
        }
    }

    @Test("4b: SA token: a wrong token is 401, and nobody is told more than the version and whether the server lives")
    func wrongToken() async throws {
        try await ConformanceTarget.run { session in
            #expect(try await session.api.with(token: "wrong").send("GET", session.configMaps).status == 401)
            let nobody = try await session.api.with(token: nil).send("GET", session.configMaps)
            #expect([401, 403].contains(nobody.status))
            #expect(try await session.api.send("GET", "/livez").status == 200)
            let version = try await session.api.expect(200, "GET", "/version")
            #expect(version["major"] == "1")
        }
    }

    @Test(
        "4c: token expiry 401, clock jump: tokens expire by the server's clock", .ofOurServer("its clock cannot be set")
    )
    func expiry() async throws {
        try await ConformanceTarget.run { session in
            let cluster = try #require(session.fake?.cluster)
            cluster.configure { $0.checksRoles = false }
            let token = try await Self.token(session, "reader")
            let reader = session.api.with(token: token)
            #expect(try await reader.send("GET", session.configMaps).status == 200)
            cluster.advanceClock(by: 3601)
            #expect(try await reader.send("GET", session.configMaps).status == 401)
            cluster.advanceClock(by: -7200)
            #expect(try await reader.send("GET", session.configMaps).status == 200, "the clock went back")
        }
    }

    @Test("a key that is rotated away takes its tokens with it", .ofOurServer("its keys cannot be rotated"))
    func keyRotation() async throws {
        try await ConformanceTarget.run { session in
            let cluster = try #require(session.fake?.cluster)
            cluster.configure { $0.checksRoles = false }
            let old = try await Self.token(session, "reader")
            try cluster.rotateTokenKey()
            let new = try await Self.token(session, "reader")
            for token in [old, new] {
                #expect(try await session.api.with(token: token).send("GET", session.configMaps).status == 200)
            }
            try cluster.rotateTokenKey(forgettingFormerKeys: true)
            #expect(try await session.api.with(token: new).send("GET", session.configMaps).status == 401)
        }
    }
}
