import Encodings
import Foundation
import Guest
import GuestTestSupport
import JOSE
import KBSProtocol
import NIOCore
import Testing

@testable import GuestAPI

/// The parts of an agent in front of a scripted broker.
struct TestAgent {
    let client: KBSClient
    let face: RESTFace
    let cache: ResourceCache

    init(
        _ url: String, features: RESTFeatures = .all, files: [ProjectionTarget] = [],
        measurements: RuntimeMeasurements = .disabled, unsealer: (any SecretUnsealer)? = nil, peers: AllowedPeers? = nil
    ) throws {
        let attester = SampleAttester()
        client = try KBSClient(KBSClientConfiguration(url: url, insecureHTTPAllowed: true), attester: attester)
        cache = ResourceCache(client)
        face = RESTFace(
            client: client, resources: cache, attester: attester,
            readiness: Readiness(
                files: ProjectedFiles(files, from: cache, by: Projection()), client: client),
            features: features, version: "1.2.3", measurements: measurements, unsealer: unsealer, peers: peers)
    }

    func get(_ target: String, method: String = "GET", peer: String? = "127.0.0.1", body: String = "") async throws
        -> RESTAnswer
    {
        await face.answer(
            RESTRequest(
                method: method, target: target, peer: try peer.map { try SocketAddress(ipAddress: $0, port: 4711) },
                body: Array(body.utf8)))
    }

    func text(_ target: String, method: String = "GET", body: String = "") async throws -> String {
        let answer = try await get(target, method: method, body: body)
        return "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
    }
}

@Suite("The REST face", .timeLimit(.minutes(5)))
struct RESTFaceTests {
    /// For requests that must not reach a broker.
    static let nowhere = "http://127.0.0.1:9"

    @Test(
        "GC 58: peers elsewhere get 403, local ones 404 for unknown paths",
        arguments: [
            ("10.0.0.1", 403), ("192.168.1.2", 403), ("fe80::1", 403), ("::ffff:10.0.0.1", 403), ("128.0.0.1", 403),
            ("127.0.0.1", 404), ("127.8.9.10", 404), ("::1", 404), ("::ffff:127.0.0.1", 404),
        ])
    func peers(address: String, status: Int) async throws {
        let agent = try TestAgent(Self.nowhere)
        let answer = try await agent.get("/unknown", peer: address)
        #expect(answer.status == status)
        #expect(String(decoding: answer.body, as: UTF8.self) == (status == 403 ? "Forbidden" : "URL NOT FOUND"))
        #expect(try await agent.get("/info", peer: address).status == (status == 403 ? 403 : 200))
    }

    @Test(
        "a page in a browser cannot read secrets under a name of its own (DNS rebinding)",
        arguments: [
            ("evil.example", 403), ("evil.example:8006", 403), ("127.0.0.1.evil.example", 403), ("10.0.0.1:8006", 403),
            ("localhost.evil.example:8006", 403), ("", 403), ("2130706433", 403), ("[::ffff:10.0.0.1]:8006", 403),
            ("127.0.0.1:8006", 200), ("localhost:8006", 200), ("LOCALHOST", 200), ("[::1]:8006", 200), ("[::1]", 200),
            (nil, 200),
        ])
    func rebinding(authority: String?, status: Int) async throws {
        let face = try TestAgent(Self.nowhere).face
        let peer = try SocketAddress(ipAddress: "127.0.0.1", port: 4711)
        let answer = await face.answer(RESTRequest(method: "GET", target: "/info", authority: authority, peer: peer))
        #expect(answer.status == status)
        let overSocket = await face.answer(RESTRequest(method: "GET", target: "/info", authority: authority))
        #expect(overSocket.status == 200)
    }

    @Test("without metrics there is no such route")
    func noMetrics() async throws {
        #expect(try await TestAgent(Self.nowhere).text("/metrics") == "404 URL NOT FOUND")
    }

    @Test("GC 58: unknown paths", arguments: ["/", "/aa", "/aa/unknown", "/cdh/", "/cdh/resource", "/v1/x", "/infox"])
    func unknown(path: String) async throws {
        #expect(try await TestAgent(Self.nowhere).text(path) == "404 URL NOT FOUND")
    }

