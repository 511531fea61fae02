import Broker
import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import RATS
import Testing

@testable import BrokerAPI

@Suite("Administrators")
struct AdminTests {
    /// The three writes that every setting of admin access is tried on.
    private static func writes() -> [(endpoint: String, body: [UInt8])] {
        func policy(_ text: String, _ id: String? = nil) -> [UInt8] {
            var body: JSONObject = ["type": "rego", "policy": .string(Base64.encodeURL(Array(text.utf8)))]
            if let id { body["policy_id"] = .string(id) }
            return body.serialized()
        }
        return [
            ("/kbs/v0/resource-policy", policy(TestPolicies.allowAll)),
            ("/kbs/v0/attestation-policy", policy(TestPolicies.appraisal, "default_cpu")),
            ("/kbs/v0/resource/a/b/c", Array("secret".utf8)),
        ]
    }

    @Test("GC 9.H.76: KBS 12.6.32: an administrator sets policies and resources, and each answer is empty")
    func allowed() async throws {
        try await RunningBroker.serve(policies: nil) { server in
            for (endpoint, body) in Self.writes() {
                let reply = try await server.administrate("POST", endpoint, body: body)
                #expect(reply.status == 200, "\(endpoint): \(reply.text)")
                #expect(reply.body.isEmpty)
            }
            let (cookie, _) = try await server.attest(SampleGuest())
            #expect(try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie).status == 200)
            #expect(try await server.administrate("GET", "/kbs/v0/resource-policy").json == ["resource-policy"])
        }
    }

    @Test("KBS 12.6.33: a key that is not trusted administrates nothing")
    func untrustedKey() async throws {
        try await RunningBroker.serve { server in
            let stranger = try SigningKey.generate(.edDSA)
            for (endpoint, body) in Self.writes() {
                let bearer = try server.admin.token(key: stranger)
                let reply = try await server.send("POST", endpoint, bearer: bearer, body: body)
                #expect(reply.status == 401)
                #expect(reply.errorType == "AdminAuthAccess")
                #expect(reply.detail.contains("Cannot verify token with any of the issuers"))
            }
        }
    }

    @Test("A46: a token for one request is taken once, whoever races for it, and a refusal by role does not use it up")
    func oneRequest() async throws {
        try await RunningBroker.serve { server in
            let once: JSONObject = ["claviger_use": "once", "jti": "first"]
            let bearer = try server.admin.token(role: "reader", extra: once)
            #expect(try await server.send("POST", "/claviger/v1/keys/rotate", bearer: bearer).status == 403)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask { try await server.send("GET", "/claviger/v1/policies", bearer: bearer).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200, 401, 401, 401, 401, 401])
            let again = try await server.send("GET", "/claviger/v1/whoami", bearer: bearer)
            #expect(again.status == 401 && again.errorType == "AdminAuthAccess")
            // The next one of the same issuer is another.
            let next = try server.admin.token(role: "reader", extra: ["claviger_use": "once", "jti": "second"])
            #expect(try await server.send("GET", "/claviger/v1/whoami", bearer: next).status == 200)
        }
    }

    @Test(
        "A46: a token whose use is not understood, or that could not be known again, is not taken",
        arguments: [
            ["claviger_use": "twice", "jti": "a"], ["claviger_use": "once"], ["claviger_use": true, "jti": "a"],
            ["claviger_use": "once", "jti": ""],
        ] as [JSONObject])
    func strangeUse(_ claims: JSONObject) async throws {
        try await RunningBroker.serve { server in
            let bearer = try server.admin.token(role: "reader", extra: claims)
            #expect(try await server.send("GET", "/claviger/v1/whoami", bearer: bearer).status == 401)
        }
    }

    @Test("KBS 12.6.34: under DenyAll nobody administrates")
    func denyAll() async throws {
        try await RunningBroker.serve(configure: { $0.admin = AdminConfiguration() }) { server in
            for (endpoint, body) in Self.writes() {
                let reply = try await server.administrate("POST", endpoint, body: body)
                #expect(reply.status == 403)
                #expect(reply.detail.contains("DenyAll authorization_mode is enabled"))
            }
        }
    }

