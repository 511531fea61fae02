import Encodings
import Foundation
import GuestTestSupport
import Processes
import TestPrograms
import Testing

@testable import Guest

/// Volumes on loop devices, as root, with device mapper.
@Suite(
    "Volumes on a device", .serialized, .timeLimit(.minutes(5)),
    .enabled(
        if: VolumeMachine.hasDeviceMapper,
        "this kernel lets nobody open volumes: no root, no loop devices or no device mapper"))
struct VolumeDeviceTests {
    /// A loop device over a file in memory.
    private final class Loop {
        static let size = 64 << 20
        let folder: String
        let disk: String
        let device: String
        var settings = VolumeSettings()
        let keys = KeyStore(["default/volume/1": Array("key one".utf8), "default/volume/2": Array("key two".utf8)])

        init() throws {
            folder = "/dev/shm/loop-\(UUID().uuidString.prefix(8))"
            disk = folder + "/disk"
            try FileManager.default.createDirectory(atPath: folder + "/mount", withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: disk))
            truncate(disk, off_t(Self.size))
            let output = try Self.run("/usr/sbin/losetup", ["-f", "--show", disk])
            device = output.trimmingCharacters(in: .whitespacesAndNewlines)
            settings.headerFolder = folder + "/headers"
        }

        deinit {
            _ = try? Self.run("/usr/sbin/losetup", ["-d", device])
            try? FileManager.default.removeItem(atPath: folder)
        }

        @discardableResult
        static func run(_ path: String, _ arguments: [String]) throws -> String {
            let finished = try ChildProcess(path: path, arguments: arguments).runCapturing()
            let text = String(decoding: finished.output, as: UTF8.self)
            try #require(finished.status == 0, "\(path): \(text)")
            return text
        }

        func volumes() -> Volumes { Volumes(keys: VolumeKeys(keys), settings: settings) }

        func request(_ options: [String: String?] = [:], flags: [String] = []) throws -> VolumeRequest {
            var all = VolumeRequestTests.kata
            all["deviceId"] = nil
            all["devicePath"] = device
            for (name, value) in options { all[name] = value }
            return try VolumeRequest(
                volumeType: "block-device", options: all, flags: flags, mountPoint: folder + "/mount")
        }

