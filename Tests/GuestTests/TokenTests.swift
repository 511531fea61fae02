import Encodings
import Foundation
import GuestTestSupport
import JOSE
import KBSProtocol
import Testing

@testable import Guest

@Suite("Tokens")
struct TokenTests {
    static let uri = "kbs:///default/key/1"

    @Test("GC 33: times of a token count, and text that is no token is refused")
    func times() throws {
        let jwt = try Vectors.text("test-token.jwt").trimmingCharacters(in: .whitespacesAndNewlines)
        let key = try JWEPrivateKey.generate()
        let token = try AttestedToken(token: jwt, key: key, now: Date(timeIntervalSince1970: 2_000_000_000))
        #expect(token.expires == Date(timeIntervalSince1970: 2_006_149_618))
        for wrongTime in [2_006_150_000, 1_690_000_000] {
            #expect {
                try AttestedToken(token: jwt, key: key, now: Date(timeIntervalSince1970: Double(wrongTime)))
            } throws: {
                ($0 as? GuestError)?.code == .attestationFailed
            }
        }
        for malformed in ["", "a.b", "a.b.c.d", "..", "e30.!.e30", "e30.W10.e30"] {
            #expect { try AttestedToken(token: malformed, key: key, now: Date()) } throws: {
                ($0 as? GuestError)?.code == .unexpected
            }
        }
    }

    @Test("fifty concurrent callers cause one attestation")
    func singleFlight() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("default/key/1", [7])
            let client = try HandshakeTests.client(url)
            try await withThrowingTaskGroup(of: SecretBytes.self) { group in
                for _ in 0..<50 { group.addTask { try await client.resource(ResourceURI(Self.uri)) } }
                for try await secret in group { #expect(secret == SecretBytes([7])) }
            }
            #expect(broker.attestations == 1)
            #expect(broker.recorded("auth").count == 1)
            #expect(broker.recorded("resource/default/key/1").count == 50)
        }
    }

    @Test("a token is reused for nine tenths of its life and then renewed before it ends")
    func renewal() async throws {
        let time = TestClock()
        try await FakeKBS.run(clock: time.clock) { broker, url in
            broker.set(tokenLife: 1000)
            let client = try HandshakeTests.client(url, clock: time.clock)
            let first = try await client.token()
            time.advance(by: 890)
            #expect(try await client.token().token == first.token)
            time.advance(by: 20)
            #expect(try await client.token().token != first.token)
            #expect(broker.attestations == 2)
        }
    }

    @Test("a token that still holds outlives a broker that is away at renewal time")
    func brokerAway() async throws {
        let time = TestClock()
        try await FakeKBS.run(clock: time.clock) { broker, url in
            broker.set(tokenLife: 1000)
            let client = try HandshakeTests.client(url, clock: time.clock)
            let first = try await client.token()
            time.advance(by: 950)
            broker.script("auth", .init(503, headers: ["Retry-After": "1"]))
            #expect(try await client.token().token == first.token)
            time.advance(by: 100)
            await #expect { try await client.token() } throws: { ($0 as? GuestError)?.code == .unavailable }
        }
    }

    @Test("GC 31: a refused token is renewed once, and the request repeated once")
    func unauthorizedOnce() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("default/key/1", [7])
            let client = try HandshakeTests.client(url)
            _ = try await client.token()
            broker.revokeTokens()
            #expect(try await client.resource(ResourceURI(Self.uri)) == SecretBytes([7]))
            #expect(broker.attestations == 2)
            #expect(broker.recorded("resource/default/key/1").count == 2)
        }
    }

    @Test("GC 31: a token refused twice ends in 'request unauthorized', without a storm on the next tries")
    func unauthorizedAlways() async throws {
        try await FakeKBS.run { broker, url in
            broker.script("resource/default/key/1", .error(401, .tokenVerifierError, "Token Verifier error (code: x)"))
            // Time stands still, so that the pause between renewals never ends.
            let client = try HandshakeTests.client(url, clock: .fixed(Date()))
            for _ in 0..<5 {
                await #expect { try await client.resource(ResourceURI(Self.uri)) } throws: {
                    guard let error = $0 as? GuestError else { return false }
                    return error.code == .unauthorized && error.message.contains("request unauthorized")
                }
            }
            #expect(broker.attestations == 2)
        }
    }

    @Test("concurrent callers with a refused token share one renewal")
    func sharedRenewal() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("default/key/1", [7])
            let client = try HandshakeTests.client(url)
            _ = try await client.token()
            broker.revokeTokens()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await client.resource(ResourceURI(Self.uri)) } }
                try await group.waitForAll()
            }
            #expect(broker.attestations == 2)
        }
    }

    @Test("a denial causes one attestation and no repeated request", arguments: [403, 401])
    func denied(status: Int) async throws {
        try await FakeKBS.run { broker, url in
            var answer = FakeKBS.Answer.denied
            answer.status = status
            broker.script("resource/default/key/1", answer)
            let client = try HandshakeTests.client(url)
            await #expect { try await client.resource(ResourceURI(Self.uri)) } throws: {
                guard let error = $0 as? GuestError else { return false }
                return error.code == .denied && error.brokerCode == "condition_false"
                    && error.decisionID == "0193-deny" && error.description.contains("claviger explain 0193-deny")
            }
            #expect(broker.attestations == 1)
            #expect(broker.recorded("resource/default/key/1").count == 1)
        }
    }

    @Test(
        "GC 31: 404 is not found at once, other refusals and unreadable ones have their own names",
        arguments: [
            (404, #"{"type":"https://x/errors/PluginInternalError","detail":"none"}"#, GuestError.Code.notFound),
            (500, #"{"type":"https://x/errors/Whatever","detail":"oops"}"#, .unexpected),
            (500, "no json", .unexpected), (503, "no json", .unavailable), (429, "{}", .unavailable),
            (400, "{}", .invalidRequest), (302, "", .unexpected), (204, "", .unexpected),
        ])
    func refusals(status: Int, body: String, code: GuestError.Code) async throws {
        try await FakeKBS.run { broker, url in
            broker.script("resource/default/key/1", .init(status, Array(body.utf8)))
            let client = try HandshakeTests.client(url)
            await #expect { try await client.resource(ResourceURI(Self.uri)) } throws: {
                ($0 as? GuestError)?.code == code
            }
            #expect(broker.attestations == 1)
            #expect(broker.recorded("resource/default/key/1").count == 1)
        }
    }

    @Test("GC 32: a refused attestation is not repeated in a loop; after the hold it is tried again")
    func refusedAttestation() async throws {
        let time = TestClock()
        try await FakeKBS.run(clock: time.clock) { broker, url in
            broker.script(
                "attest",
                .error(401, .attestationError, "RCAR handshake Attest failed (code: evidence; decision: 0193-att)"))
            let client = try HandshakeTests.client(url, clock: time.clock)
            for _ in 0..<20 {
                await #expect { try await client.token() } throws: {
                    guard let error = $0 as? GuestError else { return false }
                    return error.code == .attestationFailed && error.brokerCode == "evidence"
                        && error.decisionID == "0193-att"
                }
            }
            #expect(broker.attestations == 1)
            broker.endScript("attest")
            time.advance(by: 12)
            _ = try await client.token()
            #expect(broker.attestations == 2)
        }
    }

    @Test("an answer that is not sealed to this guest is an error")
    func foreignAnswer() async throws {
        try await FakeKBS.run { broker, url in
            broker.script("resource/default/key/1", .init(200, Array("plain".utf8)))
            let client = try HandshakeTests.client(url)
            await #expect { try await client.resource(ResourceURI(Self.uri)) } throws: {
                ($0 as? GuestError)?.code == .undecryptable
            }
        }
    }

    @Test("a broker over http is refused unless that was allowed, and an unreachable one is unavailable")
    func transport() async throws {
        let insecure = try KBSClient(KBSClientConfiguration(url: "http://127.0.0.1:9"), attester: SampleAttester())
        await #expect { try await insecure.token() } throws: { ($0 as? GuestError)?.code == .invalidRequest }
        let away = try HandshakeTests.client("http://127.0.0.1:9")
        await #expect { try await away.token() } throws: { ($0 as? GuestError)?.isTransient == true }
    }
}
