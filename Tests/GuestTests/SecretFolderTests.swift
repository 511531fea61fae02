import Encodings
import Foundation
import Testing

@testable import Guest

@Suite("Folders of secrets")
struct SecretFolderTests {
    private let place: URL
    private let folder: SecretFolder

    init() throws {
        place = try ProjectionTests.folder(NSTemporaryDirectory()).appending(path: "secrets")
        folder = SecretFolder(place.path, by: Projection(allowDisk: true))
    }

    private static func file(
        _ name: String, _ content: [UInt8], mode: UInt32 = 0o400, user: UInt32? = nil
    ) -> SecretFolder.File {
        .init(name: name, content: SecretBytes(content), mode: mode, user: user, group: user)
    }

    private func content(_ name: String) -> Data? { FileManager.default.contents(atPath: "\(place.path)/\(name)") }
    private func names() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: place.path))
    }
    private func target(_ name: String) throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "\(place.path)/\(name)")
    }

    @Test("GC 10.2.4: names lead through ..data to a version, each file with its mode and nothing left beside")
    func layout() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        try folder.write([Self.file("a", [1]), Self.file("b", [2], mode: 0o440)], at: Date())
        let version = try target("..data")
        #expect(try target("a") == "..data/a" && target("b") == "..data/b")
        #expect(content("a") == Data([1]) && content("b") == Data([2]))
        #expect(try names() == ["a", "b", "..data", version])
        for (name, mode) in [("a", 0o400), ("b", 0o440)] {
            var status = stat()
            #expect(stat("\(place.path)/\(name)", &status) == 0 && status.st_mode & 0o7777 == mode)
        }
    }

    @Test("GC 10.2.4: a new version replaces all files at once, and what was there before goes")
    func swap() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        try folder.write([Self.file("a", [1]), Self.file("b", [1])], at: Date())
        let first = try target("..data")
        let reader = try #require(FileHandle(forReadingAtPath: "\(place.path)/a"))
        try folder.write([Self.file("a", [2]), Self.file("c", [2])], at: Date())
        let second = try target("..data")
        #expect(first != second)
        #expect(try reader.readToEnd() == Data([1]))
        #expect(content("a") == Data([2]) && content("c") == Data([2]))
        #expect(try names() == ["a", "c", "..data", second])
    }

    @Test("a name that cannot be made is reported, and old secrets go all the same")
    func blockedName() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        try folder.write([Self.file("a", [1])], at: Date())
        let first = try target("..data")
        try FileManager.default.createDirectory(
            at: place.appending(path: "b/x"), withIntermediateDirectories: true)
        #expect(throws: GuestError.self) { try folder.write([Self.file("a", [2]), Self.file("b", [2])], at: Date()) }
        #expect(content("a") == Data([2]))
        #expect(try names() == ["a", "b", "..data", target("..data")] && target("..data") != first)
    }

    @Test("readers who look twice through ..data never see files of two versions")
    func consistent() async throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        let (folder, path) = (folder, place.path)
        try folder.write([Self.file("a", [0]), Self.file("b", [0])], at: Date())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 1..<100 {
                    let content = [UInt8(round)]
                    try folder.write([Self.file("a", content), Self.file("b", content)], at: Date())
                }
            }
            group.addTask {
                for _ in 0..<300 {
                    let version = open("\(path)/..data", O_RDONLY | O_DIRECTORY)
                    try #require(version >= 0)
                    defer { close(version) }
                    let contents = ["a", "b"].map { name -> UInt8? in
                        let file = openat(version, name, O_RDONLY)
                        guard file >= 0 else { return nil }
                        defer { close(file) }
                        var byte: UInt8 = 0
                        return read(file, &byte, 1) == 1 ? byte : nil
                    }
                    // A version that was replaced meanwhile may be on its way out.
                    if let first = contents[0], let second = contents[1] { try #require(first == second) }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("an interrupted run's remains go with the next version; other people's files stay")
    func remains() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        let manager = FileManager.default
        try manager.createDirectory(at: place.appending(path: "..v1-dead"), withIntermediateDirectories: true)
        try Data([9]).write(to: place.appending(path: "..v1-dead/a"))
        try manager.createSymbolicLink(atPath: "\(place.path)/..vlink-x", withDestinationPath: "..v1-dead")
        try manager.createSymbolicLink(atPath: "\(place.path)/..data", withDestinationPath: "..v1-dead")
        try manager.createSymbolicLink(atPath: "\(place.path)/gone", withDestinationPath: "..data/gone")
        try Data([5]).write(to: place.appending(path: "theirs"))
        try folder.write([Self.file("a", [1])], at: Date())
        #expect(try names() == ["a", "theirs", "..data", target("..data")])
        try folder.remove()
        #expect(try names() == ["theirs"])
        try folder.remove()
    }

    @Test("a version that cannot be completed leaves the one before in place")
    func failure() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        try folder.write([Self.file("a", [1])], at: Date())
        let before = try names()
        // The same name twice cannot be created twice.
        #expect(throws: GuestError.self) {
            try folder.write([Self.file("a", [2]), Self.file("a", [3])], at: Date())
        }
        #expect(content("a") == Data([1]))
        #expect(try names() == before)
    }

    @Test("what is to go goes, also when no version without it can be written")
    func withdrawal() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        try folder.write([Self.file("a", [1]), Self.file("denied", [1])], at: Date())
        let version = try target("..data")
        #expect(throws: GuestError.self) {
            try folder.write([Self.file("a", [2]), Self.file("a", [3])], at: Date())
        }
        #expect(content("a") == Data([1]) && content("denied") == nil)
        #expect(try names() == ["a", "..data", version])
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(place.path)/\(version)") == ["a"])
    }

    @Test("nothing is removed elsewhere when somebody turned ..data to another folder")
    func turnedLink() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        let other = place.deletingLastPathComponent().appending(path: "..vother")
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
        try Data([9]).write(to: other.appending(path: "other"))
        try folder.write([Self.file("a", [1])], at: Date())
        try FileManager.default.removeItem(atPath: "\(place.path)/..data")
        try FileManager.default.createSymbolicLink(
            atPath: "\(place.path)/..data", withDestinationPath: "../..vother")
        #expect(throws: GuestError.self) {
            try folder.write([Self.file("a", [2]), Self.file("a", [3])], at: Date())
        }
        #expect(FileManager.default.contents(atPath: other.appending(path: "other").path) == Data([9]))
    }

    @Test("files belong to whom they were meant for", .enabled(if: geteuid() == 0, "only root gives files away"))
    func owner() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        try folder.write([Self.file("a", [1], mode: 0o440, user: 1234)], at: Date())
        var status = stat()
        #expect(stat("\(place.path)/a", &status) == 0)
        #expect(status.st_uid == 1234 && status.st_gid == 1234 && status.st_mode & 0o7777 == 0o440)
    }

    @Test("GC 10.2.4: without consent secrets go to memory only", .enabled(if: ProjectionTests.hasMemoryFolder))
    func memory() throws {
        defer { try? FileManager.default.removeItem(at: place.deletingLastPathComponent()) }
        let inMemory = try ProjectionTests.folder("/dev/shm")
        defer { try? FileManager.default.removeItem(at: inMemory) }
        try SecretFolder(inMemory.path, by: Projection()).write([Self.file("a", [1])], at: Date())
        guard try MountTable.current().type(ofDevice: Self.device(NSTemporaryDirectory())) != "tmpfs" else { return }
        #expect {
            try SecretFolder(place.path, by: Projection()).write([Self.file("a", [1])], at: Date())
        } throws: {
            ($0 as? GuestError)?.code == .projection
        }
    }

    private static func device(_ path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_dev) : 0
    }
}
