import Encodings
import Foundation
import Testing

@Suite("Files up to a size", .timeLimit(.minutes(5)))
struct BoundedFileTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "claviger-files-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/inner", withIntermediateDirectories: true)
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(folder)/\(name)"
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    private func code(_ body: () throws -> Void) -> BoundedFileError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? BoundedFileError)?.code
        }
    }

    @Test("a file of exactly the limit is read, one byte more is not", arguments: [0, 1, 65_536, 65_537, 200_000])
    func limit(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        let path = try write("a", bytes)
        #expect(try BoundedFile.bytes(path, limit: size) == bytes)
        #expect(try BoundedFile.secret(path, limit: size).copyBytes() == bytes)
        #expect(try BoundedFile.bytes("a", below: folder, limit: size) == bytes)
        guard size > 0 else { return }
        #expect(code { _ = try BoundedFile.bytes(path, limit: size - 1) } == .tooLarge)
        #expect(code { _ = try BoundedFile.secret(path, limit: size - 1) } == .tooLarge)
        #expect(code { _ = try BoundedFile.bytes("a", below: folder, limit: size - 1) } == .tooLarge)
    }

    @Test("what has no end, no size or no bytes neither fills the memory nor holds the reader")
    func special() throws {
        let pipe = folder + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for path in ["/dev/zero", pipe, folder] {
            #expect(code { _ = try BoundedFile.bytes(path, limit: 100) } == .notRegular)
            #expect(code { _ = try BoundedFile.secret(path, limit: 100) } == .notRegular)
        }
        #expect(code { _ = try BoundedFile.bytes("/dev/zero", limit: 100, kind: .stream) } == .tooLarge)
        #expect(code { _ = try BoundedFile.secret("/dev/zero", limit: 100, kind: .stream) } == .tooLarge)
        #expect(code { _ = try BoundedFile.bytes(folder, limit: 100, kind: .stream) } == .notRegular)
        #expect(code { _ = try BoundedFile.bytes(folder + "/none", limit: 100) } == .missing)
        // The kernel says that these have no bytes.
        #expect(try !BoundedFile.bytes("/proc/self/status", limit: 100_000).isEmpty)
    }

    @Test("links are followed only where they may be")
    func links() throws {
        let path = try write("a", [1])
        try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: path)
        #expect(try BoundedFile.bytes(folder + "/link", limit: 1) == [1])
        #expect(
            code { _ = try BoundedFile.bytes(folder + "/link", limit: 1, kind: .regularWithoutLink) } == .notRegular)
    }

    @Test("nothing below a folder leads out of it")
    func below() throws {
        _ = try write("inner/a", [1])
        try FileManager.default.createSymbolicLink(atPath: folder + "/out", withDestinationPath: "/etc")
        try FileManager.default.createSymbolicLink(atPath: folder + "/inner/hosts", withDestinationPath: "/etc/hosts")
        #expect(try BoundedFile.bytes("inner/a", below: folder, limit: 1) == [1])
        for name in [
            "out/hosts", "inner/hosts", "../etc/hosts", "inner/../inner/a", "/etc/hosts", "", "inner//a", "inner",
        ] {
            #expect(code { _ = try BoundedFile.bytes(name, below: folder, limit: 100_000) } != nil, "\(name)")
        }
    }

    @Test("what is not UTF-8 is no text")
    func text() throws {
        #expect(try BoundedFile.text(write("a", Array("ä".utf8)), limit: 2) == "ä")
        #expect(code { _ = try BoundedFile.text(write("b", [0xC3]), limit: 2) } == .notText)
    }
}
