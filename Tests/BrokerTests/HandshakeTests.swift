import BrokerTestSupport
import Encodings
import Foundation
import KBSProtocol
import Storage
import Testing

@testable import Broker

@Suite("Challenges and sessions")
struct HandshakeTests {
    @Test("KBS 12.1.1: a nonce is the base64 of 32 random bytes and never repeats")
    func nonces() async throws {
        let broker = try await TestBroker.make().broker
        var seen: Set<String> = []
        for _ in 0..<500 {
            let nonce = try await broker.challenge(SampleGuest.authBody()).challenge.nonce
            #expect(nonce.utf8.count == 44)
            #expect(try Base64.decode(nonce).count == 32)
            #expect(seen.insert(nonce).inserted)
        }
    }

    @Test("KBS 12.1.2: what is sealed into a challenge cookie reads back identically")
    func sealedChallenge() async throws {
        let broker = try await TestBroker.make().broker
        let (challenge, cookie) = try await broker.challenge(SampleGuest.authBody(version: "0.2.0"))
        let state = try #require(broker.openChallenge(cookie.value, at: Date()))
        #expect(state.nonce == challenge.nonce)
        #expect(state.version == .v0_2_0)
        #expect(state.tee == .sample)
        #expect(ChallengeState(parsing: state.serialized()) == state)
        #expect(state.expiresAt.timeIntervalSince(state.issuedAt) == 300)
    }