    @Test("GC 59: info says version, TEE and feature, and takes GET only")
    func info() async throws {
        let agent = try TestAgent(Self.nowhere)
        #expect(try await agent.text("/info") == #"200 {"version":"1.2.3","tee":"sample","feature":"all"}"#)
        #expect(try await agent.get("/info").contentType == "application/json")
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            #expect(try await agent.text("/info", method: method) == "405 Method Not Allowed")
        }
        #expect(
            try await TestAgent(Self.nowhere, features: .resource).text("/info")
                == #"200 {"version":"1.2.3","feature":"resource"}"#)
    }

    @Test(
        "GC 60: runtime data is text or, with encoding=base64, base64url",
        arguments: [
            ("runtime_data=abc", "abc"), ("runtime_data=a%20b%2Bc", "a b+c"), ("x=1&runtime_data=abc", "abc"),
            ("runtime_data=YWJj&encoding=base64", "abc"), ("runtime_data=-_8&encoding=base64", nil),
        ])
    func runtimeData(query: String, text: String?) async throws {
        let answer = try await TestAgent(Self.nowhere).get("/aa/evidence?\(query)")
        let expected = try text.map { Array($0.utf8) } ?? Base64.decodeURL("-_8")
        #expect(answer.status == 200)
        #expect(
            String(decoding: answer.body, as: UTF8.self) == #"{"svn":"1","report_data":"\#(Base64.encode(expected))"}"#)
    }

    @Test(
        "GC 60: missing or malformed runtime data is a bad request",
        arguments: [
            "", "?runtime_data", "?runtime_data=ab&encoding=hex", "?runtime_data=!!&encoding=base64",
            "?runtime_data=YWJj=&encoding=base64", "?runtime_data=%zz", "?runtime_data=%ff", "?Runtime_Data=abc",
        ])
    func badRuntimeData(query: String) async throws {
        let isEmptyValue = query == "?runtime_data"
        for path in ["evidence", "additional-evidence"] {
            let answer = try await TestAgent(Self.nowhere).text("/aa/\(path)\(query)")
            #expect(isEmptyValue ? answer.hasPrefix("200") : answer == "400 BAD REQUEST")
        }
    }

    @Test("GC 61: groups that are switched off answer 404 with their text")
    func features() async throws {
        let resources = try TestAgent(Self.nowhere, features: .resource)
        for path in ["token?token_type=kbs", "token", "evidence?runtime_data=a", "additional-evidence", "aael", "x"] {
            #expect(try await resources.text("/aa/\(path)") == "404 Attestation Feature Not Enabled")
        }
        let attestation = try TestAgent(Self.nowhere, features: .attestation)
        for path in ["/cdh/resource/a/b/c", "/cdh/resource/a", "/v1/resource/a/b/c"] {
            #expect(try await attestation.text(path) == "404 Resource Feature Not Enabled")
        }
    }

    @Test("GC 62: tokens, evidence and resources are octet streams; info and events JSON; a bad event is 500")
    func contentTypes() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", [0, 255])
            let agent = try TestAgent(url)
            for target in ["/aa/token?token_type=kbs", "/aa/evidence?runtime_data=a", "/cdh/resource/a/b/c"] {
                let answer = try await agent.get(target)
                #expect(answer.status == 200 && answer.contentType == "application/octet-stream")
            }
            let event = try await agent.get(
                "/aa/aael", method: "POST", body: #"{"domain":"d","operation":"o","content":"c"}"#)
            #expect(event.contentType == "application/json")
            #expect(
                String(decoding: event.body, as: UTF8.self)
                    == #"{"success":"false","message":"Attestation Agent does not enable eventlog recording"}"#)
            for bad in ["", "[]", "{}", #"{"domain":1,"operation":"o","content":"c"}"#] {
                #expect(try await agent.get("/aa/aael", method: "POST", body: bad).status == 500)
            }
            #expect(try await agent.get("/aa/aael").status == 405)
        }
    }

    @Test("GC 62: the three bodies for events are the reference's, in which truth is a text")
    func events() async throws {
        let log = EventLogFolder()
        let registers = CountedRegisters()
        let body = #"{"domain":"d","operation":"o","content":"c"}"#
        for (measurements, answer) in [
            (try RuntimeMeasurements(into: registers, path: log.file), #"{"success":"true"}"#),
            (
                try RuntimeMeasurements(into: nil),
                #"{"success":"false","message":"The platform does not support runtime measurement"}"#
            ),
            (.disabled, #"{"success":"false","message":"Attestation Agent does not enable eventlog recording"}"#),
        ] {
            let agent = try TestAgent(Self.nowhere, measurements: measurements)
            #expect(try await agent.text("/aa/aael", method: "POST", body: body) == "200 \(answer)")
        }
        #expect(registers.extended == [17])
        let other = EventLogFolder()
        let agent = try TestAgent(
            Self.nowhere, measurements: try RuntimeMeasurements(into: registers, path: other.file))
        let lines = #"{"domain":"d","operation":"o","content":"two\nlines"}"#
        let forged = #"{"domain":"claviger","operation":"ReleaseResource","content":"{}"}"#
        for body in [lines, forged] {
            #expect(try await agent.get("/aa/aael", method: "POST", body: body).status == 500)
        }
        #expect(registers.extended == [17])
    }

    @Test("GC 23: a kbs token has the reference's members and its key imports back; other types fail")
    func token() async throws {
        try await FakeKBS.run { _, url in
            let agent = try TestAgent(url)
            let answer = try await agent.get("/aa/token?token_type=kbs")
            let object = try #require(JSONValue(parsing: answer.body).objectValue)
            #expect(object.names == (try Vectors.json("kbs-token-response.json").objectValue?.names))
            _ = try JWEPrivateKey(pem: #require(object["tee_keypair"]?.stringValue))
            #expect(try await agent.text("/aa/token") == "400 BAD REQUEST")
            #expect(try await agent.get("/aa/token?token_type=coco_as").status == 500)
            #expect(await agent.client.attestations == 1)
        }
    }

    @Test("resources come by any method, with or without a query")
    func resources() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array("secret".utf8))
            let agent = try TestAgent(url)
            for (method, target) in [("GET", "/cdh/resource/a/b/c"), ("POST", "/cdh/resource/a/b/c?x=y")] {
                #expect(try await agent.text(target, method: method) == "200 secret")
            }
            #expect(try await agent.text("/v1/resource/a/b/c") == "200 secret")
            #expect(try await agent.get("/v1/resource/a/b/c", method: "POST").status == 405)
        }
    }

    @Test("GC 63: a failed resource is 500 with a text for old clients, and has its own status under /v1")
    func failures() async throws {
        try await FakeKBS.run { broker, url in
            broker.script("resource/a/b/denied", .denied)
            broker.script("resource/a/b/away", .init(503, headers: ["Retry-After": "7"]))
            let agent = try TestAgent(url)
            let old = try await agent.text("/cdh/resource/a/b/denied")
            #expect(
                old.hasPrefix("500 [CDH] [ERROR]: Get Resource failed") && old.contains("claviger explain 0193-deny"))

            let denied = try await agent.get("/v1/resource/a/b/denied")
            let object = try #require(JSONValue(parsing: denied.body).objectValue)
            #expect(denied.status == 403 && denied.contentType == "application/json")
            #expect(object["reason"] == "denied" && object["decision"] == "0193-deny")
            #expect(object["code"] == "condition_false" && object["error"]?.stringValue != nil)

            let missing = try await agent.get("/v1/resource/a/b/none")
            #expect(missing.status == 404)
            #expect(try JSONValue(parsing: missing.body)["reason"] == "not_found")

            let away = try await agent.get("/v1/resource/a/b/away")
            #expect(away.status == 503 && away.retryAfter == 7)
            #expect(try JSONValue(parsing: away.body)["reason"] == "unavailable")

            for path in ["a", "a/b", "a/b/c/d", "a/b/%2e%2e", "a//c", "../b/c"] {
                #expect(try await agent.get("/v1/resource/\(path)").status == 400)
                #expect(try await agent.get("/cdh/resource/\(path)").status == 500)
            }
            #expect(broker.attestations == 1)
        }
    }

    @Test("a denied pod that keeps asking causes one attestation and few requests")
    func deniedStorm() async throws {
        try await FakeKBS.run { broker, url in
            broker.script("resource/a/b/c", .denied)
            let agent = try TestAgent(url)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<100 { group.addTask { _ = try? await agent.get("/v1/resource/a/b/c") } }
            }
            #expect(broker.attestations == 1)
            #expect(broker.recorded("resource/a/b/c").count <= 5)
        }
    }

    @Test("health is the process, readiness a token and the required files")
    func probes() async throws {
        try await FakeKBS.run { broker, url in
            #expect(try await TestAgent(Self.nowhere).get("/healthz").status == 200)
            #expect(try await TestAgent(Self.nowhere).get("/readyz").status == 503)
            #expect(try await TestAgent(url).get("/readyz").status == 200)
            let file = try ProjectionTarget(argument: "kbs:///a/b/c=/nonexistent/key")
            let waiting = try await TestAgent(url, files: [file]).get("/readyz")
            #expect(waiting.status == 503)
            #expect(String(decoding: waiting.body, as: UTF8.self).contains("/nonexistent/key"))
            let refused = try TestAgent(url)
            broker.script("attest", .error(401, .attestationError, "no (code: x)"))
            let before = broker.attestations
            for _ in 0..<10 { #expect(try await refused.get("/readyz").status == 503) }
            #expect(broker.attestations == before + 1)
        }
    }
}
