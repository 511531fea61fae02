import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import Testing

@Suite("The handshake over HTTP")
struct HandshakeHTTPTests {
    private static let open = TestPolicies.stream(
        TestPolicies.appraisal, TestPolicies.deviceAppraisal, TestPolicies.allowAll)

    private static func transcript() throws -> JSONValue {
        let url = try #require(Bundle.module.resourceURL).appending(path: "Vectors/rcar-transcript-sample.json")
        return try JSONValue(parsing: [UInt8](Data(contentsOf: url)))
    }

    @Test(
        "GC 9.H.75: the sample transcript runs from challenge to secret",
        arguments: ["3_attestation", "3b_attestation_with_init_data_and_device"])
    func transcript(_ name: String) async throws {
        let transcript = try Self.transcript()
        let nonce = try #require(transcript[pointer: "/2_challenge/nonce"]?.stringValue)
        try await RunningBroker.serve(policies: Self.open, nonce: nonce) { server in
            try await server.test.put("default/key/1", "secret")
            let request = try #require(transcript["1_request"]).serialized()
            let challenge = try await server.send("POST", "/kbs/v0/auth", body: request)
            #expect(challenge.status == 200)
            #expect(challenge.header("content-type") == "application/json")
            #expect(challenge.json == transcript["2_challenge"])
            let cookie = try #require(challenge.sessionCookie)
            let body = try #require(transcript[name]).serialized()
            let answer = try await server.send("POST", "/kbs/v0/attest", cookie: cookie, body: body)
            #expect(answer.status == 200)
            #expect(answer.header("content-type") == "application/json")
            let token = try JWS(compact: try #require(answer.json?["token"]?.stringValue))
            #expect(token.header["typ"] == "JWT")
            let claims = try JWTClaims(payload: token.payload).object
            let expected = try #require(transcript[pointer: "/4_token_claims/submods/cpu0"])
            let actual = try #require(JSONValue.object(claims)[pointer: "/submods/cpu0"])
            if name == "3_attestation" {
                for member in ["ear.status", "ear.veraison.annotated-evidence", "ear.appraisal-policy-id"] {
                    #expect(actual[member] == expected[member])
                }
            } else {
                #expect(JSONValue.object(claims)[pointer: "/submods/gpu0/ear.status"] == "contraindicated")
            }
            let resource = try await server.send(
                "GET", "/kbs/v0/resource/default/key/1", cookie: answer.sessionCookie)
            #expect(resource.status == 200)
            #expect(resource.header("content-type") == "application/json")
            #expect(resource.json?.objectValue?.names == ["protected", "encrypted_key", "iv", "ciphertext", "tag"])
            #expect(resource.header("set-cookie") == nil)
        }
    }

    @Test("KBS 12.1.3: a version mismatch stays a 401 with the words that guests look for")
    func versionMismatch() async throws {
        try await RunningBroker.serve { server in
            let reply = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody(version: "0.9.0"))
            #expect(reply.status == 401)
            #expect(reply.errorType == "AttestationError")
            #expect(reply.detail.contains("KBS Client Protocol Version Mismatch"))
        }
    }

    @Test("A4: cookies are HttpOnly, same-site, for this path, and change at attest")
    func cookies() async throws {
        try await RunningBroker.serve(policies: Self.open) { server in
            let guest = try SampleGuest()
            let challenge = try await server.send(
                "POST", "/kbs/v0/auth", cookie: "fixed-by-attacker", body: SampleGuest.authBody())
            let field = try #require(challenge.header("set-cookie"))
            for attribute in ["; Path=/kbs", "; HttpOnly", "; SameSite=Strict", "; Expires="] {
                #expect(field.contains(attribute))
            }
            #expect(!field.contains("Secure"))
            #expect(!field.contains("fixed-by-attacker"))
            let first = try await server.attest(guest)
            let second = try await server.attest(guest)
            #expect(first.cookie != second.cookie)
            #expect(first.cookie != challenge.sessionCookie)
        }
    }