        static var mapped: [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: "/dev/mapper")) ?? []).filter { $0 != "control" }
        }
    }

    @Test(
        "GC 9.G.74: kata's ephemeral volume, with and without integrity: formatted, mounted, written, closed",
        arguments: ["true", "false"])
    func ephemeral(integrity: String) async throws {
        let loop = try Loop()
        let pattern = Array("what nobody may read on the disk".utf8)
        for _ in 0..<2 {
            // The second time the device is used again in the same guest.
            let opened = try await loop.volumes().open(loop.request(["dataIntegrity": integrity, "mkfsOpts": "-m 0"]))
            let file = opened.mountPoint + "/file"
            let content = Data(Array(repeating: pattern, count: 4096).joined())
            try content.write(to: URL(filePath: file))
            sync()
            #expect(try Data(contentsOf: URL(filePath: file)) == content)
            let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
            #expect(mounts.contains("\(loop.folder)/mount ext4 rw,noatime"), "\(mounts)")
            #expect(Loop.mapped.contains { $0.hasSuffix("_dif") } == (integrity == "true"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: loop.folder + "/headers").isEmpty)
            try await Volumes.close(opened)
            #expect(Loop.mapped.isEmpty)
        }
        let raw = try BlockDevice(file: loop.disk).head(Loop.size)
        // A file begins on a sector.
        let isPlain = raw.withUnsafeBytes { disk in
            stride(from: 0, to: disk.count - 512, by: 512).contains { start in
                disk.baseAddress.map { memcmp($0 + start, pattern, pattern.count) == 0 } ?? false
            }
        }
        #expect(!isPlain)
    }

    @Test(
        "GC 9.G.74: a volume with a key from the broker is there again, and opens with no other",
        arguments: ["true", "false"])
    func persistent(integrity: String) async throws {
        let loop = try Loop()
        let wish = ["key": "kbs:///default/volume/1", "dataIntegrity": integrity]
        let first = try await loop.volumes().open(loop.request(wish))
        try Data("kept".utf8).write(to: URL(filePath: first.mountPoint + "/file"))
        try await Volumes.close(first)

        let again = wish.merging(["sourceType": "encrypted"]) { $1 }
        let second = try await loop.volumes().open(loop.request(again.merging(["mapperName": "again"]) { $1 }))
        #expect(second.mapperName == "again")
        #expect(try String(contentsOfFile: second.mountPoint + "/file", encoding: .utf8) == "kept")
        await #expect(throws: GuestError.self) { try await loop.volumes().open(loop.request(again)) }
        try await Volumes.close(second)

        let readOnly = try await loop.volumes().open(loop.request(again, flags: ["ro"]))
        #expect(throws: (any Error).self) { try Data().write(to: URL(filePath: readOnly.mountPoint + "/new")) }
        try await Volumes.close(readOnly)

        for key in ["kbs:///default/volume/2", "kbs:///default/volume/missing"] {
            await #expect(throws: GuestError.self) {
                try await loop.volumes().open(loop.request(again.merging(["key": key]) { $1 }))
            }
        }
        if integrity == "false" {
            let error = await #expect(throws: GuestError.self) {
                try await loop.volumes().open(loop.request(again.merging(["dataIntegrity": "true"]) { $1 }))
            }
            #expect(error?.code == .volumeRefused)
        }
        #expect(Loop.mapped.isEmpty)
    }

    @Test("A59: with integrity, data that were changed on the disk are not read")
    func changedData() async throws {
        let loop = try Loop()
        let wish =
            ["key": "kbs:///default/volume/1", "targetType": "device", "filesystemType": nil] as [String: String?]
        let first = try await loop.volumes().open(loop.request(wish, flags: []))
        let device = BlockDevice(file: first.mountPoint)
        let content = [UInt8](repeating: 0x42, count: 1 << 20)
        try device.write(content)
        try await Volumes.close(first)

        // All of the disk behind the header and dm-integrity's own first sectors gets one bit flipped in each sector.
        let disk = BlockDevice(file: loop.disk)
        var bytes = try disk.head(Loop.size)
        for place in stride(from: (17 << 20) + 100, to: bytes.count, by: 4096) { bytes[place] ^= 1 }
        try disk.write(bytes)
        let second = try await loop.volumes().open(
            loop.request(wish.merging(["sourceType": "encrypted"]) { $1 }))
        var read: [UInt8]?
        do throws(GuestError) { read = try BlockDevice(file: second.mountPoint).head(1 << 20) } catch { read = nil }
        #expect(read == nil)
        try await Volumes.close(second)
    }

    @Test("GC 9.G.74: a link to the opened device in place of a file system")
    func deviceTarget() async throws {
        let loop = try Loop()
        var request = try loop.request(["targetType": "device", "filesystemType": nil, "mapperName": "bare"])
        request.mountPoint = loop.folder + "/link"
        let opened = try await loop.volumes().open(request)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: request.mountPoint) == "/dev/mapper/bare")
        try await Volumes.close(opened)
        #expect(!FileManager.default.fileExists(atPath: request.mountPoint))
        #expect(Loop.mapped.isEmpty)
    }

    @Test("GC 9.G.74: the program formats a blank device once for a pod, opens it afterwards, and closes it")
    func program() async throws {
        let loop = try Loop()
        let program = try #require(BuiltProgram("attestation-agent"))
        let key = loop.folder + "/key"
        try Data("from a file".utf8).write(to: URL(filePath: key))
        let mount = loop.folder + "/mount"
        let open = [
            "volume", "open", "--device", loop.device, "--key", "file://" + key, "--mount", mount, "--name", "pod",
            "--integrity", "--allow-sample", "--volume-header-folder", loop.folder + "/headers", "--log-level", "error",
        ]
        let close = ["volume", "close", "pod", "--mount", mount]
        let unformatted = try await program.run(open)
        #expect(await unformatted.status() == 1)
        #expect(unformatted.errorText.contains("volume_refused"), "\(unformatted.errorText)")
        for content in ["", "kept"] {
            let opened = try await program.run(open + ["--format-blank"])
            #expect(await opened.status() == 0, "\(opened.errorText)")
            #expect(opened.outputText == "pod\n")
            #expect(((try? String(contentsOfFile: mount + "/file", encoding: .utf8)) ?? "") == content)
            try Data("kept".utf8).write(to: URL(filePath: mount + "/file"))
            let closed = try await program.run(close)
            #expect(await closed.status() == 0, "\(closed.errorText)")
            #expect(Loop.mapped.isEmpty)
        }
        try Data("another".utf8).write(to: URL(filePath: key))
        let refused = try await program.run(open + ["--format-blank"])
        #expect(await refused.status() == 1)
        #expect(!refused.errorText.contains("another"))
        let ephemeral = try await program.run(
            open.filter { $0 != "--key" && $0 != "file://" + key } + ["--format-blank"])
        #expect(await ephemeral.status() == 1, "a device that is not blank is formatted by nobody")
    }

    @Test("GC 9.G.74: a step that fails leaves nothing open, mounted or linked")
    func failures() async throws {
        let loop = try Loop()
        let file = loop.folder + "/file"
        try Data().write(to: URL(filePath: file))
        // The mount point is a file; the link's place is taken; mkfs refuses its arguments.
        var onFile = try loop.request()
        onFile.mountPoint = file
        var onLink = try loop.request(["targetType": "device", "filesystemType": nil])
        onLink.mountPoint = file
        for request in [onFile, onLink, try loop.request(["mkfsOpts": "-I 3"])] {
            let error = await #expect(throws: GuestError.self) { try await loop.volumes().open(request) }
            #expect(error?.code == .volume)
            #expect(Loop.mapped.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: loop.folder + "/headers").isEmpty)
        }
    }

    @Test("GC 9.G.74: a device in use and a mapper name that is taken are refused, and what uses them goes on")
    func inUse() async throws {
        let (loop, other) = (try Loop(), try Loop())
        let opened = try await loop.volumes().open(loop.request(["mapperName": "taken"]))
        try Data("here".utf8).write(to: URL(filePath: opened.mountPoint + "/file"))
        let second = await #expect(throws: GuestError.self) { try await loop.volumes().open(loop.request()) }
        #expect(second?.message.contains("in use") == true)
        let third = await #expect(throws: GuestError.self) {
            try await other.volumes().open(other.request(["mapperName": "taken"]))
        }
        #expect(third?.message.contains("mapperName") == true)
        #expect(try String(contentsOfFile: opened.mountPoint + "/file", encoding: .utf8) == "here")
        try await Volumes.close(opened)
        #expect(Loop.mapped.isEmpty)
    }
}

@Suite(
    "Volumes in a kernel of their own", .timeLimit(.minutes(10)),
    .enabled(
        if: !VolumeMachine.hasDeviceMapper && UserModeLinux.isAvailable && VolumeMachine.hasCryptsetup,
        "the kernel here can do it itself, or user-mode-linux and cryptsetup are not installed"))
struct VolumeKernelTests {
    @Test("GC 9.G.73: all tests of volumes on a device pass in user-mode Linux, where this machine's kernel cannot")
    func userModeLinux() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "uml-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
        let log = folder.appending(path: "log").path
        let outcome = try await UserModeLinux.run(
            "cd '\(FileManager.default.currentDirectoryPath)' && '\(program)' --testing-library swift-testing --filter VolumeDeviceTests >'\(log)' 2>&1",
            in: folder)
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        #expect(outcome.status == 0, "\(text.suffix(6000))\n\(outcome.console.suffix(2000))")
        #expect(text.contains("Test run with 7 tests"), "\(text.suffix(2000))")
        #expect(!text.contains("skipped"), "\(text.suffix(2000))")
    }
}