    @Test("KBS 12.1.3: another protocol version is a mismatch, by the words that guests look for")
    func versionMismatch() async throws {
        let broker = try await TestBroker.make().broker
        for version in ["0.1.0", "0.1.1", "0.3.0", "0.5.0", "0.4.0-rc1", "1.0.0"] {
            let error = try #require(
                try await brokerError { _ = try await broker.challenge(SampleGuest.authBody(version: version)) })
            #expect(error.kind == .unauthenticated)
            #expect(error.variant == "AttestationError")
            #expect(error.message.contains("KBS Client Protocol Version Mismatch"))
        }
    }

    @Test("A1: of parallel attestations with one nonce, on three replicas, exactly one gets a session")
    func nonceOnce() async throws {
        let first = try await TestBroker.make()
        let second = try await first.replica()
        let replicas = [first, second, try await first.replica()]
        let guest = try SampleGuest()
        let (challenge, cookie) = try await first.broker.challenge(SampleGuest.authBody())
        let body = try guest.attestation(nonce: challenge.nonce)
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<24 {
                let broker = replicas[number % 3].broker
                group.addTask { (try? await broker.attest(body: body, cookie: cookie.value)) != nil }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 }.count == 1)
        let again = try await brokerError { _ = try await second.broker.attest(body: body, cookie: cookie.value) }
        #expect(again?.kind == .unauthenticated)
        #expect(again?.code == "nonce_spent")
        let rows = try await first.store.database.query(
            "SELECT (SELECT count(*) FROM nonces), (SELECT count(*) FROM sessions)")
        let row = try #require(rows.first)
        #expect(try [row.int(0), row.int(1)] == [1, 1])
        let text = replicas.map { $0.metrics.prometheusText() }.joined()
        #expect(text.contains("kbs_attestation_successes_total{tee_type=\"sample\"} 1"))
        #expect(!text.contains("kbs_attestation_failures_total{"), "a spent nonce is no verdict on evidence")
    }

    @Test(
        "A2: without a current challenge nothing is verified",
        arguments: ["none", "garbage", "expired", "foreign", "cut"])
    func noChallenge(_ kind: String) async throws {
        let test = try await TestBroker.make()
        let guest = try SampleGuest()
        let (challenge, cookie) = try await test.broker.challenge(SampleGuest.authBody())
        let sent: String?
        switch kind {
        case "none": sent = nil
        case "garbage": sent = "not-a-cookie"
        case "foreign": sent = try await TestBroker.make().broker.challenge(SampleGuest.authBody()).cookie.value
        case "cut": sent = String(cookie.value.dropLast(2))
        default:
            sent = cookie.value
            test.clock.advance(by: 300 + 61)
        }
        let body = try guest.attestation(nonce: challenge.nonce)
        let error = try await brokerError { _ = try await test.broker.attest(body: body, cookie: sent) }
        #expect(error?.kind == .unauthenticated)
        #expect(error?.code == "no_current_challenge")
        #expect(try await test.decisionCount() == 0)
    }

    @Test("A2: a nonce of another session is refused")
    func foreignNonce() async throws {
        let test = try await TestBroker.make()
        let guest = try SampleGuest()
        let (other, _) = try await test.broker.challenge(SampleGuest.authBody())
        let (_, cookie) = try await test.broker.challenge(SampleGuest.authBody())
        let body = try guest.attestation(nonce: other.nonce)
        let error = try await brokerError { _ = try await test.broker.attest(body: body, cookie: cookie.value) }
        #expect(error?.code == "nonce_mismatch")
        #expect(error?.kind == .unauthenticated)
    }

    @Test("A3: a session cookie never gets a token, and a challenge cookie never opens a session")
    func cookieKinds() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll))
        let guest = try SampleGuest()
        let (challenge, cookie) = try await test.broker.challenge(SampleGuest.authBody())
        let body = try guest.attestation(nonce: challenge.nonce)
        let attestation = try await test.broker.attest(body: body, cookie: cookie.value)

        let again = try await brokerError {
            _ = try await test.broker.attest(body: body, cookie: attestation.cookie.value)
        }
        #expect(again?.kind == .unauthenticated)
        try await test.put("a/b/c", "secret")
        let asSession = try await brokerError { _ = try await test.release("a/b/c", cookie: cookie.value) }
        #expect(asSession?.code == "credential_missing")
    }

    @Test("A4: the session's id is fresh at attest, 256 bits, and only its hash is stored")
    func sessionID() async throws {
        let test = try await TestBroker.make()
        let guest = try SampleGuest()
        let first = try await test.attest(guest)
        let second = try await test.attest(guest)
        #expect(first.cookie.value != second.cookie.value)
        let bytes = try Base64.decodeURL(first.cookie.value)
        let secret = Array(bytes[1..<33])
        let hash = try #require(test.broker.sessionCookies.hash(of: first.cookie.value))
        #expect(hash != secret)
        let sessions = SessionRepository(test.store.database, keys: test.store.keys)
        #expect(try await sessions.find(sessionHash: hash) != nil)
        #expect(try await sessions.find(sessionHash: secret) == nil)
        let planted = Base64.encodeURL([0x53] + [UInt8](repeating: 7, count: 32))
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: planted) }
        #expect(error?.code == "credential_missing")
    }

    @Test("A4: a cookie that no broker of the installation made is refused without the database", arguments: 0..<49)
    func madeUpCookies(_ position: Int) throws {
        let ring = KeyEncryptionKeyRing.generate()
        let cookies = try SessionCookies(ring)
        let secret = cookies.fresh()
        #expect(cookies.hash(of: secret.text) == secret.hash)
        #expect(try SessionCookies(ring.rotated()).hash(of: secret.text) == secret.hash)
        #expect(try SessionCookies(.generate()).hash(of: secret.text) == nil)
        var bytes = try Base64.decodeURL(secret.text)
        #expect(bytes.count == 49)
        #expect(cookies.hash(of: Base64.encodeURL(Array(bytes.prefix(position)))) == nil)
        bytes[position] ^= 1
        #expect(cookies.hash(of: Base64.encodeURL(bytes)) == nil)
    }

    @Test("A7: clocks that differ within the tolerance neither end a session nor prolong it beyond the tolerance")
    func skewedClocks() async throws {
        let configure: (inout BrokerConfiguration) -> Void = { $0.session.clockTolerance = .seconds(600) }
        let first = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll), configure: configure)
        let (fast, slow) = (TestClock(), TestClock())
        fast.advance(by: 590)
        slow.advance(by: -590)
        let early = try await first.replica(clock: slow, configure: configure)
        let late = try await first.replica(clock: fast, configure: configure)
        try await first.put("a/b/c", "secret")
        let guest = try SampleGuest()

        for (issuer, verifier) in [(early, first), (first, early), (late, first), (first, late)] {
            let (challenge, cookie) = try await issuer.broker.challenge(SampleGuest.authBody())
            let body = try guest.attestation(nonce: challenge.nonce)
            let attestation = try await verifier.broker.attest(body: body, cookie: cookie.value)
            #expect(try await issuer.get("a/b/c", attestation, guest) == "secret")
        }
        let session = try await first.attest(guest)
        let (_, cookie) = try await first.broker.challenge(SampleGuest.authBody())
        first.clock.advance(by: 300 + 600 + 1)
        let ended = try await brokerError { _ = try await first.release("a/b/c", cookie: session.cookie.value) }
        #expect(ended?.code == "credential_missing")
        #expect(first.broker.openChallenge(cookie.value, at: first.clock.now) == nil)
    }

    @Test("A6: a hundred thousand challenges leave no row behind, in any table")
    func challengesAreStateless() async throws {
        let test = try await TestBroker.make()
        func rows() async throws -> [String: Int64] {
            let tables = try await test.store.database.query(
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'")
            var counts: [String: Int64] = [:]
            for table in tables {
                let name = try table.text(0)
                counts[name] = try await test.store.database.query("SELECT count(*) FROM \(name)").first?.int(0)
            }
            return counts
        }
        let before = try await rows()
        #expect(before.count >= 9)
        let body = SampleGuest.authBody()
        for _ in 0..<100_000 { _ = try await test.broker.challenge(body) }
        #expect(try await rows() == before)
    }

    @Test("sessions and nonces that ended long ago are swept, others stay")
    func sweeping() async throws {
        let test = try await TestBroker.make()
        _ = try await test.attest(SampleGuest())
        await test.broker.sweep()
        let sessions = SessionRepository(test.store.database, keys: test.store.keys)
        test.clock.advance(by: 3_600)
        await test.broker.sweep()
        #expect(try await sessions.sweep(endedBefore: .distantFuture) == 0)
    }

    @Test("one sweep removes more than one batch of nonces and of revocations")
    func sweepingManyBatches() async throws {
        let test = try await TestBroker.make()
        let count = 2 * Broker.sweepBatch + 500
        _ = try await test.store.database.query(
            """
            WITH old AS (SELECT n, now() - interval '1 day' AS ended FROM generate_series(1, \(count)) n),
                spent AS (INSERT INTO nonces SELECT sha256(n::text::bytea), ended FROM old)
            INSERT INTO revocations SELECT 'token:' || n, ended, '', now(), 'test' FROM old
            """)
        await test.broker.sweep()
        let rows = try await test.store.database.query(
            "SELECT (SELECT count(*) FROM nonces) + (SELECT count(*) FROM revocations)")
        #expect(try rows.first?.int(0) == 0)
    }
}
