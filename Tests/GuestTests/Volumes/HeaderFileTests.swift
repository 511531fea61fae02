import Encodings
import Foundation
import Testing

@testable import Guest

@Suite(
    "Header files in memory", .timeLimit(.minutes(5)), .enabled(if: VolumeMachine.hasMemory, "/dev/shm is no tmpfs"))
struct HeaderFileTests {
    private let folder = "/dev/shm/headers-\(UUID().uuidString.prefix(8))"

    private func cleanUp() { try? FileManager.default.removeItem(atPath: folder) }

    @Test("GC 9.G.73: a header file is named after the device, made exclusively, and gone afterwards")
    func exclusive() throws {
        defer { cleanUp() }
        let file = try HeaderFile(for: "/dev/loop9", in: folder)
        #expect(file.path == folder + "/" + Base64.encodeURL(Array("/dev/loop9".utf8)) + ".header")
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.size] as? Int == 16 << 20)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(throws: GuestError.self) { try HeaderFile(for: "/dev/loop9", in: folder) }
        let other = try HeaderFile(for: "/dev/loop8", in: folder)
        other.remove()
        file.remove()
        #expect(!FileManager.default.fileExists(atPath: file.path))
    }

    @Test("GC 9.G.73: a header file that a crash left does not stand in the way of the next mount")
    func abandoned() throws {
        defer { cleanUp() }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/" + Base64.encodeURL(Array("/dev/loop9".utf8)) + ".header"
        try Data("old".utf8).write(to: URL(filePath: path))
        let file = try HeaderFile(for: "/dev/loop9", in: folder)
        #expect(try file.read().allSatisfy { $0 == 0 })
        file.remove()
        // A link is not followed, wherever it leads.
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/shm/victim")
        #expect(throws: GuestError.self) { try HeaderFile(for: "/dev/loop9", in: folder) }
        #expect(!FileManager.default.fileExists(atPath: "/dev/shm/victim"))
    }

    @Test("A59: a folder that others can write, or that is reached by a link, holds no headers")
    func foreign() throws {
        defer { cleanUp() }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for mode: mode_t in [0o720, 0o702] {
            chmod(folder, mode)
            #expect(throws: GuestError.self) { try HeaderFile(for: "/dev/loop9", in: folder) }
        }
        chmod(folder, 0o700)
        let link = folder + "/link"
        try FileManager.default.createDirectory(atPath: folder + "/real", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder + "/real")
        for path in [link, link + "/"] {
            #expect(throws: GuestError.self, "\(path)") { try HeaderFile(for: "/dev/loop9", in: path) }
        }
    }

    @Test("A59: a header file that was replaced is not given to cryptsetup")
    func replaced() throws {
        defer { cleanUp() }
        let file = try HeaderFile(for: "/dev/loop9", in: folder)
        defer { file.remove() }
        #expect(try file.checkedPath() == file.path)
        try FileManager.default.moveItem(atPath: file.path, toPath: file.path + ".old")
        #expect(throws: GuestError.self) { try file.checkedPath() }
        try Data().write(to: URL(filePath: file.path))
        #expect(throws: GuestError.self) { try file.checkedPath() }
    }

    @Test("A59: headers are not written to a disk")
    func disk() throws {
        let onDisk = FileManager.default.currentDirectoryPath + "/headers-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: onDisk) }
        var status = stat()
        try #require(stat(FileManager.default.currentDirectoryPath, &status) == 0)
        guard try MountTable.current().type(ofDevice: UInt64(status.st_dev)) != "tmpfs" else { return }
        #expect(throws: GuestError.self) { try HeaderFile(for: "/dev/loop9", in: onDisk) }
    }
}