    @Test("KBS 12.6.35: a role may do what its access list says and nothing else")
    func roleNotAllowed() async throws {
        try await RunningBroker.serve { server in
            let bearer = try server.admin.token(role: "tester")
            for (endpoint, body) in Self.writes() {
                let reply = try await server.send("POST", endpoint, bearer: bearer, body: body)
                #expect(reply.status == 403)
                #expect(reply.detail.contains("Role tester not allowed for path \(endpoint)"))
            }
            #expect(try await server.send("GET", "/kbs/v0/reference-value/svn", bearer: bearer).status == 404)
            let reader = try server.admin.token(role: "reader")
            #expect(try await server.send("GET", "/claviger/v1/policies", bearer: reader).status == 200)
            #expect(try await server.send("POST", "/claviger/v1/keys/rotate", bearer: reader).status == 403)
        }
    }

    @Test(
        "KBS 12.6.31: issuer, audience and path decide together",
        arguments: [
            ("issuer", "kbs", "/kbs/v0/resource-policy", 200, ""),
            ("other", "kbs", "/kbs/v0/resource-policy", 401, "Cannot verify token with any of the issuers"),
            ("issuer", "other", "/kbs/v0/resource-policy", 401, "Cannot verify token with any of the issuers"),
            ("issuer", "kbs", "/claviger/v1/whoami", 200, ""),
        ])
    func accessMatrix(_ issuer: String, _ audience: String, _ path: String, _ status: Int, _ words: String) async throws
    {
        try await RunningBroker.serve { server in
            for form: JSONValue in [.string(audience), ["x", .string(audience)]] {
                let bearer = try server.admin.token(issuer: issuer, audience: form)
                let reply = try await server.send("GET", path, bearer: bearer)
                #expect(reply.status == status)
                #expect(words.isEmpty || reply.detail.contains(words))
            }
        }
    }

