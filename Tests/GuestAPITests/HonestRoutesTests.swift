import Encodings
import Foundation
import Guest
import GuestTestSupport
import HTTPTransport
import JOSE
import Testing

import struct HTTPTransport.HTTPRequest

@testable import GuestAPI

/// Opens one text.
private struct OneSecret: SecretUnsealer {
    func unseal(_ sealed: String) async throws(GuestError) -> SecretBytes {
        guard sealed == "sealed.a.b.c" else { throw GuestError(.invalidRequest, "This is no sealed secret.") }
        return SecretBytes(Array("open".utf8))
    }
}

/// The routes below `/v1`, who may use them, and the probes.
@Suite("The honest routes", .timeLimit(.minutes(5)))
struct HonestRoutesTests {
    private static func object(_ answer: RESTAnswer) throws -> JSONObject {
        try #require(JSONValue(parsing: answer.body).objectValue)
    }

    @Test("GC 10.2.9: each failure has its status, a reason for programs, and says when to come again")
    func failures() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array("secret".utf8))
            broker.script("resource/a/b/denied", .denied)
            broker.script("resource/a/b/away", .init(503, headers: ["Retry-After": "7"]))
            broker.script("resource/a/b/slow", .init(504))
            broker.script("resource/a/b/odd", .init(500))
            broker.script("resource/a/b/refused", .error(401, .tokenVerifierError, "no (code: x)"))
            let agent = try TestAgent(url)
            #expect(try await agent.text("/v1/resources/a/b/c") == "200 secret")
            for (name, status, reason, wait) in [
                ("denied", 403, "denied", nil), ("none", 404, "not_found", nil), ("away", 503, "unavailable", 7),
                ("slow", 504, "unavailable", 1), ("odd", 502, "unavailable", nil), ("refused", 403, "denied", nil),
                ("a%2fb", 400, "invalid_request", nil),
            ] as [(String, Int, String, Int64?)] {
                let answer = try await agent.get("/v1/resources/a/b/\(name)")
                let object = try Self.object(answer)
                #expect(answer.status == status && object["reason"]?.stringValue == reason, "\(name)")
                #expect(object["error"]?.stringValue?.isEmpty == false)
                #expect(object["retry_after"]?.intValue == wait && answer.retryAfter.map(Int64.init) == wait)
            }
            let denied = try Self.object(try await agent.get("/v1/resources/a/b/denied"))
            #expect(denied["decision"] == "0193-deny" && denied["code"] == "condition_false")
        }
    }

    @Test("GC 10.2.9: a refused attestation has its own reason")
    func refusedAttestation() async throws {
        try await FakeKBS.run { broker, url in
            broker.script("attest", .error(401, .attestationError, "no (code: x; decision: 0193-att)"))
            let agent = try TestAgent(url)
            for path in ["/v1/resources/a/b/c", "/v1/token"] {
                let answer = try await agent.get(path)
                let object = try Self.object(answer)
                #expect(answer.status == 403 && object["reason"] == "attestation_failed")
                #expect(object["decision"] == "0193-att")
            }
            #expect(broker.attestations == 1)
        }
    }

    @Test("a token comes without its key unless that is asked for; a key that has no form is an error")
    func token() async throws {
        try await FakeKBS.run { broker, url in
            let agent = try TestAgent(url)
            let plain = try Self.object(try await agent.get("/v1/token"))
            #expect(plain.names == ["token", "expires"])
            let whole = try Self.object(try await agent.get("/v1/token?keypair=true"))
            #expect(whole["token"] == plain["token"])
            _ = try JWEPrivateKey(pem: #require(whole["tee_keypair"]?.stringValue))
            #expect(try await agent.get("/v1/token", method: "POST").status == 405)
        }
    }

    @Test(
        "GC 9.B.36: an ML-KEM key seals resources and has no PEM form: tokens with it are an error, tokens alone are not"
    )
    func mlKEM() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array("secret".utf8))
            let attester = SampleAttester()
            let client = try KBSClient(
                KBSClientConfiguration(url: url, insecureHTTPAllowed: true, keyKind: .mlKEM768), attester: attester)
            let face = RESTFace(
                client: client, resources: client, attester: attester,
                readiness: Readiness(files: ProjectedFiles([], from: client, by: Projection()), client: client),
                features: .all, version: "1")
            for (target, status) in [
                ("/v1/resources/a/b/c", 200), ("/v1/token", 200), ("/v1/token?keypair=true", 400),
                ("/aa/token?token_type=kbs", 500),
            ] {
                #expect(await face.answer(RESTRequest(method: "GET", target: target)).status == status, "\(target)")
            }
        }
    }

    @Test("evidence comes as an object with the TEE's name; too much runtime data is refused")
    func evidence() async throws {
        let agent = try TestAgent(RESTFaceTests.nowhere)
        let answer = try await agent.get("/v1/evidence?runtime_data=YWJj&encoding=base64")
        let object = try Self.object(answer)
        #expect(answer.status == 200 && object["tee"] == "sample")
        #expect(object["evidence"]?["report_data"]?.stringValue == Base64.encode(Array("abc".utf8)))
        for query in ["", "?runtime_data=\(String(repeating: "a", count: 65))", "?runtime_data=x&encoding=hex"] {
            #expect(try await agent.get("/v1/evidence\(query)").status == 400)
        }
    }

    @Test("sealed secrets are opened where there is something that opens them")
    func unseal() async throws {
        let none = try TestAgent(RESTFaceTests.nowhere)
        #expect(try await none.text("/v1/unseal", method: "POST", body: "sealed.a.b.c") == "404 URL NOT FOUND")
        let agent = try TestAgent(RESTFaceTests.nowhere, unsealer: OneSecret())
        #expect(try await agent.text("/v1/unseal", method: "POST", body: "sealed.a.b.c") == "200 open")
        let wrong = try await agent.get("/v1/unseal", method: "POST", body: "sealed.x")
        #expect(try wrong.status == 400 && Self.object(wrong)["reason"] == "invalid_request")
        #expect(try await agent.get("/v1/unseal").status == 405)
    }

    @Test("features switch the honest routes too", arguments: [RESTFeatures.resource, .attestation])
    func features(features: RESTFeatures) async throws {
        let agent = try TestAgent(RESTFaceTests.nowhere, features: features, unsealer: OneSecret())
        let isResource = features == .resource
        for (target, method, isOffered) in [
            ("/v1/resources/a", "GET", isResource), ("/v1/unseal", "POST", isResource),
            ("/v1/evidence?runtime_data=x", "GET", !isResource),
        ] {
            let status = try await agent.get(target, method: method).status
            #expect((status == 404) == !isOffered, "\(target)")
        }
    }

    @Test("GC 10.2.8: on the Unix socket each user has the paths that were named, and the probes")
    func peers() async throws {
        try await FakeKBS.run { broker, url in
            for name in ["app", "other"] { broker.put("\(name)/b/c", Array(name.utf8)) }
            let peers = try AllowedPeers(
                [PeerPermission("1000=/v1/resources/app/*"), PeerPermission("1001=/v1/token")], trustedUsers: [0])
            let face = try TestAgent(url, peers: peers).face
            func status(_ user: UInt32, _ target: String) async -> Int {
                let caller = PeerIdentity(processID: 1, userID: user, groupID: user)
                return await face.answer(RESTRequest(method: "GET", target: target, caller: caller)).status
            }
            for (user, target, expected) in [
                (1000, "/v1/resources/app/b/c", 200), (1000, "/v1/resources/app/b/c?x=/v1/token", 200),
                (1000, "/v1/resources/other/b/c", 403), (1000, "/cdh/resource/app/b/c", 403),
                (1000, "/v1/resource/app/b/c", 403), (1000, "/v1/resources/app/../other/b/c", 400),
                (1000, "/v1/token", 403), (1001, "/v1/token", 200), (1001, "/v1/token?keypair=true", 200),
                (1001, "/v1/tokens", 403), (1001, "/metrics", 403), (1002, "/v1/resources/app/b/c", 403),
                (1002, "/healthz", 200), (1002, "/readyz", 200), (1002, "/startupz", 200), (1002, "/info", 200),
                (0, "/v1/resources/other/b/c", 200), (0, "/aa/token?token_type=kbs", 200),
            ] {
                #expect(await status(UInt32(user), target) == expected, "\(user) \(target)")
            }
            let refused = await face.answer(
                RESTRequest(
                    method: "GET", target: "/v1/token",
                    caller: PeerIdentity(processID: 1, userID: 1002, groupID: 1)))
            #expect(try Self.object(refused)["reason"] == "denied")
        }
    }

    @Test("GC 10.2.8: where callers are named, one whom nobody vouches for, as over TCP, has the probes only")
    func strangers() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("app/b/c", [1])
            let peers = try AllowedPeers([PeerPermission("1000=/readyz")], trustedUsers: [0])
            let file = try ProjectionTarget(argument: "kbs:///a/b/c=/nonexistent/key")
            let agent = try TestAgent(url, files: [file], peers: peers)
            for path in ["/v1/resources/app/b/c", "/cdh/resource/app/b/c", "/v1/token", "/metrics"] {
                #expect(try await agent.get(path).status == 403, "\(path)")
            }
            #expect(try await agent.get("/healthz").status == 200)
            for path in ["/readyz", "/startupz"] {
                let answer = try await agent.get(path)
                #expect(answer.status == 503)
                #expect(String(decoding: answer.body, as: UTF8.self) == #"{"ready":false,"obstacle_count":1}"#)
            }
            let caller = PeerIdentity(processID: 1, userID: 1000, groupID: 1)
            let named = await agent.face.answer(RESTRequest(method: "GET", target: "/readyz", caller: caller))
            #expect(String(decoding: named.body, as: UTF8.self).contains("/nonexistent/key"))
        }
    }

    @Test("GC 10.2.6: start-up is over for good once the agent was ready; readiness comes and goes")
    func probes() async throws {
        try await FakeKBS.run { broker, url in
            broker.script("auth", .init(503))
            let early = try TestAgent(url)
            #expect(try await early.get("/startupz").status == 503)
            broker.endScript("auth")
            let time = TestClock(Date())
            let attester = SampleAttester()
            let client = try KBSClient(
                KBSClientConfiguration(url: url, insecureHTTPAllowed: true, clock: time.clock), attester: attester)
            let face = RESTFace(
                client: client, resources: client, attester: attester,
                readiness: Readiness(files: ProjectedFiles([], from: client, by: Projection()), client: client),
                features: .all, version: "1")
            func status(_ path: String) async -> Int {
                await face.answer(RESTRequest(method: "GET", target: path)).status
            }
            #expect(await status("/readyz") == 200)
            broker.script("auth", .init(503))
            time.advance(by: 1000)
            #expect(await status("/readyz") == 503)
            #expect(await status("/startupz") == 200)
            #expect(await status("/healthz") == 200)
        }
    }
}
