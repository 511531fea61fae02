import Encodings
import Foundation
import GuestTestSupport
import KBSProtocol
import Synchronization
import TestPrograms
import Testing

@testable import Guest

/// Secrets that are kept up to date.
@Suite("Secrets of a pod", .timeLimit(.minutes(5)))
struct PodSecretsTests {
    private let time = TestClock()
    private let source = CountingSource(.success([1]))
    private let folder: URL

    init() throws {
        folder = try ProjectionTests.folder(NSTemporaryDirectory())
    }

    private func secrets(_ lines: String...) throws -> PodSecrets {
        let text = lines.map { "[[secret]]\nuri = \"kbs:///a/b/c\"\nrefresh_seconds = 10\n\($0)" }
        let file = try AgentFile(ConfigurationDocument(text.joined(separator: "\n"), name: "a.toml").root)
        return PodSecrets(
            file.secrets, from: source, by: Projection(allowDisk: true), clock: time.clock, metrics: GuestMetrics(),
            sender: NoticeSender())
    }

    private var path: String { "\(folder.path)/s/key" }
    private var fileLine: String { "file = \"\(path)\"" }
    private var content: Data? { FileManager.default.contents(atPath: path) }

    @Test("GC 10.2.5: a rotated secret is written at the next look, an unchanged one is not written again")
    func rotation() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = try secrets(fileLine)
        #expect(await secrets.missing.count == 1)
        #expect(await secrets.refresh().changes.count == 1)
        #expect(content == Data([1]))
        #expect(await secrets.missing.isEmpty)
        let version = try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder.path)/s/..data")
        _ = await secrets.refresh()
        #expect(source.count == 1)
        time.advance(by: 11.1)
        #expect(await secrets.refresh().changes.isEmpty)
        #expect(source.count == 2)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder.path)/s/..data") == version)
        source.answer(.success([2]))
        time.advance(by: 11.1)
        #expect(await secrets.refresh().changes.count == 1)
        #expect(content == Data([2]))
    }

    @Test("a broker that is away changes nothing, and is asked at growing distances")
    func away() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = try secrets(fileLine)
        _ = await secrets.refresh()
        source.answer(.failure(GuestError(.unavailable, "away")))
        time.advance(by: 11.1)
        var before = source.count
        for pause in [1.0, 2, 4, 8, 16, 32, 60, 60] {
            #expect(await secrets.refresh().failures.count == 1)
            #expect(source.count == before + 1)
            before += 1
            time.advance(by: pause * 0.79)
            #expect(await secrets.refresh().failures.isEmpty)
            time.advance(by: pause * 0.42)
        }
        #expect(content == Data([1]))
        #expect(await secrets.missing.isEmpty)
    }

    @Test("a refused secret is taken away, unless it is to be kept; either is asked for ever more seldom")
    func refused() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let kept = "\(folder.path)/k/key"
        let secrets = try secrets(fileLine, "file = \"\(kept)\"\nwhen_refused = \"keep\"")
        _ = await secrets.refresh()
        source.answer(.failure(GuestError(.denied, "no", decisionID: "x")))
        time.advance(by: 11.1)
        let report = await secrets.refresh()
        #expect(report.removals.count == 1 && report.failures.count == 2)
        #expect(content == nil && FileManager.default.contents(atPath: kept) == Data([1]))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/s").isEmpty)
        #expect(await secrets.missing.count == 1)
        let before = source.count
        for _ in 0..<360 {
            time.advance(by: 10)
            _ = await secrets.refresh()
        }
        // An hour: two secrets, at most once a minute each.
        #expect(source.count - before <= 160)
        source.answer(.success([3]))
        time.advance(by: 80)
        _ = await secrets.refresh()
        #expect(content == Data([3]))
    }

    @Test("a content that nobody confirms is taken away when its lease is over")
    func lease() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = try secrets(fileLine + "\nlease_seconds = 100")
        _ = await secrets.refresh()
        time.advance(by: 60)
        _ = await secrets.refresh()
        source.answer(.failure(GuestError(.unavailable, "away")))
        time.advance(by: 99)
        _ = await secrets.refresh()
        #expect(content == Data([1]))
        time.advance(by: 2)
        #expect(await secrets.refresh().removals.count == 1)
        #expect(content == nil)
    }

    @Test("a folder that cannot be written keeps the guest from being ready, and is tried again")
    func unwritable() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = try secrets(fileLine)
        try Data().write(to: folder.appending(path: "s"))
        #expect(await secrets.refresh().failures.first?.error.code == .projection)
        #expect(await secrets.missing.count == 1)
        try FileManager.default.removeItem(at: folder.appending(path: "s"))
        time.advance(by: 6)
        _ = await secrets.refresh()
        #expect(content == Data([1]))
        #expect(await secrets.missing.isEmpty)
    }

    @Test("a secret without a file is kept in memory and answered from there")
    func memory() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = try secrets("required = false")
        let resources = PrefetchedResources(secrets, others: CountingSource(.success([8])))
        let uri = try ResourceURI("kbs:///a/b/c")
        #expect(try await resources.resource(uri) == SecretBytes([8]))
        #expect(await secrets.missing.isEmpty)
        _ = await secrets.refresh()
        #expect(try await resources.resource(uri) == SecretBytes([1]))
        #expect(source.count == 1)
        try await secrets.removeAll()
        #expect(try await resources.resource(uri) == SecretBytes([8]))
    }

    @Test("the first content is no news; a change that asks for the end says so after it was written")
    func exit() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let secrets = try secrets(fileLine + "\nexit = true")
        #expect(await !secrets.refresh().exitIsWanted)
        source.answer(.success([2]))
        time.advance(by: 11.1)
        #expect(await secrets.refresh().exitIsWanted)
        #expect(content == Data([2]))
    }

    @Test("GC 10.2.4: a callback gets the news, again until it takes it")
    func callback() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { server, url in
            server.script("auth", .init(500), .init(204))
            let secrets = try secrets(fileLine + "\ncallback = \"\(url)/kbs/v0/auth\"")
            _ = await secrets.refresh()
            #expect(server.targets.isEmpty)
            source.answer(.success([2]))
            time.advance(by: 11.1)
            #expect(await secrets.refresh().failures.count == 1)
            time.advance(by: 1.3)
            #expect(await secrets.refresh().failures.isEmpty)
            time.advance(by: 5)
            _ = await secrets.refresh()
            let calls = server.recorded("auth")
            #expect(calls.count == 2 && calls.allSatisfy { $0.method == "POST" })
            let body = try JSONValue(parsing: #require(calls.last?.body))
            #expect(body["changed"] == "kbs:///a/b/c" && body["file"]?.stringValue == path)
        }
    }

    @Test("GC 10.2.4: a signal reaches a process by the file of its id and by its name, its workers excepted")
    func signals() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let name = "clav\(UInt16.random(in: 0 ... .max))"
        let program = folder.appending(path: name).path
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
        let secret = try #require(
            try AgentFile(
                ConfigurationDocument("[[secret]]\nuri = \"kbs:///a/b/c\"", name: "a.toml").root
            ).secrets.first)

        let byName = try RunningProgram(program, ["600"])
        let comm = "/proc/\(try #require(byName.id))/comm"
        while try String(contentsOfFile: comm, encoding: .utf8) != "\(name)\n" {
            try await Task.sleep(for: .milliseconds(10))
        }
        try await NoticeSender().send(.signal(SIGUSR1, .name(name)), about: secret)
        #expect(await byName.status() == 128 + SIGUSR1)
        await #expect(throws: GuestError.self) {
            try await NoticeSender().send(.signal(SIGUSR1, .name(name)), about: secret)
        }

        let byID = try RunningProgram(program, ["600"])
        let idFile = folder.appending(path: "pid").path
        try Data("\(try #require(byID.id))\n".utf8).write(to: URL(filePath: idFile))
        try await NoticeSender().send(.signal(SIGUSR2, .idFile(idFile)), about: secret)
        #expect(await byID.status() == 128 + SIGUSR2)
        for wrong in ["", "0", "-1", "x", "\(getpid())", "99999999999"] {
            try Data(wrong.utf8).write(to: URL(filePath: idFile))
            await #expect(throws: GuestError.self) {
                try await NoticeSender().send(.signal(SIGUSR2, .idFile(idFile)), about: secret)
            }
        }
    }
}
