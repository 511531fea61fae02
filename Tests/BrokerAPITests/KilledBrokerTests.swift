import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Broker
@testable import BrokerAPI

@Suite("Killed brokers and connections", .timeLimit(.minutes(5)))
struct KilledBrokerTests {
    private static let policies = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)

    /// What clients were told before the broker died.
    private final class Promises: Sendable {
        struct State {
            var sessions: [(cookie: String, id: String)] = []
            var revoked: Set<String> = []
            var maybeRevoked: Set<String> = []
            var releases = 0
        }
        let state = Mutex(State())

        /// Waits until so many sessions and releases were promised, at most 30 seconds.
        func wait(sessions: Int, releases: Int) async {
            for _ in 0..<3_000 {
                if state.withLock({ $0.sessions.count >= sessions && $0.releases >= releases }) { return }
                try? await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    @Test(
        "A56: a broker that is killed in the middle of attestations, releases, rotations and revocations leaves nothing half done",
        .enabled(if: BrokerProcess.isBuilt, "claviger-broker is not built beside the tests"))
    func killedProcess() async throws {
        let admin = try TestAdministrator()
        defer { admin.remove() }
        let store = try await TestDatabase.make()
        let promises = Promises()
        var broker = try await BrokerProcess.start(store.dsn, in: admin.folder, admin: admin)
        let first = Client(port: broker.port, admin: admin)
        #expect(try await first.administrate("/claviger/v1/policies", Array(Self.policies.utf8)).status == 200)
        #expect(try await first.administrate("/kbs/v0/resource/a/b/c", Array("secret".utf8)).status == 200)
        for round in 0..<6 {
            let client = Client(port: broker.port, admin: admin)
            await withTaskGroup(of: Void.self) { group in
                for worker in 0..<6 {
                    group.addTask { await Self.work(worker, client, promises) }
                }
                // Killed while work is under way, however slow the machine is; the moments differ from round to round,
                // so that different steps are hit.
                await promises.wait(sessions: round + 1, releases: round + 1)
                try? await Task.sleep(for: .milliseconds(7 * round))
                await broker.kill()
            }
            try await Self.expectNothingHalf(store, promises)
            broker = try await BrokerProcess.start(store.dsn, in: admin.folder, admin: admin)
            try await Self.expectPromisesKept(Client(port: broker.port, admin: admin), promises)
        }
        #expect(promises.state.withLock { $0.releases } > 0)
        #expect(promises.state.withLock { $0.sessions.count } > 0)
    }

    @Test("A56: database connections that are cut at any moment leave nothing half done, and the same works later")
    func killedConnections() async throws {
        let test = try await TestBroker.make(policies: Self.policies)
        try await test.put("a/b/c", "secret")
        let hangman = try await test.store.connect(connections: 1)
        let cutting = Task {
            while !Task.isCancelled {
                _ = try? await hangman.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)
                try await Task.sleep(for: .milliseconds(15))
            }
        }
        let released = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<6 {
                group.addTask { await Self.workWhileCut(worker, test) }
            }
            return await group.reduce(0, +)
        }
        cutting.cancel()
        _ = await cutting.result
        let promises = Promises()
        promises.state.withLock { $0.releases = released }
        // Connections that were cut last are noticed by whoever uses them next.
        let deadline = ContinuousClock.now + .seconds(240)
        while await !test.broker.readiness().isReady, ContinuousClock.now < deadline {}
        try await Self.expectNothingHalf(test.store, promises)
        let guest = try SampleGuest()
        var value: String?
        while value == nil, ContinuousClock.now < deadline {
            value = try? await test.get("a/b/c", test.attest(guest), guest)
        }
        #expect(value == "secret")
        #expect(await test.broker.readiness().isReady)
    }

    /// Whatever was interrupted is there as a whole or not at all.
    private static func expectNothingHalf(_ store: TestDatabase, _ promises: Promises) async throws {
        let database = try await store.connect(connections: 1)
        defer { database.close() }
        let rows = try await database.query(
            """
            SELECT (SELECT count(*) FROM nonces), (SELECT count(*) FROM sessions),
                (SELECT count(*) FROM signing_keys WHERE retires_at IS NULL AND purpose = 'token'),
                (SELECT count(*) FROM signing_keys WHERE retires_at IS NULL AND purpose = 'token-authority'),
                (SELECT count(*) FROM decisions WHERE allowed)
            """)
        let row = try #require(rows.first)
        #expect(try row.int(0) == row.int(1), "every spent nonce has its session")
        #expect(try row.int(2) == 1 && row.int(3) == 1, "one key signs, one authority vouches for it")
        let (releases, sessions) = promises.state.withLock { ($0.releases, $0.sessions.count) }
        #expect(try row.int(4) >= releases, "every release has its decision")
        #expect(try row.int(1) >= sessions)
    }

    private static func expectPromisesKept(_ client: Client, _ promises: Promises) async throws {
        let state = promises.state.withLock { $0 }
        for (cookie, id) in state.sessions.suffix(12) where !state.maybeRevoked.subtracting(state.revoked).contains(id)
        {
            let status = try await client.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie).status
            #expect(status == (state.revoked.contains(id) ? 401 : 200))
        }
        let session = try await client.attest()
        #expect(try await client.send("GET", "/kbs/v0/resource/a/b/c", cookie: session.cookie).status == 200)
        #expect(try await client.administrate("/claviger/v1/keys/rotate", []).status == 200)
    }

    /// Does one thing after the other until the broker is gone.
    private static func work(_ worker: Int, _ client: Client, _ promises: Promises) async {
        while !Task.isCancelled {
            do {
                let session = try await client.attest()
                promises.state.withLock { $0.sessions.append(session) }
                if worker == 0 { _ = try await client.administrate("/claviger/v1/keys/rotate", []) }
                if worker == 1 {
                    promises.state.withLock { _ = $0.maybeRevoked.insert(session.id) }
                    let body: JSONValue = ["token": .string(session.id)]
                    if try await client.administrate("/claviger/v1/revocations", body.serialized()).status == 200 {
                        promises.state.withLock { _ = $0.revoked.insert(session.id) }
                    }
                } else {
                    let reply = try await client.send("GET", "/kbs/v0/resource/a/b/c", cookie: session.cookie)
                    if reply.status == 200 { promises.state.withLock { $0.releases += 1 } }
                }
            } catch {
                return
            }
        }
    }

    /// How many releases came through while connections were cut; whatever fails must say "later" or be a spent nonce.
    private static func workWhileCut(_ worker: Int, _ test: TestBroker) async -> Int {
        var released = 0
        for _ in 0..<12 {
            do {
                let guest = try SampleGuest()
                let session = try await test.attest(guest)
                if worker == 0 { _ = try await test.broker.rotateSigningKey(by: "test") }
                #expect(try await test.get("a/b/c", session, guest) == "secret")
                released += 1
            } catch let error as BrokerError {
                #expect(error.kind == .unavailable, "\(error)")
            } catch {
                Issue.record(error)
            }
        }
        return released
    }

    private struct Client: Sendable {
        let port: Int
        let admin: TestAdministrator

        func send(_ method: String, _ target: String, cookie: String? = nil, body: [UInt8]? = nil) async throws -> Reply
        {
            let headers = cookie.map { [("Cookie", "kbs-session-id=\($0)")] } ?? []
            return try await RawClient(port: port, isSecure: false).send(method, target, headers: headers, body: body)
        }

        func administrate(_ target: String, _ body: [UInt8]) async throws -> Reply {
            let headers = [("Authorization", "Bearer \(try admin.token())")]
            return try await RawClient(port: port, isSecure: false).send("POST", target, headers: headers, body: body)
        }

        func attest() async throws -> (cookie: String, id: String) {
            let challenge = try await send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
            let body = try SampleGuest().attestation(nonce: challenge.json?["nonce"]?.stringValue ?? "")
            let reply = try await send("POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: body)
            guard reply.status == 200, let cookie = reply.sessionCookie, let token = reply.json?["token"]?.stringValue,
                let id = try JWTClaims(payload: JWS(compact: token).payload).tokenID
            else { throw UnexpectedReply(reply: reply) }
            return (cookie, id)
        }
    }
}
