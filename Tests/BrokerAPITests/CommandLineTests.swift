import Broker
import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import TestPrograms
import Testing

private let program = BuiltProgram("claviger")

@Suite(
    "claviger key and claviger revoke against a broker",
    .enabled(if: program != nil, "claviger is not built beside the tests"), .timeLimit(.minutes(5)))
struct CommandLineTests {
    private static let policies = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)

    /// The program with a token of a role for a running broker.
    private struct Admin: Sendable {
        let server: RunningBroker
        let role: String

        func run(_ arguments: String...) async throws -> (status: Int32, output: String, errors: String) {
            let file = server.admin.folder.appending(path: "token-\(role)")
            try server.admin.token(role: role).write(to: file, atomically: true, encoding: .utf8)
            let program = try #require(program)
            let ended = try await program.run(
                arguments + ["--url", "http://127.0.0.1:\(server.port)", "--token-file", file.path],
                environment: ["CLAVIGER_HOME": server.admin.folder.path + "/none"])
            return (await ended.status(), ended.outputText, ended.errorText)
        }

        func json(_ arguments: String...) async throws -> JSONValue {
            let result = try await run(arguments[0], arguments[1], "-o", "json")
            #expect(result.status == 0, "\(result.errors)")
            return try JSONValue(parsing: result.output)
        }
    }

    private static func keySet(_ server: RunningBroker) async throws -> [JSONValue] {
        try #require(try await server.send("GET", "/.well-known/jwks.json").json?["keys"]?.arrayValue)
    }

    private static func release(
        _ server: RunningBroker, cookie: String? = nil, bearer: String? = nil
    ) async throws -> Int {
        try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie, bearer: bearer).status
    }

    @Test("a rotation signs with a new key, while tokens of the former one hold until the overlap is over")
    func rotation() async throws {
        try await RunningBroker.serve(
            policies: Self.policies,
            configure: {
                $0.token.lifetime = .seconds(600)
                $0.token.rotationOverlap = .seconds(900)
            }
        ) { server async throws in
            try await server.test.put("a/b/c", "secret")
            let admin = Admin(server: server, role: "admin")
            let before = try #require(try await admin.json("key", "list").arrayValue)
            #expect(before.count == 1 && before[0]["active"] == true)
            let first = try await server.attest(SampleGuest())

            let rotated = try await admin.json("key", "rotate")
            #expect(rotated["active"] == true && rotated["id"] != before[0]["id"])
            let keys = try await Self.keySet(server)
            #expect(keys.count == 2 && keys[0]["x"] != keys[1]["x"])
            let after = try #require(try await admin.json("key", "list").arrayValue)
            #expect(Set(after.map { $0["id"] }) == [rotated["id"], before[0]["id"]])
            #expect(after.filter { $0["active"] == true }.map { $0["id"] } == [rotated["id"]])

            let second = try await server.attest(SampleGuest())
            let signers = try [first, second].map { try JWS(compact: $0.token).header["jwk"]?["x"] }
            #expect(signers[0] == keys[1]["x"] && signers[1] == keys[0]["x"])
            for session in [first, second] {
                #expect(try await Self.release(server, bearer: session.token) == 200)
                #expect(try await Self.release(server, cookie: session.cookie) == 200)
            }
            server.test.clock.advance(by: 1_000)
            #expect(try await Self.keySet(server).compactMap { $0["x"] } == [keys[0]["x"]])
            #expect(try await Self.release(server, bearer: first.token) == 401)
        }
    }

    @Test("a revoked token is refused with its session from the next request on, and no other one is")
    func revokedToken() async throws {
        try await RunningBroker.serve(policies: Self.policies) { server async throws in
            try await server.test.put("a/b/c", "secret")
            let guest = try SampleGuest()
            let (revoked, other) = (try await server.attest(guest), try await server.attest(guest))
            #expect(try await Self.release(server, cookie: revoked.cookie) == 200)
            let id = try #require(try JWTClaims(payload: JWS(compact: revoked.token).payload).tokenID)
            let result = try await Admin(server: server, role: "admin").run(
                "revoke", "--token", id, "--reason", "stolen")
            #expect(result.status == 0 && result.output == "revoked\n", "\(result.errors)")
            #expect(try await Self.release(server, cookie: revoked.cookie) == 401)
            #expect(try await Self.release(server, bearer: revoked.token) == 401)
            #expect(try await Self.release(server, cookie: other.cookie) == 200)
            #expect(try await Self.release(server, bearer: other.token) == 200)
        }
    }

    @Test("a revoked TEE key ends all that was attested with it, then and later, and nothing of another key")
    func revokedKey() async throws {
        try await RunningBroker.serve(policies: Self.policies) { server async throws in
            try await server.test.put("a/b/c", "secret")
            let (guest, bystander) = (try SampleGuest(), try SampleGuest())
            let sessions = [try await server.attest(guest), try await server.attest(guest)]
            let other = try await server.attest(bystander)
            let thumbprint = try JWKThumbprint.sha256(of: guest.key.publicJWK)
            let result = try await Admin(server: server, role: "admin").run(
                "revoke", "--tee-key", thumbprint, "--reason", "leaked")
            #expect(result.status == 0, "\(result.errors)")
            for session in sessions + [try await server.attest(guest)] {
                #expect(try await Self.release(server, cookie: session.cookie) == 401)
                #expect(try await Self.release(server, bearer: session.token) == 401)
            }
            #expect(try await Self.release(server, cookie: other.cookie) == 200)
        }
    }

    @Test("identifiers that begin with a dash are taken, and what may not or cannot be done has its own exit status")
    func statuses() async throws {
        try await RunningBroker.serve { server async throws in
            let (admin, reader) = (Admin(server: server, role: "admin"), Admin(server: server, role: "reader"))
            #expect(try await admin.run("revoke", "--token", "-dash", "--reason", "x").status == 0)
            #expect(try await admin.run("revoke", "--tee-key", "-dash", "--reason", "x").status == 0)
            #expect(try await admin.run("revoke", "--token", "a", "--tee-key", "b", "--reason", "x").status == 64)
            #expect(try await admin.run("revoke", "--reason", "x").status == 64)
            #expect(try await reader.run("key", "list").status == 0)
            #expect(try await reader.run("key", "rotate").status == 2)
            #expect(try await reader.run("revoke", "--token", "a", "--reason", "x").status == 2)
            #expect(try await Self.keySet(server).count == 1)
        }
    }
}
