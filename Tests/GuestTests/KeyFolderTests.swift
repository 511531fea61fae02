import Encodings
import Foundation
import Testing

@testable import Guest

@Suite("Key files named by callers", .timeLimit(.minutes(5)))
struct KeyFolderTests {
    private let folder: URL
    private let outside: URL

    init() throws {
        let parent = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)")
        folder = parent.appending(path: "allowed")
        outside = parent.appending(path: "allowed-not")
        for url in [folder, outside] {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            try Data(repeating: 7, count: 32).write(to: url.appending(path: "kek"))
        }
    }

    private func cleanUp() { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }

    private func refusal(_ file: String, folder: String?) -> GuestError? {
        do throws(GuestError) {
            _ = try KeyFolder(path: folder).key(in: file)
            return nil
        } catch {
            return error
        }
    }

    @Test("a file in the folder is read, also through a link inside it")
    func inside() throws {
        defer { cleanUp() }
        let link = folder.appending(path: "link").path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "kek")
        for file in [folder.appending(path: "kek").path, link] {
            #expect(try KeyFolder(path: folder.path).key(in: file).count == 32)
        }
    }

    @Test("without a folder, and outside of it, no file is read and nothing is said about it")
    func outsideFiles() throws {
        defer { cleanUp() }
        let secret = outside.appending(path: "kek").path
        let link = folder.appending(path: "link").path
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: secret)
        let files = [
            secret, link, folder.path + "/../allowed-not/kek", "/etc/passwd", "/nonexistent", "kek",
            "/proc/self/environ",
        ]
        for file in files {
            #expect(refusal(file, folder: nil)?.message.contains("--keyprovider-key-folder") == true)
            let error = try #require(refusal(file, folder: folder.path))
            #expect(error.code == .invalidRequest)
            #expect(error.message == "The key file \(file) is not in \(folder.path), the folder of key files.")
        }
    }

    @Test("a FIFO, a folder and a file of another size are refused without waiting")
    func oddFiles() throws {
        defer { cleanUp() }
        let fifo = folder.appending(path: "fifo").path
        try #require(mkfifo(fifo, 0o600) == 0)
        let sub = folder.appending(path: "sub")
        try FileManager.default.createDirectory(at: sub, withIntermediateDirectories: true)
        let short = folder.appending(path: "short")
        try Data([1]).write(to: short)
        for file in [fifo, sub.path, short.path] {
            #expect(refusal(file, folder: folder.path)?.code == .invalidRequest)
        }
    }
}
