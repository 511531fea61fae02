import Encodings
import Foundation
import GuestTestSupport
import Processes
import Testing

@testable import Guest

/// cryptsetup on plain files, which needs neither root's rights over devices nor device mapper.
@Suite(
    "LUKS2 by cryptsetup, on plain files", .serialized, .timeLimit(.minutes(5)),
    .enabled(
        if: VolumeMachine.hasCryptsetup, "cryptsetup is not installed (scripts/setup.sh does), or /dev/shm is no tmpfs")
)
struct CryptsetupTests {
    private static let key = SecretBytes(Array("test".utf8))

    /// A blank disk, as a file.
    private final class Disk {
        let folder = "/dev/shm/volumes-\(UUID().uuidString.prefix(8))"
        let path: String
        let device: BlockDevice
        var settings = VolumeSettings()

        init() throws {
            path = folder + "/disk"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: path))
            truncate(path, 48 << 20)
            settings.acceptsFiles = true
            settings.headerFolder = folder + "/headers"
            device = try BlockDevice(.path(path), settings)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func volumes() -> Volumes { Volumes(keys: VolumeKeys(KeyStore()), settings: settings) }

        func request(_ source: VolumeRequest.Source, key: Bool = true) throws -> VolumeRequest {
            VolumeRequest(
                device: .path(path), source: source, key: key ? .file("/unused") : nil, target: .device,
                mountPoint: folder + "/link")
        }

        func format(key: Bool = true) async throws {
            let file = try HeaderFile(for: device.path, in: settings.headerFolder)
            defer { file.remove() }
            let header = try await volumes().format(device, file, request(.empty, key: key), CryptsetupTests.key)
            // A failure before this leaves the device as blank as it was.
            #expect(try device.head(16 << 20).allSatisfy { $0 == 0 })
            #expect((header != nil) == key)
            if let header { try device.write(header) }
        }

        /// Checks the header as for opening, and has cryptsetup try the key on what was checked.
        func open(_ key: SecretBytes = CryptsetupTests.key) async throws {
            let file = try HeaderFile(for: device.path, in: settings.headerFolder)
            defer { file.remove() }
            try volumes().check(device, file, request(.encrypted), key)
            try await Cryptsetup.test(device.path, header: file.path, key: key)
        }

        func code(_ key: SecretBytes = CryptsetupTests.key) async -> GuestError.Code? {
            do {
                try await open(key)
                return nil
            } catch {
                return (error as? GuestError)?.code
            }
        }

