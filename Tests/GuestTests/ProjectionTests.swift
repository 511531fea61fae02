import Encodings
import Foundation
import KBSProtocol
import Testing

@testable import Guest

@Suite("Projected files")
struct ProjectionTests {
    static let hasMemoryFolder = access("/dev/shm", W_OK) == 0

    static func folder(_ parent: String) throws -> URL {
        let url = URL(filePath: parent).appending(path: "claviger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        return url
    }

    @Test(
        "A59: a file is written whole, mode 0400, and nothing else is left in the folder", .enabled(if: hasMemoryFolder)
    )
    func written() throws {
        let folder = try Self.folder("/dev/shm")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "key").path
        try Projection().write(SecretBytes([1, 2, 3]), to: path)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data([1, 2, 3]))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o400)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["key"])
    }

    @Test("a file is replaced by rename: who reads the old one keeps reading it whole", .enabled(if: hasMemoryFolder))
    func replaced() throws {
        let folder = try Self.folder("/dev/shm")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "key").path
        try Projection().write(SecretBytes([1, 1, 1]), to: path)
        let reader = try #require(FileHandle(forReadingAtPath: path))
        try Projection().write(SecretBytes([2]), to: path)
        #expect(try reader.readToEnd() == Data([1, 1, 1]))
        #expect(try Data(contentsOf: URL(filePath: path)) == Data([2]))
    }

    @Test("readers racing with writers never see a part or a readable mode", .enabled(if: hasMemoryFolder))
    func race() async throws {
        let folder = try Self.folder("/dev/shm")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "key").path
        try Projection().write(SecretBytes([UInt8](repeating: 0, count: 50_000)), to: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 1..<100 {
                    try Projection().write(SecretBytes([UInt8](repeating: UInt8(round), count: 50_000)), to: path)
                }
            }
            group.addTask {
                for _ in 0..<300 {
                    let data = try Data(contentsOf: URL(filePath: path))
                    try #require(data.count == 50_000 && Set(data).count == 1)
                    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
                        var status = stat()
                        guard stat(folder.appending(path: name).path, &status) == 0 else { continue }
                        try #require(status.st_mode & 0o777 == 0o400)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("A59: a disk is refused unless allowed, and nothing is written")
    func disk() throws {
        let folder = try Self.folder("/var/tmp")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "key").path
        var status = stat()
        try #require(stat(folder.path, &status) == 0)
        let type = try MountTable.current().type(ofDevice: UInt64(status.st_dev))
        guard type != "tmpfs", type != "ramfs" else {
            print("skipped: /var/tmp is memory-backed here")
            return
        }
        #expect { try Projection().write(SecretBytes([1]), to: path) } throws: {
            guard let error = $0 as? GuestError else { return false }
            return error.code == .projection && error.message.contains("--allow-disk")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        try Projection(allowDisk: true).write(SecretBytes([1]), to: path)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data([1]))
        try Projection().remove(path)
        try Projection().remove(path)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("a link at the target is replaced, not followed", .enabled(if: hasMemoryFolder))
    func link() throws {
        let folder = try Self.folder("/dev/shm")
        defer { try? FileManager.default.removeItem(at: folder) }
        let victim = folder.appending(path: "victim")
        try Data("old".utf8).write(to: victim)
        let path = folder.appending(path: "key").path
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: victim.path)
        try Projection().write(SecretBytes([9]), to: path)
        #expect(try Data(contentsOf: victim) == Data("old".utf8))
        #expect(try Data(contentsOf: URL(filePath: path)) == Data([9]))
    }

    @Test(
        "a missing folder or a folder in the file's place is an error that leaves nothing behind",
        .enabled(if: hasMemoryFolder))
    func failures() throws {
        let folder = try Self.folder("/dev/shm")
        defer { try? FileManager.default.removeItem(at: folder) }
        let taken = folder.appending(path: "taken")
        try FileManager.default.createDirectory(at: taken, withIntermediateDirectories: true)
        for path in [taken.path, folder.appending(path: "none/key").path] {
            #expect { try Projection().write(SecretBytes([1]), to: path) } throws: {
                ($0 as? GuestError)?.code == .projection
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["taken"])
    }

    @Test("projections are written kbs:///a/b/c=/path")
    func arguments() throws {
        let target = try ProjectionTarget(argument: "kbs:///a/b/c=/run/keys/d=e")
        #expect(target.uri.path == "a/b/c" && target.path == "/run/keys/d=e")
        for wrong in [
            "kbs:///a/b/c", "kbs:///a/b/c=key", "http:///a/b/c=/x", "kbs:///a/b/c=/x/../y", "kbs:///a/b/c=/x/",
        ] {
            #expect(throws: GuestError.self) { try ProjectionTarget(argument: wrong) }
        }
    }

    @Test("the mount table knows types by device number")
    func mountTable() {
        let table = MountTable(
            """
            22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
            24 22 0:27 / /dev/shm rw,nosuid master:3 shared:4 - tmpfs tmpfs rw
            """)
        #expect(table.type(ofDevice: 27) == "tmpfs")
        #expect(table.type(ofDevice: 254 << 8) == "ext4")
        #expect(table.type(ofDevice: 28) == nil)
    }

    @Test("what failed is tried again, what is written is not", .enabled(if: hasMemoryFolder))
    func files() async throws {
        let folder = try Self.folder("/dev/shm")
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = CountingSource(.failure(GuestError(.unavailable, "away")))
        let target = try ProjectionTarget(argument: "kbs:///a/b/c=\(folder.path)/key")
        let files = ProjectedFiles([target], from: source, by: Projection())
        #expect(await files.writeMissing().map(\.error.code) == [.unavailable])
        #expect(await files.missing == [target])
        source.answer(.success([5]))
        #expect(await files.writeMissing().isEmpty)
        #expect(await files.writeMissing().isEmpty)
        #expect(source.count == 2)
        try await files.removeAll()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test("waiting grows while the broker is away and is long after a refusal")
    func pauses() {
        let away = [GuestError(.unavailable, "")]
        #expect(ProjectedFiles.pause(afterRound: 0, failures: away) < 2)
        #expect((25...39).contains(ProjectedFiles.pause(afterRound: 50, failures: away)))
        #expect(ProjectedFiles.pause(afterRound: 0, failures: [GuestError(.denied, "")]) > 40)
    }
}
