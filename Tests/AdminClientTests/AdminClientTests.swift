import AdminClient
import Encodings
import Foundation
import KBSProtocol
import Testing

@Suite("admin client")
struct AdminClientTests {
    private func client(_ server: CannedServer, token: String? = "head.body.signature") throws -> AdminClient {
        try AdminClient(
            AdminClient.Configuration(
                url: "http://localhost/", unixSocket: server.socketPath,
                token: token.map { SecretBytes(Array($0.utf8)) }, timeout: .seconds(20)))
    }

    private func error(_ body: () async throws -> Void) async throws -> AdminClientError? {
        do {
            try await body()
            return nil
        } catch let error as AdminClientError {
            return error
        }
    }

    @Test("requests carry the token, the method and the bytes")
    func putResource() async throws {
        let server = try CannedServer { _ in (200, "") }
        defer { server.stop() }
        try await client(server).putResource(ResourcePath("a/b/c"), SecretBytes(Array("value".utf8)))
        let request = try #require(server.requests.first)
        #expect(request.line == "POST /kbs/v0/resource/a/b/c HTTP/1.1")
        #expect(request.headers["authorization"] == "Bearer head.body.signature")
        #expect(request.headers["content-type"] == "application/octet-stream")
        #expect(request.body == "value")
    }