    @Test(
        "GC 9.B.38: A2 and A3: attest without a current challenge is a 401, also with a session and with a spent challenge"
    )
    func attestNeedsAChallenge() async throws {
        try await RunningBroker.serve(policies: Self.open) { server in
            let guest = try SampleGuest()
            let challenge = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
            let nonce = try #require(challenge.json?["nonce"]?.stringValue)
            let body = try guest.attestation(nonce: nonce)
            let attested = try await server.send("POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: body)
            #expect(attested.status == 200)
            for cookie in [nil, "junk", challenge.sessionCookie, attested.sessionCookie] {
                let reply = try await server.send("POST", "/kbs/v0/attest", cookie: cookie, body: body)
                #expect(reply.status == 401)
                #expect(reply.errorType == "AttestationError")
                #expect(reply.header("set-cookie") == nil)
            }
        }
    }

    @Test("a guest's first GET, before any session, gets the 401 that makes it attest")
    func firstGET() async throws {
        try await RunningBroker.serve(policies: Self.open) { server in
            let reply = try await server.send("GET", "/kbs/v0/resource/a/b/c")
            #expect(reply.status == 401)
            #expect(reply.errorType == "TokenNotFound")
            #expect(reply.detail == "Attestation Token not found")
        }
    }

    @Test("GC 9.B.39: statuses are honest: 403 when denied, 404 only for whoever would be allowed, 401 for a bad token")
    func statuses() async throws {
        try await RunningBroker.serve(policies: Self.open) { server in
            try await server.test.put("a/b/c", "secret")
            let guest = try SampleGuest()
            let (cookie, token) = try await server.attest(guest)
            #expect(try await server.send("GET", "/kbs/v0/resource/a/b/c", bearer: token).status == 200)
            let missing = try await server.send("GET", "/kbs/v0/resource/a/b/d", cookie: cookie)
            #expect(missing.status == 404)
            #expect(missing.errorType == "ResourceNotFound")
            _ = try await server.test.broker.applyPolicies(TestPolicies.denyAll, dryRun: false, by: "test")
            for path in ["a/b/c", "a/b/d"] {
                let denied = try await server.send("GET", "/kbs/v0/resource/\(path)", cookie: cookie)
                #expect(denied.status == 403)
                #expect(denied.errorType == "PolicyDeny")
                #expect(denied.detail.hasPrefix("Access denied by policy"))
                let id = try #require(denied.detail.split(separator: " ").last?.dropLast())
                let decision = try await server.administrate("GET", "/claviger/v1/decisions/\(id)")
                #expect(decision.json?["path"] == .string(path))
            }
            let bad = try await server.send("GET", "/kbs/v0/resource/a/b/c", bearer: token + "x")
            #expect(bad.status == 401)
            #expect(bad.errorType == "TokenVerifierError")
        }
    }

    @Test("A57: without the database the answers are 503 with Retry-After, and the broker is not ready but alive")
    func unavailable() async throws {
        try await RunningBroker.serve(policies: Self.open) { server in
            let (cookie, token) = try await server.attest(SampleGuest())
            #expect(try await server.send("GET", "/readyz").status == 200)
            server.test.store.database.close()
            let replies = [
                try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie),
                try await server.send("GET", "/kbs/v0/resource/a/b/c", bearer: token),
                try await server.administrate("POST", "/kbs/v0/resource/a/b/c", body: [1]),
                try await server.administrate("GET", "/claviger/v1/policies"),
            ]
            for reply in replies {
                #expect(reply.status == 503)
                #expect(reply.header("retry-after") != nil)
                #expect(reply.errorType == "ServiceUnavailable")
            }
            #expect(try await server.send("GET", "/readyz").status == 503)
            #expect(try await server.send("GET", "/healthz").status == 200)
        }
    }

    @Test("A21: no answer, also to a refused or failed request, holds the secret's bytes")
    func onlySealed() async throws {
        let canary = "canary-5b0e77aa"
        try await RunningBroker.serve(policies: Self.open) { server in
            let stored = try await server.administrate("POST", "/kbs/v0/resource/a/b/c", body: Array(canary.utf8))
            let (cookie, token) = try await server.attest(SampleGuest())
            let replies = [
                stored,
                try await server.administrate("POST", "/kbs/v0/resource/a/b/c", body: Array(canary.utf8)),
                try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie),
                try await server.send("GET", "/kbs/v0/resource/a/b/c", bearer: token),
                try await server.send("GET", "/kbs/v0/resource/a/b/c"),
                try await server.administrate("GET", "/kbs/v0/resource/a/b/c"),
                try await server.administrate("GET", "/claviger/v1/resources"),
                try await server.administrate("GET", "/claviger/v1/resources/a/b/c/versions"),
                try await server.administrate("GET", "/claviger/v1/decisions"),
                try await server.administrate("DELETE", "/kbs/v0/resource/a/b/c"),
                try await server.send("GET", "/metrics"),
            ]
            for reply in replies {
                #expect(!reply.text.contains(canary))
                #expect(!reply.text.contains(Base64.encode(Array(canary.utf8))))
            }
            #expect(!server.test.logs.text.contains(canary))
        }
    }

    @Test("A52: with everything logged, no secret, token, nonce, cookie or admin token is in logs or metrics")
    func canary() async throws {
        let canary = "canary-77e0c2d1"
        try await RunningBroker.serve(policies: Self.open) { server in
            let guest = try SampleGuest()
            let admin = try server.admin.token()
            _ = try await server.send("POST", "/kbs/v0/resource/a/b/c", bearer: admin, body: Array(canary.utf8))
            let challenge = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
            let nonce = try #require(challenge.json?["nonce"]?.stringValue)
            let attested = try await server.send(
                "POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: try guest.attestation(nonce: nonce))
            let token = try #require(attested.json?["token"]?.stringValue)
            for (cookie, bearer) in [(attested.sessionCookie, nil), (nil, token), (nil, token + "x"), ("x", admin)] {
                _ = try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie, bearer: bearer)
            }
            let decisions = try await server.administrate("GET", "/claviger/v1/decisions").text
            let everything = server.test.logs.text + (try await server.send("GET", "/metrics").text) + decisions
            let secrets = [
                canary, Base64.encode(Array(canary.utf8)), nonce, token, admin, try #require(challenge.sessionCookie),
                try #require(attested.sessionCookie),
            ]
            for secret in secrets { #expect(!everything.contains(secret)) }
            #expect(server.test.logs.text.contains("request answered"))
        }
    }
}
