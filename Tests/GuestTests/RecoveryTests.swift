import Encodings
import Foundation
import GuestTestSupport
import KBSProtocol
import Synchronization
import Testing

@testable import Guest

/// What must not keep a guest from its keys longer than the cause lasts, nor make it knock too often.
@Suite("Recovery", .timeLimit(.minutes(5)))
struct RecoveryTests {
    @Test("a clock that is set back after a refused attestation does not prolong the hold")
    func clockSetBack() async throws {
        let time = TestClock()
        try await FakeKBS.run(clock: time.clock) { broker, url in
            broker.script("attest", .error(401, .attestationError, "no (code: x)"))
            let client = try HandshakeTests.client(url, clock: time.clock)
            _ = try? await client.token()
            broker.endScript("attest")
            time.advance(by: -7200)
            _ = try await client.token()
            #expect(broker.attestations == 2)
        }
    }

    @Test("a clock that runs ahead of the broker's does not make each request attest")
    func clockAhead() async throws {
        let time = TestClock()
        try await FakeKBS.run(clock: time.clock) { broker, url in
            let ahead = TestClock(time.clock.now().addingTimeInterval(330))
            let client = try HandshakeTests.client(url, clock: ahead.clock)
            for _ in 0..<10 { _ = try await client.token() }
            #expect(broker.attestations == 1)
        }
    }

    @Test("a token that still holds outlives a renewal that is refused, and ends with its own time")
    func refusedRenewal() async throws {
        let time = TestClock()
        try await FakeKBS.run(clock: time.clock) { broker, url in
            broker.set(tokenLife: 1000)
            let client = try HandshakeTests.client(url, clock: time.clock)
            let first = try await client.token()
            time.advance(by: 950)
            broker.script("attest", .init(500, Array("no json".utf8)))
            for _ in 0..<5 { #expect(try await client.token().token == first.token) }
            #expect(broker.attestations == 2)
            time.advance(by: 100)
            await #expect { try await client.token() } throws: { ($0 as? GuestError)?.code == .unexpected }
        }
    }

    @Test("refusals in a row never hold longer than 44 seconds")
    func longestHold() async throws {
        let time = TestClock()
        try await FakeKBS.run(clock: time.clock) { broker, url in
            broker.script("attest", .error(401, .attestationError, "no (code: x)"))
            let client = try HandshakeTests.client(url, clock: time.clock)
            for round in 1...6 {
                _ = try? await client.token()
                #expect(broker.attestations == round)
                time.advance(by: 44.1)
            }
        }
    }

    @Test(
        "a broker's wish to be left alone counts from one second to two minutes",
        arguments: [("0", 1), ("-5", 1), ("7", 7), ("86400", 120), ("soon", nil)])
    func retryAfter(header: String, seconds: Int?) async throws {
        try await FakeKBS.run { broker, url in
            broker.script("resource/a/b/c", .init(503, headers: ["Retry-After": header]))
            let client = try HandshakeTests.client(url)
            await #expect { try await client.resource(ResourceURI("kbs:///a/b/c")) } throws: {
                ($0 as? GuestError)?.retryAfter == seconds
            }
        }
    }

    @Test("what a broker says to a refused registration is cut short and holds no control characters")
    func registrationRefusal() async throws {
        try await FakeKBS.run { broker, url in
            let text = "\u{1B}[2J\u{9B}1m\r\n" + String(repeating: "x", count: 100_000)
            broker.script("resource/a/b/c", .error(500, .pluginInternalError, text))
            let client = try HandshakeTests.client(url)
            await #expect {
                try await client.register(
                    SecretBytes([1]), at: ResourcePath("a/b/c"), adminToken: SecretBytes(Array("admin-token".utf8)))
            } throws: {
                guard let error = $0 as? GuestError else { return false }
                return error.message.utf8.count < 2000
                    && error.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            }
        }
    }

    @Test("an address with credentials is refused without repeating them")
    func credentials() {
        #expect {
            try KBSClient(KBSClientConfiguration(url: "https://me:pa55@broker"), attester: SampleAttester())
        } throws: {
            guard let error = $0 as? GuestError else { return false }
            return error.code == .invalidRequest && !error.description.contains("pa55")
        }
    }

    @Test("cached outcomes end when the clock is set back, and secrets whose time is over are dropped")
    func cache() async throws {
        let time = TestClock()
        let source = CountingSource(.failure(GuestError(.denied, "no")))
        let cache = ResourceCache(source, timeToLive: 10, clock: time.clock)
        let uri = try ResourceURI("kbs:///a/b/c")
        _ = try? await cache.resource(uri)
        source.answer(.success([1]))
        time.advance(by: -3600)
        #expect(try await cache.resource(uri) == SecretBytes([1]))
        time.advance(by: 11)
        _ = try await cache.resource(ResourceURI("kbs:///a/b/d"))
        #expect(await cache.count == 1)
    }

    @Test("A59: a file whose content arrives after the end is not written")
    func projectionAfterTheEnd() async throws {
        let folder = try ProjectionTests.folder(NSTemporaryDirectory())
        defer { try? FileManager.default.removeItem(at: folder) }
        let gate = GatedSource()
        let target = try ProjectionTarget(argument: "kbs:///a/b/c=\(folder.path)/key")
        let files = ProjectedFiles([target], from: gate, by: Projection(allowDisk: true))
        let writing = Task { await files.writeMissing() }
        await gate.asked()
        try await files.removeAll()
        gate.open()
        _ = await writing.value
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}

/// Answers when it is told to.
private final class GatedSource: ResourceSource {
    private let arrivals = AsyncStream<Void>.makeStream()
    private let gate = AsyncStream<Void>.makeStream()

    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        arrivals.continuation.yield()
        for await _ in gate.stream {}
        return SecretBytes([1])
    }

    func asked() async {
        for await _ in arrivals.stream { return }
    }

    func open() { gate.continuation.finish() }
}