    @Test("a token in a file is read for each request, so that a renewed one is used at once")
    func tokenFile() async throws {
        let server = try CannedServer { _ in (200, "") }
        let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)").path
        defer {
            server.stop()
            try? FileManager.default.removeItem(atPath: file)
        }
        let client = try AdminClient(
            AdminClient.Configuration(url: "http://localhost/", unixSocket: server.socketPath, tokenFile: file))
        for token in ["first.token.x", "second.token.x"] {
            try (token + "\n").write(toFile: file, atomically: true, encoding: .utf8)
            try await client.putResource(ResourcePath("a/b/c"), SecretBytes([1]))
            #expect(server.requests.last?.headers["authorization"] == "Bearer \(token)")
        }
        try FileManager.default.removeItem(atPath: file)
        let failure = try await error { try await client.putResource(ResourcePath("a/b/c"), SecretBytes([1])) }
        #expect(failure?.code == .invalidInput)
        #expect(server.requests.count == 2)
    }

    @Test("without a token no Authorization header is sent")
    func anonymous() async throws {
        let server = try CannedServer { _ in (200, "{}") }
        defer { server.stop() }
        _ = try await client(server, token: nil).identity()
        #expect(server.requests.first?.headers["authorization"] == nil)
    }

    @Test("names stay inside their path segment and query values inside their parameter")
    func encoding() async throws {
        let server = try CannedServer { _ in (200, #"{"decisions":[],"resources":[]}"#) }
        defer { server.stop() }
        let client = try client(server)
        try await client.putReferenceValue("vendor/launch digest?x=1#y", ["abc"])
        _ = try await client.decisions(.init(limit: 3, path: "a/b/c&allowed=true", allowed: false))
        _ = try await client.decisions(.init(limit: 3, tenant: "a&limit=9"))
        try await client.deletePolicy(kind: "ReleasePolicy", namespace: "a/../b", name: "n")
        try await client.deletePolicy(kind: "AppraisalPolicy", namespace: nil, name: "default")
        #expect(
            server.requests.map { $0.line.split(separator: " ")[1] } == [
                "/claviger/v1/reference-values/vendor/launch%20digest%3Fx%3D1%23y",
                "/claviger/v1/decisions?limit=3&path=a%2Fb%2Fc%26allowed%3Dtrue&allowed=false",
                "/claviger/v1/decisions?tenant=a%26limit%3D9&limit=3",
                "/claviger/v1/policies/ReleasePolicy/a%2F..%2Fb/n",
                "/claviger/v1/policies/AppraisalPolicy/-/default",
            ])
        #expect(server.requests.first?.body == #"{"value":["abc"]}"#)
        for name in ["", ".", "..", "a//b", "a/../b"] {
            #expect(try await error { try await client.putReferenceValue(name, 1) }?.code == .invalidInput)
        }
    }

    @Test(
        "a refusal has the broker's own code, if it says one, and nothing in a sentence passes for it",
        arguments: [
            (#"{"type":"x/Fenced","detail":"d","code":"fenced"}"#, "fenced" as String?),
            (#"{"type":"x/Y","detail":"/sources/overtaken (code: overtaken)"}"#, nil),
            (#"{"type":"x/Y","detail":"d","code":7}"#, nil), (#"{"type":"x/Y","detail":"d","code":"A b"}"#, nil),
            ("overtaken", nil),
        ])
    func brokerCode(_ body: String, _ code: String?) async throws {
        let server = try CannedServer { _ in (409, body) }
        defer { server.stop() }
        let client = try client(server)
        let failure = try await error { _ = try await client.policyStatus() }
        #expect(failure?.code == .conflict && failure?.brokerCode == code)
    }

    @Test("approvals are given, listed and taken back at their routes, with nothing said that was not given")
    func approvals() async throws {
        let server = try CannedServer { _ in (200, #"{"approvals":[{"id":"1"}],"history":[]}"#) }
        defer { server.stop() }
        let client = try client(server)
        _ = try await client.approve(.init(resource: "a/b/c"))
        _ = try await client.approve(
            .init(resource: "a/b/c", policy: "ReleasePolicy/a/x", expires: "2027-01-01T00:00:00Z", reason: "r"))
        #expect(try await client.approvals(resource: "a/b/c", standing: true).count == 1)
        try await client.revokeApproval("1/2")
        _ = try await client.referenceValueHistory("vendor/digest")
        _ = try await client.approve(.init(resource: "a/b/c", policyDigest: "00"))
        _ = try await client.resetLimits(policy: "ReleasePolicy/a/x", instance: "00", reason: "r")
        #expect(
            server.requests.map { $0.line.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "POST /claviger/v1/approvals", "POST /claviger/v1/approvals",
                "GET /claviger/v1/approvals?path=a%2Fb%2Fc&standing=true", "DELETE /claviger/v1/approvals/1%2F2",
                "GET /claviger/v1/reference-value-history/vendor/digest",
                "POST /claviger/v1/approvals", "POST /claviger/v1/limits/reset",
            ])
        #expect(server.requests[5].body == #"{"resource":"a/b/c","policyDigest":"00"}"#)
        #expect(server.requests[6].body == #"{"policy":"ReleasePolicy/a/x","instance":"00","reason":"r"}"#)
        #expect(server.requests[0].body == #"{"resource":"a/b/c"}"#)
        #expect(
            server.requests[1].body
                == #"{"resource":"a/b/c","policy":"ReleasePolicy/a/x","expires":"2027-01-01T00:00:00Z","reason":"r"}"#)
    }

    @Test("manifests are sent as they are, and what is known of values is asked for at its routes")
    func references() async throws {
        let server = try CannedServer { _ in (200, #"{"manifests":[{}],"users":[{}],"measurements":[{}]}"#) }
        defer { server.stop() }
        let client = try client(server)
        _ = try await client.importReferenceManifest(Array("signed".utf8), dryRun: true)
        _ = try await client.importReferenceManifest(Array("signed".utf8), dryRun: false)
        #expect(try await client.referenceManifests().count == 1)
        #expect(try await client.referenceValueUsers("vendor/digest").count == 1)
        #expect(try await client.measurements().count == 1)
        try await client.putReferenceValue("a", 1, expires: "2027-01-31T12:00:00Z")
        #expect(
            server.requests.map { $0.line.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "POST /claviger/v1/reference-manifests?dryRun=true", "POST /claviger/v1/reference-manifests",
                "GET /claviger/v1/reference-manifests", "GET /claviger/v1/reference-value-users/vendor/digest",
                "GET /claviger/v1/measurements", "PUT /claviger/v1/reference-values/a",
            ])
        #expect(server.requests[1].body == "signed")
        #expect(server.requests[5].body == #"{"value":1,"expires":"2027-01-31T12:00:00Z"}"#)
    }

    @Test("machines are listed page by page, and forgotten for a reason")
    func platforms() async throws {
        let server = try CannedServer { request in
            let isLast = request.line.contains("after=") || request.line.hasPrefix("POST")
            return (200, #"{"platforms":[{"id":"\#(isLast ? "02" : "01")"}],"more":\#(!isLast)}"#)
        }
        defer { server.stop() }
        let client = try client(server)
        #expect(try await client.platforms().map { $0["id"] } == ["01", "02"])
        _ = try await client.forgetPlatform("01", reason: "r")
        #expect(
            server.requests.map { $0.line.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "GET /claviger/v1/platforms", "GET /claviger/v1/platforms?after=01",
                "POST /claviger/v1/platforms/forget",
            ])
        #expect(server.requests.last?.body == #"{"platform":"01","reason":"r"}"#)
    }

    @Test(
        "each status has its own error, with the broker's own words",
        arguments: [
            (400, AdminClientError.Code.invalid), (401, .unauthenticated), (403, .denied), (404, .notFound),
            (409, .conflict), (413, .invalid), (429, .unavailable), (500, .unexpected), (503, .unavailable),
            (302, .unexpected),
        ])
    func statuses(status: Int, code: AdminClientError.Code) async throws {
        let server = try CannedServer { _ in
            (
                status,
                #"{"type":"https://github.com/confidential-containers/kbs/errors/AdminAuthAccess","detail":"no way"}"#
            )
        }
        defer { server.stop() }
        let error = try #require(try await error { _ = try await client(server).policies() })
        #expect(error == AdminClientError(code, "no way", status: status, type: "AdminAuthAccess"))
    }

    @Test("an error without the protocol's object still names the status")
    func foreignError() async throws {
        let server = try CannedServer { _ in (502, "<html>") }
        defer { server.stop() }
        let error = try await error { _ = try await client(server).policies() }
        #expect(error?.code == .unexpected)
        #expect(error?.message.contains("502") == true)
    }

    @Test("an answer that is not what was asked for is an error, never an empty result")
    func unexpectedAnswers() async throws {
        for body in ["", "[", "{}", #"{"policies":{}}"#, "1"] {
            let server = try CannedServer { _ in (200, body) }
            defer { server.stop() }
            #expect(try await error { _ = try await client(server).policies() }?.code == .unexpected)
        }
    }

    @Test("policies are listed and read, namespaced and for the whole cluster")
    func policies() async throws {
        let server = try CannedServer { request in
            request.line.contains("/policies/")
                ? (200, #"{"kind":"ReleasePolicy","namespace":"a","name":"b","digest":"00","text":"kind: x\n"}"#)
                : (
                    200,
                    #"{"policies":[{"kind":"AppraisalPolicy","namespace":null,"name":"default-cpu","digest":"11"}]}"#
                )
        }
        defer { server.stop() }
        let client = try client(server)
        #expect(try await client.policies().map(\.identifier) == ["AppraisalPolicy/-/default-cpu"])
        let policy = try await client.policy(kind: "ReleasePolicy", namespace: "a", name: "b")
        #expect(policy.identifier == "ReleasePolicy/a/b")
        #expect(policy.text == "kind: x\n")
    }

    @Test("a dry run says so, and the texts go as YAML")
    func applyPolicies() async throws {
        let server = try CannedServer { _ in (200, "{}") }
        defer { server.stop() }
        _ = try await client(server).applyPolicies(yaml: "a: 1\n", dryRun: true)
        _ = try await client(server).applyPolicies(yaml: "a: 1\n")
        #expect(
            server.requests.map { $0.line.split(separator: " ")[1] }
                == ["/claviger/v1/policies?dryRun=true", "/claviger/v1/policies"])
        #expect(server.requests.allSatisfy { $0.headers["content-type"] == "application/yaml" && $0.body == "a: 1\n" })
    }

    @Test("several reference values go in one message of the KBS protocol")
    func registerReferenceValues() async throws {
        let server = try CannedServer { _ in (200, "") }
        defer { server.stop() }
        try await client(server).registerReferenceValues(["svn": ["1"], "major_version": 1])
        let request = try #require(server.requests.first)
        #expect(request.line == "POST /kbs/v0/reference-value HTTP/1.1")
        let message = try JSONValue(parsing: request.body)
        #expect(message["version"] == "0.1.0")
        #expect(message["type"] == "sample")
        let payload = try Base64.decode(#require(message["payload"]?.stringValue))
        #expect(String(decoding: payload, as: UTF8.self) == #"{"svn":["1"],"major_version":1}"#)
    }

    @Test("a broker that is not there is unavailable; plain http over the network is refused")
    func transport() async throws {
        let absent = try AdminClient(
            AdminClient.Configuration(url: "http://localhost", unixSocket: "/nonexistent/claviger.sock"))
        #expect(try await error { _ = try await absent.policies() }?.code == .unavailable)
        let plain = try AdminClient(AdminClient.Configuration(url: "http://192.0.2.1:1"))
        #expect(try await error { _ = try await plain.policies() }?.code == .invalidInput)
        #expect(throws: AdminClientError.self) { try AdminClient(AdminClient.Configuration(url: "broker:8080")) }
    }
}
