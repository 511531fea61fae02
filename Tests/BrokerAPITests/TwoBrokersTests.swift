import BrokerTestSupport
import Encodings
import Foundation
import TestSupport
import Testing

@testable import BrokerAPI

@Suite("Two brokers on one database", .timeLimit(.minutes(5)))
struct TwoBrokersTests {
    /// One of the two, with its administrator.
    private struct Client: Sendable {
        let port: Int
        let admin: TestAdministrator

        func send(
            _ method: String, _ target: String, cookie: String? = nil, asAdmin: Bool = false, body: [UInt8]? = nil
        ) async throws -> Reply {
            var headers = cookie.map { [("Cookie", "kbs-session-id=\($0)")] } ?? []
            if asAdmin { headers.append(("Authorization", "Bearer \(try admin.token())")) }
            return try await RawClient(port: port, isSecure: false).send(method, target, headers: headers, body: body)
        }

        func attest() async throws -> String {
            let challenge = try await send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
            let body = try SampleGuest().attestation(nonce: challenge.json?["nonce"]?.stringValue ?? "")
            let reply = try await send("POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: body)
            return try #require(reply.sessionCookie)
        }

        /// The status of the answer for the resource.
        func status(cookie: String) async throws -> Int {
            try await send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie).status
        }

        /// Asks until the broker says by itself, without a decision, that it decides by these policies.
        func wait(forDigest digest: JSONValue, since start: ContinuousClock.Instant) async throws -> Duration {
            while try await send("GET", "/readyz").json?["policyDigest"] != digest {
                try #require(ContinuousClock.now - start < .seconds(30))
            }
            return ContinuousClock.now - start
        }
    }

    @Test(
        "A34: a changed policy decides on two brokers within two seconds, and decisions name its digest",
        .enabled(if: BrokerProcess.isBuilt, "claviger-broker is not built beside the tests"))
    func propagation() async throws {
        let admin = try TestAdministrator()
        defer { admin.remove() }
        let store = try await TestDatabase.make()
        let processes = [
            try await BrokerProcess.start(store.dsn, in: admin.folder, admin: admin),
            try await BrokerProcess.start(store.dsn, in: admin.folder, admin: admin),
        ]
        let brokers = processes.map { Client(port: $0.port, admin: admin) }
        func apply(_ policies: String, on broker: Client) async throws -> JSONValue {
            let reply = try await broker.send(
                "POST", "/claviger/v1/policies", asAdmin: true, body: Array(policies.utf8))
            return try #require(reply.json?["bundleDigest"])
        }
        _ = try await apply(TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll), on: brokers[0])
        let put = try await brokers[0].send(
            "POST", "/kbs/v0/resource/a/b/c", asAdmin: true, body: Array("secret".utf8))
        #expect(put.status == 200)
        let cookie = try await brokers[1].attest()
        let clock = ContinuousClock()
        var (deciding, notified, pace) = (Duration.zero, Duration.zero, Duration.zero)
        for round in 0..<10 {
            let denies = round.isMultiple(of: 2)
            let start = clock.now
            let digest = try await apply(
                denies ? TestPolicies.denyAll : TestPolicies.allowAll, on: brokers[round / 2 % 2])
            // In some rounds nothing is decided at first, so that only the notification can have brought the change.
            if round % 4 < 2 {
                for broker in brokers {
                    notified = max(notified, try await broker.wait(forDigest: digest, since: start))
                }
            }
            for broker in brokers {
                // The first answer after the change is right already: there is no time in which a broker decides by the old.
                #expect(try await broker.status(cookie: cookie) == (denies ? 403 : 200))
            }
            deciding = max(deciding, clock.now - start)
            let recent = try await brokers[0].send("GET", "/claviger/v1/decisions?limit=2", asAdmin: true)
            let digests = (recent.json?["decisions"]?.arrayValue ?? []).map { $0["bundleDigest"] }
            #expect(digests == [digest, digest])
            let quick = try await clock.measure { _ = try await brokers[0].send("GET", "/healthz") }
            pace = max(pace, quick)
        }
        print(
            "measured: a changed policy decided on two brokers within \(deciding), both were notified within \(notified)",
            "(a request that does nothing took up to \(pace))")
        // A machine that is busy with something else is not the brokers' fault.
        #expect(max(deciding, notified) < .seconds(2) + pace * 20)
        let status = try await brokers[1].send("GET", "/claviger/v1/policies/status", asAdmin: true)
        let replicas = try #require(status.json?["replicas"]?.arrayValue)
        #expect(replicas.count == 2)
        #expect(Set(replicas.map { $0["bundleDigest"] }) == [status.json?["bundleDigest"]])
    }
}