        /// cryptsetup by hand, as an administrator or an attacker would.
        func cryptsetup(_ arguments: [String], _ input: String = "test") throws -> FinishedProcess {
            try Array(input.utf8).withUnsafeBytes {
                try ChildProcess(path: "/usr/sbin/cryptsetup", arguments: ["--batch-mode"] + arguments)
                    .runCapturing(feeding: $0)
            }
        }
    }

    private static let quick = ["--pbkdf", "argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "32768"]

    @Test(
        "GC 9.G.73: a volume formatted with a key lies complete on the device; cryptsetup itself opens it with that key"
    )
    func format() async throws {
        let disk = try Disk()
        #expect(try disk.volumes().isBlank(.path(disk.path)))
        try await disk.format()
        #expect(try !disk.volumes().isBlank(.path(disk.path)))
        #expect(await disk.code() == nil)
        let plain = try disk.cryptsetup(["open", "--test-passphrase", "--key-file", "-", disk.path])
        #expect(plain.status == 0, "\(String(decoding: plain.output, as: UTF8.self))")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.folder + "/headers").isEmpty)
    }

    @Test("GC 9.G.73: the key's bytes count as they are: with a line end it is another key")
    func lineEnd() async throws {
        let disk = try Disk()
        try await disk.format()
        #expect(await disk.code(SecretBytes(Array("test\n".utf8))) == .volumeRefused)
        disk.settings.allowUnsealed = true
        #expect(await disk.code(SecretBytes(Array("test\n".utf8))) == .volumeRefused)
    }

    @Test("A59: a volume with an ephemeral key leaves no header on the device")
    func ephemeral() async throws {
        let disk = try Disk()
        try await disk.format(key: false)
        #expect(try disk.device.head(16 << 20).allSatisfy { $0 == 0 })
        #expect(await disk.code() == .volumeRefused)
    }

    @Test("GC 9.G.74: a volume that cryptsetup formatted is opened only where unsealed ones are allowed")
    func preEncrypted() async throws {
        let disk = try Disk()
        let format = ["luksFormat", "--type", "luks2", "--cipher", "aes-xts-plain64", "--sector-size", "4096"]
        #expect(try disk.cryptsetup(format + Self.quick + [disk.path, "-"]).status == 0)
        #expect(await disk.code() == .volumeRefused)
        disk.settings.allowUnsealed = true
        #expect(await disk.code() == nil)
        #expect(await disk.code(SecretBytes(Array("wrong".utf8))) == .undecryptable)
    }

    @Test(
        "A59: a second key, a token and a flag that somebody adds with cryptsetup are refused",
        arguments: [false, true])
    func changedByTool(allowUnsealed: Bool) async throws {
        let disk = try Disk()
        disk.settings.allowUnsealed = allowUnsealed
        try await disk.format()
        let good = try disk.device.head(16 << 20)
        let key = disk.folder + "/key"
        try Data("test".utf8).write(to: URL(filePath: key))
        let changes = [
            (["luksAddKey", "--key-file", key] + Self.quick + [disk.path, "-"], "second"),
            (["token", "import", "--json-file", "-", disk.path], #"{"type":"x","keyslots":[]}"#),
            (["config", "--label", "mine", disk.path], ""),
            (["luksUUID", "--uuid", "11111111-2222-4333-8444-555555555555", disk.path], ""),
        ]
        for (arguments, input) in changes {
            try disk.device.write(good)
            #expect(await disk.code() == nil)
            let outcome = try disk.cryptsetup(arguments, input)
            #expect(outcome.status == 0, "\(arguments): \(String(decoding: outcome.output, as: UTF8.self))")
            #expect(await disk.code() == .volumeRefused, "\(arguments)")
        }
    }

    @Test(
        "A59: a header with null ciphers, which cryptsetup takes for a volume, is refused before cryptsetup is to open it"
    )
    func nullCipher() async throws {
        let disk = try Disk()
        disk.settings.allowUnsealed = true
        try await disk.format()
        var forged = ForgedHeader(try LUKSHeader(parsing: disk.device.head(32_768)).metadata)
        forged.set("/tokens", .object(JSONObject()))
        forged.set("/keyslots/0/area/encryption", "cipher_null-ecb")
        forged.set("/segments/0/encryption", "cipher_null-ecb")
        try disk.device.write(forged.bytes)
        let known = try disk.cryptsetup(["isLuks", "--type", "luks2", disk.path])
        #expect(known.status == 0, "cryptsetup takes it for a volume")
        let error = await #expect(throws: GuestError.self) { try await disk.open() }
        #expect(error?.code == .volumeRefused && error?.message.contains("cipher_null") == true)
    }

    @Test("A59: what the disk says after the check is not what is opened")
    func changedAfterCheck() async throws {
        let disk = try Disk()
        try await disk.format()
        let file = try HeaderFile(for: disk.device.path, in: disk.settings.headerFolder)
        defer { file.remove() }
        try disk.volumes().check(disk.device, file, disk.request(.encrypted), Self.key)
        try disk.device.write([UInt8](repeating: 0, count: 16 << 20))
        try await Cryptsetup.test(disk.device.path, header: file.path, key: Self.key)
    }

    @Test("GC 9.G.73: a device without a header, or with half of one, is refused")
    func noHeader() async throws {
        let disk = try Disk()
        #expect(await disk.code() == .volumeRefused)
        try await disk.format()
        let head = try disk.device.head(4096)
        try disk.device.write([UInt8](repeating: 0, count: 16 << 20))
        try disk.device.write(head)
        #expect(await disk.code() == .volumeRefused)
        truncate(disk.path, 20_000)
        #expect(await disk.code() == .volumeRefused)
    }

    @Test("a key that is empty or too large for a key, or that nobody can open, is refused")
    func keys() async throws {
        let store = KeyStore(["a/b/c": [], "a/b/d": [UInt8](repeating: 1, count: 40_000), "a/b/e": [7]])
        let keys = VolumeKeys(store)
        for name in ["kbs:///a/b/c", "kbs:///a/b/d", "kbs:///a/b/x", "sealed.a.b.c", "file:///nonexistent"] {
            await #expect(throws: GuestError.self, "\(name)") { try await keys.key(VolumeKeyName(name)) }
        }
        #expect(try await keys.key(VolumeKeyName("kbs://elsewhere/a/b/e")).copyBytes() == [7])
        let sealed = VolumeKeys(store) { (text) throws(GuestError) in SecretBytes(Array(text.utf8.reversed())) }
        #expect(try await sealed.key(VolumeKeyName("sealed.abc")).count == 10)
        let (first, second) = (try await keys.key(nil), try await keys.key(nil))
        #expect(first.count == 4096 && first != second)
    }
}
