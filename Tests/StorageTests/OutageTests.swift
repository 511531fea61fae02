import Encodings
import Foundation
import Synchronization
import Testing

@testable import Storage

/// Each of these tests has a server of its own, because it stops it or kills parts of it.
@Suite("Outages", .serialized, .timeLimit(.minutes(5)))
struct OutageTests {
    private func folder() -> String { "/tmp/claviger-outage-\(getpid())-\(UInt32.random(in: 0 ... .max))" }

    private func start(_ folder: String) async throws -> PrivatePostgres {
        try await PrivatePostgres.start(dataDirectory: folder, options: .init(settings: ["shared_buffers": "32MB"]))
    }

    private func record() -> DecisionRecord {
        DecisionRecord(
            id: DecisionRecord.makeID(), at: Date(), allowed: true, code: "allowed", reason: "", operation: "get",
            plugin: "resource", path: "a/b/c", bundleDigest: "")
    }

    @Test("A50, A57: with the database down every request fails as unavailable within a bound, and works again after")
    func downAndUp() async throws {
        let folder = folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await start(folder)
        let database = try await Database.connect(
            DatabaseConfiguration(dsn: server.dsn, requestTimeout: .seconds(2)))
        try await Migrations.migrate(database)
        let decisions = DecisionRepository(database)
        let keys = KeyEncryptionKeyRing.generate()
        let resources = ResourceRepository(database, keys: keys)
        try await decisions.append(record())
        _ = try await resources.put(path: "a/b/c", tenant: "a", value: SecretBytes([1]), by: "eve")

        await server.stop()
        #expect(server.processID == nil)
        let clock = ContinuousClock()
        let start = clock.now
        let errors = await withTaskGroup(of: StorageError?.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let result = await outcome { () async throws(StorageError) in
                        switch number % 3 {
                        case 0: try await decisions.append(record())
                        case 1: _ = try await resources.sealed(path: "a/b/c")
                        default: _ = try await DecidingRead(database, keys: keys)(path: "a/b/c")
                        }
                    }
                    guard case .failure(let error) = result else { return nil }
                    return error
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(errors.allSatisfy { $0?.isUnavailable == true })
        #expect(clock.now - start < .seconds(20))

        let again = try await self.start(folder)
        var isBack = false
        while !isBack, clock.now - start < .seconds(60) {
            isBack = (try? await decisions.append(record())) != nil
            if !isBack { try await Task.sleep(for: .milliseconds(50)) }
        }
        #expect(isBack)
        #expect(try await decisions.list().count == 2)
        #expect(try resources.open(try #require(try await resources.sealed(path: "a/b/c"))) == SecretBytes([1]))
        await again.stop()
    }

    @Test("A57: connecting to a database that is not there says unavailable, soon")
    func neverThere() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        await expect(.unavailable) { () async throws(StorageError) in
            _ = try await Database.connect(DatabaseConfiguration(dsn: "host=/nonexistent dbname=x"))
        }
        #expect(clock.now - start < .seconds(20))
    }

    @Test("A50: a ledger that is locked for good fails within twice the request's time")
    func lockedLedger() async throws {
        let folder = folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await start(folder)
        let database = try await Database.connect(
            DatabaseConfiguration(dsn: server.dsn, requestTimeout: .seconds(1)))
        try await Migrations.migrate(database)
        let blocker = try await BlockingThread.run("lock") { () throws(StorageError) in
            let connection = try BlockingConnection(ConnectionString(server.dsn), limits: nil)
            try connection.run("BEGIN; LOCK TABLE decisions IN ACCESS EXCLUSIVE MODE")
            return connection.handle
        }
        let decisions = DecisionRepository(database)
        let clock = ContinuousClock()
        let start = clock.now
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let result = await outcome { () async throws(StorageError) in try await decisions.append(record()) }
                    guard case .failure(let error) = result else {
                        Issue.record("a decision was appended to a locked ledger")
                        return
                    }
                    #expect(error.isUnavailable)
                }
            }
        }
        #expect(clock.now - start < .seconds(15))
        withExtendedLifetime(blocker) {}
        await server.stop()
    }

    @Test("A56: backends and the server killed in the middle of writes leave no half state, and repeats are harmless")
    func killedInTheMiddle() async throws {
        let folder = folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await start(folder)
        let database = try await Database.connect(DatabaseConfiguration(dsn: server.dsn, requestTimeout: .seconds(3)))
        try await Migrations.migrate(database)
        let writers = Writers(database, keys: .generate())
        let end = EndMark()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    var round = 0
                    while !end.isReached {
                        await writers.write(writer: number, round: round)
                        round += 1
                    }
                }
            }
            group.addTask {
                for _ in 0..<4 {
                    try await Task.sleep(for: .milliseconds(300))
                    Self.killBackends(of: try #require(server.processID))
                }
                try await Task.sleep(for: .milliseconds(600))
                end.reach()
            }
            try await group.waitForAll()
        }
        try await writers.check()
        await server.stop()
    }

    @Test("A56: a client killed in the middle of its writes leaves no half state, and the next one goes on")
    func killedClient() async throws {
        let folder: String = folder()
        let ring: String = folder + ".keys"
        defer {
            try? FileManager.default.removeItem(atPath: folder)
            try? FileManager.default.removeItem(atPath: ring)
        }
        let keys = KeyEncryptionKeyRing.generate()
        try keys.write(toNewFile: ring)
        let server = try await start(folder)
        let dsn: String = server.dsn
        let database = try await Database.connect(DatabaseConfiguration(dsn: dsn))
        try await Migrations.migrate(database)
        await #expect(processExitsWith: .signal(SIGKILL)) { [dsn = dsn as String, ring = ring as String] in
            let database = try await Database.connect(DatabaseConfiguration(dsn: dsn))
            let writers = Writers(database, keys: try KeyEncryptionKeyRing(file: ring))
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask { for round in 0... { await writers.write(writer: number, round: round) } }
                }
                while !writers.hasWrittenAll { await Task.yield() }
                kill(getpid(), SIGKILL)
            }
        }
        let writers = Writers(database, keys: keys)
        try await writers.checkStructure()
        for number in 0..<4 { await writers.write(writer: number, round: 1_000_000) }
        #expect(writers.hasWrittenAll)
        try await writers.checkStructure()
        await server.stop()
    }

    /// `kill -9` for every client's backend, which makes the postmaster throw all sessions out and recover.
    private static func killBackends(of postmaster: Int32) {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for process in processes.compactMap({ Int32($0) }) {
            guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
                status.contains("PPid:\t\(postmaster)\n"),
                let command = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8),
                command.contains("claviger claviger")
            else { continue }
            kill(process, SIGKILL)
        }
    }
}
