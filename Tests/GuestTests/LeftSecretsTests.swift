import Encodings
import Foundation
import GuestTestSupport
import KBSProtocol
import Synchronization
import Testing

@testable import Guest

/// Secrets that must go though nobody asks, or nobody answers.
@Suite("Secrets of a pod that must go", .timeLimit(.minutes(5)))
struct LeftSecretsTests {
    private let time = TestClock()
    private let source = GatedSource()
    private let folder: URL

    init() throws {
        folder = try ProjectionTests.folder(NSTemporaryDirectory())
    }

    /// The first two have a lease, the third has no file.
    private func secrets() throws -> PodSecrets {
        let text = """
            [[secret]]
            uri = "kbs:///a/b/one"
            file = "\(path("one"))"
            refresh_seconds = 10
            lease_seconds = 100
            [[secret]]
            uri = "kbs:///a/b/slow"
            file = "\(path("slow"))"
            refresh_seconds = 10
            [[secret]]
            uri = "kbs:///a/b/memory"
            refresh_seconds = 10
            lease_seconds = 100
            """
        return PodSecrets(
            try AgentFile(ConfigurationDocument(text, name: "a.toml").root).secrets, from: source,
            by: Projection(allowDisk: true), clock: time.clock)
    }

    private func path(_ name: String) -> String { "\(folder.path)/\(name)/key" }
    private func content(_ name: String) -> Data? { FileManager.default.contents(atPath: path(name)) }

    @Test("GC 10.2.5: what an agent before this one left goes when the broker refuses it")
    func refusedAfterRestart() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try await secrets().refresh()
        #expect(content("one") == Data([1]) && content("slow") == Data([1]))
        source.fail("one", GuestError(.denied, "no"))
        let again = try secrets()
        let report = await again.refresh()
        #expect(report.removals.map(\.uri.description) == ["kbs:///a/b/one"])
        #expect(content("one") == nil && content("slow") == Data([1]))
        time.advance(by: 1000)
        #expect(await again.refresh().removals.isEmpty)
    }

    @Test("what was never there is not reported as taken away")
    func neverThere() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        source.fail("one", GuestError(.denied, "no"))
        #expect(try await secrets().refresh().removals.isEmpty)
    }

    @Test("GC 10.2.5: what an agent before this one left goes when nobody confirms it for the length of its lease")
    func unconfirmedAfterRestart() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = try await secrets().refresh()
        source.fail("one", GuestError(.unavailable, "away"))
        let again = try secrets()
        _ = await again.refresh()
        time.advance(by: 99)
        #expect(await again.refresh().removals.isEmpty)
        #expect(content("one") == Data([1]))
        time.advance(by: 2)
        #expect(await again.refresh().removals.count == 1)
        #expect(content("one") == nil)
    }

    @Test("a lease ends on time, and a refusal counts, while another answer is still awaited")
    func slow() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = try secrets()
        _ = await secrets.refresh()
        let memory = try ResourceURI("kbs:///a/b/memory")
        #expect(await secrets.content(of: memory) == SecretBytes([1]))
        source.fail("one", GuestError(.unavailable, "away"))
        source.fail("memory", GuestError(.unavailable, "away"))
        source.close("slow")
        time.advance(by: 11.1)
        let round = Task { await secrets.refresh() }
        try await eventually { source.isAwaited }
        time.advance(by: 90)
        #expect(await secrets.content(of: memory) == nil)
        #expect(await secrets.endLeases().removals.count == 2)
        #expect(content("one") == nil && content("slow") == Data([1]))
        source.open()
        _ = await round.value

        source.fail("one", nil)
        time.advance(by: 11.1)
        _ = await secrets.refresh()
        #expect(content("one") == Data([1]))
        source.fail("one", GuestError(.denied, "no"))
        source.close("slow")
        time.advance(by: 11.1)
        let next = Task { await secrets.refresh() }
        try await eventually { source.isAwaited && content("one") == nil }
        source.open()
        _ = await next.value
    }

    private func eventually(_ state: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(240)
        while !state() {
            try #require(.now < deadline)
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// Answers one byte, or a failure, or nothing before it is opened.
private final class GatedSource: ResourceSource {
    private struct State {
        var failures: [String: GuestError] = [:]
        var closed: String?
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var isAwaited: Bool { state.withLock { $0.waiting != nil } }

    func fail(_ tag: String, _ error: GuestError?) { state.withLock { $0.failures[tag] = error } }

    func close(_ tag: String) { state.withLock { $0.closed = tag } }

    func open() {
        state.withLock { state in
            state.waiting?.resume()
            state.waiting = nil
            state.closed = nil
        }
    }

    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        let tag = String(uri.description.split(separator: "/").last ?? "")
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                guard state.closed == tag else { return true }
                state.waiting = continuation
                return false
            }
            if goesOn { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failures[tag] }) { throw failure }
        return SecretBytes([1])
    }
}
