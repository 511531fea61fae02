import Foundation
import Testing

@testable import Storage

@Suite("The private PostgreSQL", .serialized, .timeLimit(.minutes(5)))
struct PrivatePostgresTests {
    private func folder(_ suffix: String = "") -> String {
        "/tmp/claviger-private-\(getpid())-\(UInt32.random(in: 0 ... .max))\(suffix)"
    }

    @Test("it listens on a socket of its own only, never as root, and keeps its data over a restart")
    func restart() async throws {
        let folder = folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await PrivatePostgres.start(dataDirectory: folder)
        let process = try #require(server.processID)
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        #expect(!status.contains("Uid:\t0"))
        var database = try await Database.connect(DatabaseConfiguration(dsn: server.dsn))
        #expect(try await database.query("SHOW listen_addresses")[0].text(0).isEmpty)
        _ = try await database.query("CREATE TABLE kept (x bigint)")
        let mode = try FileManager.default.attributesOfItem(atPath: folder)[.posixPermissions] as? Int
        #expect(mode == 0o700)
        await server.stop()
        #expect(kill(process, 0) != 0)

        let again = try await PrivatePostgres.start(dataDirectory: folder)
        database = try await Database.connect(DatabaseConfiguration(dsn: again.dsn))
        #expect(try await database.query("SELECT * FROM kept").isEmpty)
        await again.stop()
    }

    @Test("a second server in the same folder is refused with a reason, and the first goes on")
    func twice() async throws {
        let folder = folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try await PrivatePostgres.start(dataDirectory: folder)
        do throws(StorageError) {
            _ = try await PrivatePostgres.start(dataDirectory: folder)
            Issue.record("two servers started in one folder")
        } catch {
            #expect(error.code == .unavailable && error.message.contains("another server"), "\(error)")
        }
        let database = try await Database.connect(DatabaseConfiguration(dsn: server.dsn))
        try await database.ping()
        await server.stop()
    }

    @Test("a folder whose path is too long for a socket gets its socket elsewhere")
    func longPath() async throws {
        let folder = folder("/" + String(repeating: "long", count: 30))
        defer { try? FileManager.default.removeItem(atPath: (folder as NSString).deletingLastPathComponent) }
        let server = try await PrivatePostgres.start(dataDirectory: folder, options: .init(isDisposable: true))
        let database = try await Database.connect(DatabaseConfiguration(dsn: server.dsn))
        try await database.ping()
        await server.stop()
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test("a folder that cannot be used is refused with a reason")
    func unusable() async throws {
        await expect(.unavailable) { () async throws(StorageError) in
            _ = try await PrivatePostgres.start(dataDirectory: "/proc/no/such")
        }
    }

    @Test("a link in place of a folder is refused, and what it points to stays as it was")
    func link() async throws {
        let (folder, target) = (folder(), folder("-target"))
        defer { [folder, target].forEach { try? FileManager.default.removeItem(atPath: $0) } }
        #expect(mkdir(folder, 0o700) == 0 && mkdir(target, 0o755) == 0)
        #expect(symlink(target, folder + "/socket") == 0)
        await expect(.unavailable) { () async throws(StorageError) in
            _ = try await PrivatePostgres.start(dataDirectory: folder)
        }
        var status = stat()
        #expect(stat(target, &status) == 0 && status.st_mode & 0o777 == 0o755 && status.st_uid == geteuid())
    }

    @Test("database names are plain words")
    func names() async throws {
        let folder = folder()
        let server = try await PrivatePostgres.start(dataDirectory: folder, options: .init(isDisposable: true))
        for name in ["", "a b", "a;b", "A", "a\"b"] {
            await expect(.invalid) { () async throws(StorageError) in _ = try await server.createDatabase(name) }
        }
        await server.stop()
    }

    @Test("a killed process takes its disposable server and folder along")
    func killed() async throws {
        let marker: String = folder(".dsn")
        let data: String = folder()
        defer { try? FileManager.default.removeItem(atPath: marker) }
        await #expect(processExitsWith: .signal(SIGKILL)) { [marker = marker as String, data = data as String] in
            let server = try await PrivatePostgres.start(dataDirectory: data, options: .init(isDisposable: true))
            let process = try #require(server.processID)
            try "\(process)".write(toFile: marker, atomically: true, encoding: .utf8)
            kill(getpid(), SIGKILL)
        }
        let process = try #require(Int32(try String(contentsOfFile: marker, encoding: .utf8)))
        for _ in 0..<200 where kill(process, 0) == 0 || FileManager.default.fileExists(atPath: data) {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(kill(process, 0) != 0)
        #expect(!FileManager.default.fileExists(atPath: data))
    }
}