    @Test(
        "the admin tokens of the vectors are accepted and refused as they say",
        arguments: [
            ("valid_until_2055", 200), ("aud_as_string", 200), ("expired", 401), ("no_exp_must_be_rejected", 401),
            ("no_role_must_be_rejected", 401), ("wrong_issuer", 401), ("trustee_cli_style_must_be_rejected", 401),
        ])
    func vectors(_ name: String, _ status: Int) async throws {
        let url = try #require(Bundle.module.resourceURL).appending(path: "Vectors/admin-jwt-vectors.json")
        let vectors = try JSONValue(parsing: [UInt8](Data(contentsOf: url)))
        let file = FileManager.default.temporaryDirectory.appending(path: "claviger-\(UUID().uuidString).pem")
        try Data(try #require(vectors["public_key_pem"]?.stringValue).utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try await RunningBroker.serve(configure: {
            $0.admin.identityProviders[0].publicKeyFile = file.path
            $0.admin.maximumTokenLifetime = .seconds(36_500 * 86_400)
        }) { server in
            let bearer = try #require(vectors[name]?.stringValue)
            #expect(try await server.send("GET", "/kbs/v0/resource-policy", bearer: bearer).status == status)
        }
    }

    @Test("a token that lives longer than allowed, or for ever, is refused", arguments: [nil, 86_400 * 30])
    func lifetime(_ lifetime: Int64?) async throws {
        try await RunningBroker.serve { server in
            let bearer = try server.admin.token(lifetime: lifetime)
            #expect(try await server.send("GET", "/claviger/v1/whoami", bearer: bearer).status == 401)
        }
    }

    @Test("A24: an admin token cannot bring its own key", arguments: ["jwk", "jku", "x5u", "x5c"])
    func injectedKeys(_ member: String) async throws {
        try await RunningBroker.serve { server in
            let thief = try SigningKey.generate(.edDSA)
            let value: JSONValue = member == "jwk" ? .object(thief.publicJWK) : "https://example.test/key"
            for key in [thief, server.admin.key] {
                let bearer = try server.admin.token(header: ["typ": "JWT", .init(member): value], key: key)
                #expect(try await server.send("GET", "/claviger/v1/whoami", bearer: bearer).status == 401)
            }
            let none = Base64.encodeURL(Array(#"{"alg":"none"}"#.utf8))
            let payload = try server.admin.token().split(separator: ".")[1]
            #expect(try await server.send("GET", "/claviger/v1/whoami", bearer: "\(none).\(payload).").status == 401)
        }
    }

    @Test("A25: an attestation token administrates nothing, also when the same key signs both kinds")
    func tokenConfusion() async throws {
        let policies = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)
        try await RunningBroker.serve(policies: policies) { server in
            let (_, token) = try await server.attest(SampleGuest())
            #expect(try await server.send("GET", "/claviger/v1/whoami", bearer: token).status == 401)
            let claims = try JWTClaims(payload: JWS(compact: token).payload).object
            let bearer = try server.admin.token(extra: [
                "submods": claims["submods"] ?? .null, "eat_profile": claims["eat_profile"] ?? .null,
            ])
            #expect(try await server.send("GET", "/claviger/v1/whoami", bearer: bearer).status == 401)
            let admin = try server.admin.token()
            let reply = try await server.send("GET", "/kbs/v0/resource/a/b/c", bearer: admin)
            #expect(reply.status == 401)
            #expect(reply.errorType == "TokenVerifierError")
        }
    }

    @Test(
        "KBS 12.6.30: access rules that are no expression or do not begin at an API are refused at start",
        arguments: [
            "/other/.*", ".*", "^/kbs/(", "kbs", "^.*/kbs", "(/kbs)", "^/kbs/[", "",
        ])
    func badRules(_ pattern: String) throws {
        let admin = try TestAdministrator()
        defer { admin.remove() }
        var configuration = admin.configuration
        configuration.accessList = [AccessRuleConfiguration(role: "admin", allowedEndpoints: pattern)]
        #expect(throws: ConfigurationError.self) { try AdminGate(configuration, clock: .system) }
        configuration = admin.configuration
        configuration.identityProviders = []
        #expect(throws: ConfigurationError.self) { try AdminGate(configuration, clock: .system) }
    }

    @Test("A33: an alternation at the top of an expression does not widen it")
    func anchoredRules() throws {
        let rule = try AccessRule(AccessRuleConfiguration(role: "r", allowedEndpoints: "^/kbs/a|/kbs/b$"))
        #expect(rule.allows(role: "r", method: "GET", target: "/kbs/b"))
        for target in ["/kbs/a/anything", "/x/kbs/b", "/claviger/v1/keys/kbs/b"] {
            #expect(!rule.allows(role: "r", method: "GET", target: target))
        }
        #expect(!rule.allows(role: "s", method: "GET", target: "/kbs/b"))
    }

    @Test("A33: a query makes no path fit, unless the expression itself speaks of queries")
    func queriesInRules() throws {
        func allows(_ pattern: String, _ target: String) throws -> Bool {
            try AccessRule(AccessRuleConfiguration(role: "r", allowedEndpoints: pattern))
                .allows(role: "r", method: "POST", target: target)
        }
        #expect(try allows("^/claviger/v1/.*/versions$", "/claviger/v1/resources/a/b/c/versions"))
        #expect(try !allows("^/claviger/v1/.*/versions$", "/claviger/v1/keys/rotate?x=/versions"))
        #expect(try !allows("^/claviger/v1/keys$", "/claviger/v1/keys?x"))
        #expect(try allows("^/claviger/.+$", "/claviger/v1/decisions?limit=1"))
        #expect(try allows("^/claviger/v1/decisions\\?path=a/.*$", "/claviger/v1/decisions?path=a/b/c"))
        #expect(try !allows("^/claviger/v1/decisions\\?path=a/.*$", "/claviger/v1/decisions?path=b/b/c"))
        let ofOneTenant = "^/claviger/v1/decisions\\?tenant=a(&(limit|allowed|before|claims)=[^&]*)*$"
        #expect(try allows(ofOneTenant, "/claviger/v1/decisions?tenant=a&limit=200&claims=true"))
        #expect(try !allows(ofOneTenant, "/claviger/v1/decisions?tenant=a&limit=1&tenant=b"))
        #expect(try !allows(ofOneTenant, "/claviger/v1/decisions?tenant=ab"))
        #expect(try !allows(ofOneTenant, "/claviger/v1/decisions/01a1ffba-1e49-747a-bb6b-98f58d32ca7e"))
    }

    @Test("A37: the duplicate slash of released clients does not shift what an access rule judges")
    func duplicateSlash() async throws {
        try await RunningBroker.serve(configure: {
            $0.admin.accessList = [
                AccessRuleConfiguration(role: "admin", allowedEndpoints: "^/kbs/v0/resource/[^/]*/public/.+$")
            ]
        }) { server in
            for (path, status) in [("x/public/c", 200), ("/x/public/c", 200), ("/public/b/c", 403)] {
                let reply = try await server.administrate("POST", "/kbs/v0/resource/\(path)", body: [1])
                #expect(reply.status == status, "\(path)")
            }
        }
    }
}
