import BrokerTestSupport
import Encodings
import Foundation
import Testing

@testable import BrokerAPI

@Suite("Bad input")
struct BadInputTests {
    private static let limit = 65_536

    /// Bodies that no endpoint for JSON can take.
    private static let bodies: [(name: String, body: [UInt8], status: Int)] = [
        ("empty", [], 400),
        ("malformed", Array("{\"policy\" \"x\"}".utf8), 400),
        ("truncated", Array("{\"policy\":\"ab".utf8), 400),
        ("deeply nested", Array(String(repeating: "[", count: 20_000).utf8), 400),
        ("nested object", Array((String(repeating: "{\"a\":", count: 5_000) + "1").utf8), 400),
        (
            "duplicate key",
            Array("{\"policy\":\"YQ\",\"policy\":\"Yg\",\"version\":\"0.4.0\",\"version\":\"0.4.0\"}".utf8), 400
        ),
        ("wrong type", Array("[1,2,3]".utf8), 400),
        (
            "wrong member type", Array("{\"policy\":7,\"policy_id\":[],\"version\":4,\"value\":1,\"token\":{}}".utf8),
            400
        ),
        ("not UTF-8", [0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D], 400),
        ("trailing bytes", Array("{} {}".utf8), 400),
        ("lone surrogate", Array(#"{"policy":"\ud800","version":"\udc00"}"#.utf8), 400),
        ("huge number", Array(("{\"version\":1" + String(repeating: "0", count: 5_000) + "}").utf8), 400),
        ("oversized", [UInt8](repeating: 0x20, count: limit + 1), 413),
    ]

    private static let endpoints: [(method: String, target: String, isAdmin: Bool)] = [
        ("POST", "/kbs/v0/auth", false), ("POST", "/kbs/v0/resource-policy", true),
        ("POST", "/kbs/v0/attestation-policy", true), ("POST", "/kbs/v0/reference-value", true),
        ("POST", "/claviger/v1/policies", true), ("POST", "/claviger/v1/revocations", true),
        ("POST", "/claviger/v1/approvals", true), ("POST", "/claviger/v1/limits/reset", true),
        ("POST", "/claviger/v1/platforms/forget", true),
        ("PUT", "/claviger/v1/reference-values/name", true),
    ]

    @Test("every endpoint answers every bad body with an error object and stores nothing")
    func matrix() async throws {
        try await RunningBroker.serve(policies: nil, configure: { $0.limits.bodyBytes = Self.limit }) { server in
            for (method, target, isAdmin) in Self.endpoints {
                for (name, body, status) in Self.bodies {
                    // A reference value may be any JSON, so one shape of the list is a good body there.
                    if target.hasSuffix("/name"), name == "wrong member type" { continue }
                    let reply =
                        isAdmin
                        ? try await server.administrate(method, target, body: body)
                        : try await server.send(method, target, body: body)
                    #expect(reply.status == status, "\(target), \(name): \(reply.text)")
                    #expect(reply.errorType != nil, "\(target), \(name)")
                    let members = target.hasPrefix("/kbs") ? ["type", "detail"] : ["type", "detail", "code"]
                    #expect(reply.json?.objectValue?.names == members, "\(target), \(name)")
                    #expect(reply.header("content-type") == "application/json", "\(target), \(name)")
                    #expect(reply.header("set-cookie") == nil, "\(target), \(name)")
                }
            }
            #expect(try await server.test.broker.policyList()["policies"]?.arrayValue?.isEmpty == true)
            #expect(try await server.test.broker.referenceValues().isEmpty)
            #expect(try await server.test.decisionCount() == 0)
            #expect(try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody()).status == 200)
        }
    }

    @Test("an attestation that cannot be read is a 400, and its challenge can still be answered")
    func attestations() async throws {
        try await RunningBroker.serve(configure: { $0.limits.bodyBytes = Self.limit }) { server in
            let guest = try SampleGuest()
            let challenge = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
            let nonce = try #require(challenge.json?["nonce"]?.stringValue)
            for (name, body, status) in Self.bodies {
                let reply = try await server.send("POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: body)
                #expect(reply.status == status, "\(name)")
                #expect(reply.errorType != nil, "\(name)")
            }
            #expect(try await server.test.decisionCount() == 0)
            let good = try await server.send(
                "POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: try guest.attestation(nonce: nonce))
            #expect(good.status == 200)
        }
    }

    @Test("evidence and keys of every wrong form are refused without a crash")
    func strangeAttestations() async throws {
        try await RunningBroker.serve { server in
            let guest = try SampleGuest()
            let challenge = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
            let nonce = try #require(challenge.json?["nonce"]?.stringValue)
            let good = try JSONValue(parsing: guest.attestation(nonce: nonce))
            let replacements: [(String, String, JSONValue)] = [
                ("runtime-data", "tee-pubkey", [:]), ("runtime-data", "tee-pubkey", ["kty": "oct", "k": "AAAA"]),
                (
                    "runtime-data", "tee-pubkey",
                    ["kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": "AA", "y": "AA"]
                ),
                ("runtime-data", "tee-pubkey", .array([])), ("runtime-data", "nonce", 7),
                ("tee-evidence", "primary_evidence", .null), ("tee-evidence", "primary_evidence", ["svn": 1]),
                ("tee-evidence", "additional_evidence", .object([:])), ("tee-evidence", "additional_evidence", "{"),
                ("tee-evidence", "additional_evidence", #"{"unknown":{}}"#),
                ("tee-evidence", "additional_evidence", #"{"sample":{}}"#),
            ]
            for (outer, inner, value) in replacements {
                var body = try #require(good.objectValue)
                var part = try #require(body[outer]?.objectValue)
                part[inner] = value
                body[outer] = .object(part)
                let reply = try await server.send(
                    "POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: body.serialized())
                #expect(reply.status == 400 || reply.status == 401, "\(outer).\(inner): \(reply.text)")
                #expect(reply.errorType == "AttestationError")
            }
        }
    }

    @Test("a resource larger than the limit is a 413, one of the limit's size is stored")
    func resourceSize() async throws {
        try await RunningBroker.serve(configure: { $0.limits.resourceBytes = 1_000 }) { server in
            let tooLarge = try await server.administrate(
                "POST", "/kbs/v0/resource/a/b/c", body: [UInt8](repeating: 1, count: 1_001))
            #expect(tooLarge.status == 413)
            #expect(tooLarge.errorType == "PayloadTooLarge")
            let fits = try await server.administrate(
                "POST", "/kbs/v0/resource/a/b/c", body: [UInt8](repeating: 1, count: 1_000))
            #expect(fits.status == 200)
        }
    }

    @Test("a body without a length is cut off at the limit too")
    func chunkedBody() async throws {
        try await RunningBroker.serve(configure: { $0.limits.bodyBytes = 10_000 }) { server in
            let chunk = "3e8\r\n" + String(repeating: " ", count: 1_000) + "\r\n"
            let request =
                "POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                + String(repeating: chunk, count: 20) + "0\r\n\r\n"
            let answer = try await RawClient(port: server.port, isSecure: false)
                .exchange(Array(request.utf8)) { _ in false }
            #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test("requests that are no HTTP, and headers without end, break nothing")
    func brokenRequests() async throws {
        try await RunningBroker.serve { server in
            let client = RawClient(port: server.port, isSecure: false)
            let requests = [
                "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET \u{0} HTTP/1.1\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nX: " + String(repeating: "a", count: 400_000) + "\r\n\r\n",
                "POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                "POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
            ]
            for request in requests {
                let answer = try? await client.exchange(Array(request.utf8)) { !$0.isEmpty }
                #expect(!String(decoding: answer ?? [], as: UTF8.self).hasPrefix("HTTP/1.1 2"))
            }
            let health = try await server.send("GET", "/healthz")
            #expect(health.status == 200)
        }
    }

    @Test("A53: what a caller sends cannot forge a log entry")
    func logInjection() async throws {
        try await RunningBroker.serve { server in
            let forged = "x%0d%0a{\"level\":\"error\"}"
            _ = try await server.send("GET", "/kbs/v0/\(forged)/y")
            _ = try await server.send("GET", "/kbs/v0/resource/a/b/c?\(forged)")
            _ = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody(version: "1\\n2"))
            #expect(!server.test.logs.text.contains("\r"))
            #expect(!server.test.logs.text.contains("\"level\":\"error\""))
        }
    }
}
