import Encodings
import Foundation
import Testing

@testable import Guest

@Suite("Requests for volumes", .timeLimit(.minutes(5)))
struct VolumeRequestTests {
    /// What kata asks for.
    static let kata = [
        "deviceId": "7:0", "sourceType": "empty", "encryptionType": "luks2", "targetType": "fileSystem",
        "filesystemType": "ext4", "dataIntegrity": "true",
    ]

    static func request(
        _ changes: [String: String?] = [:], type: String = "block-device", flags: [String] = [],
        mountPoint: String = "/run/kata-containers/image/"
    ) throws(GuestError) -> VolumeRequest {
        var options = kata
        for (name, value) in changes { options[name] = value }
        return try VolumeRequest(volumeType: type, options: options, flags: flags, mountPoint: mountPoint)
    }

    static func refusal(
        _ changes: [String: String?] = [:], type: String = "block-device", flags: [String] = [],
        mountPoint: String = "/m"
    ) -> GuestError? {
        do throws(GuestError) {
            _ = try request(changes, type: type, flags: flags, mountPoint: mountPoint)
            return nil
        } catch {
            return error
        }
    }

    @Test("GC 9.G.74: kata's request is read; deviceId wins over devicePath")
    func kata() throws {
        let request = try Self.request(["devicePath": "/dev/wrong", "mkfsOpts": "-m 0 -L data -O^has_journal"])
        #expect(request.device == .number(7, 0))
        #expect(request.source == .empty && request.target == .fileSystem && request.integrity && request.key == nil)
        #expect(request.fileSystemArguments == ["-m", "0", "-L", "data", "-O^has_journal"])
        #expect(try Self.request(["deviceId": nil, "devicePath": "/dev/x"]).device == .path("/dev/x"))
        #expect(try !Self.request(["dataIntegrity": nil]).integrity)
        #expect(try !Self.request(["dataIntegrity": "false"]).integrity)
    }

    @Test("GC 9.G.74: keys are named as in the reference; the broker is the configured one, whatever the URI says")
    func keys() throws {
        let named = try ["sealed.a.b.c", "kbs://host:1/a/b/c", "kbs+pkcs11:///x/y", "file:///etc/key"].map {
            try Self.request(["key": $0]).key
        }
        #expect(named[0] == .sealed("sealed.a.b.c"))
        #expect(named[1] == .resource(try .init("kbs:///a/b/c")))
        #expect(named[2] == .resource(try .init("kbs+pkcs11:///x/y")))
        #expect(named[3] == .file("/etc/key"))
        for text in ["", "secret", "file://relative", "kbs:///", "kbs+:///a/b/c", "http:///a/b/c"] {
            let error = try #require(Self.refusal(["key": text]))
            #expect(error.code == .invalidRequest && error.message.contains("option key"))
            #expect(text.isEmpty || text.hasPrefix("kbs") || !error.message.contains(text))
        }
    }

    @Test(
        "GC 9.G.74: an option that is missing, wrong or not known is named",
        arguments: [
            ("sourceType", nil), ("sourceType", "full"), ("encryptionType", nil), ("encryptionType", "luks1"),
            ("targetType", nil), ("targetType", "filesystem"), ("filesystemType", "xfs"), ("dataIntegrity", "yes"),
            ("dataIntegrity", ""), ("deviceId", "7"), ("deviceId", "7:0:0"), ("deviceId", "-1:0"),
            ("deviceId", "7:0x1"), ("deviceId", "4294967296:0"), ("deviceId", "../7:0"), ("deviceId", nil),
            ("mapperName", "../x"), ("mapperName", ""), ("mapperName", "control"), ("mapperName", "-x"),
            ("mkfsOpts", "/dev/sda"), ("mkfsOpts", "-L a b"), ("mkfsOpts", "-d /etc"), ("mkfsOpts", "-F"),
            ("mkfsOpts", "-l/etc/list"), ("mkfsOpts", "-T a/b"), ("mkfsOpts", "-m"), ("mkfsOpts", "-L -E"),
            ("mkfsOpts", "-E root_owner=0:0"), ("mkfsOpts", "-Estride=1,offset=4096"), ("mkfsOpts", "--"),
            ("encryptKey", "x"),
        ] as [(String, String?)])
    func wrongOptions(name: String, value: String?) throws {
        let error = try #require(Self.refusal([name: value]))
        #expect(error.code == .invalidRequest)
        #expect(error.message.contains(name), "\(error)")
    }

    @Test("GC 9.G.74: zfs and object storage are refused as unsupported, not as misspelt")
    func unsupported() throws {
        #expect(Self.refusal(["encryptionType": "zfs"])?.code == .unsupported)
        #expect(Self.refusal(type: "alibaba-cloud-oss")?.code == .unsupported)
        #expect(Self.refusal(type: "nfs")?.code == .invalidRequest)
    }

    @Test("a volume that exists has a key; mount points and flags that make no sense are refused")
    func consistency() throws {
        #expect(Self.refusal(["sourceType": "encrypted"])?.message.contains("key") == true)
        #expect(
            Self.refusal(["sourceType": "encrypted", "key": "file:///k", "mkfsOpts": "-m 0"])?.message.contains(
                "mkfsOpts") == true)
        for path in ["", "/", "relative", "/a/../etc"] { #expect(Self.refusal(mountPoint: path) != nil, "\(path)") }
        #expect(Self.refusal(flags: ["ro,noatime", "nosuid"]) == nil)
        #expect(Self.refusal(flags: ["bind"])?.message.contains("bind") == true)
        #expect(try MountFlags(["ro,nosuid"]).value == 3)
        #expect(try MountFlags(["noatime,ro"]).isReadOnly && !MountFlags(["noatime"]).isReadOnly)
    }

    @Test("GC 9.G.72: a device number leads to the device's path, by the name that the kernel gives it")
    func deviceNumber() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "sys-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        var settings = VolumeSettings()
        settings.systemFolder = root.path + "/sys"
        settings.deviceFolder = root.path + "/dev"
        settings.acceptsFiles = true
        func describe(_ number: String, _ text: String) throws {
            let folder = URL(filePath: settings.systemFolder + "/dev/block/\(number)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: folder.appending(path: "uevent"))
        }
        try FileManager.default.createDirectory(
            at: URL(filePath: settings.deviceFolder), withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: settings.deviceFolder + "/sdb1"))
        try describe("8:17", "MAJOR=8\nMINOR=17\nDEVNAME=sdb1\nDEVTYPE=partition\n")
        try describe("8:18", "MAJOR=8\n")
        try describe("8:19", "DEVNAME=../../etc/passwd\n")
        #expect(try BlockDevice(.number(8, 17), settings).path.hasSuffix("/dev/sdb1"))
        for minor: UInt32 in [18, 19, 20] {
            #expect(throws: GuestError.self) { try BlockDevice(.number(8, minor), settings) }
        }
        // What is no block device is none, in life.
        settings.acceptsFiles = false
        #expect(throws: GuestError.self) { try BlockDevice(.number(8, 17), settings) }
        #expect(throws: GuestError.self) { try BlockDevice(.path("/dev/null"), settings) }
    }

    @Test("GC 9.G.74: with integrity, inode tables are written at once, beside what the caller asks for")
    func lazyTables() throws {
        #expect(try Ext4.writingEverything([]) == ["-E", "lazy_itable_init=0"])
        #expect(try Ext4.writingEverything(["-m", "0"]) == ["-m", "0", "-E", "lazy_itable_init=0"])
        #expect(try Ext4.writingEverything(["-E", "nodiscard"]) == ["-E", "nodiscard,lazy_itable_init=0"])
        #expect(try Ext4.writingEverything(["-Enodiscard"]) == ["-Enodiscard,lazy_itable_init=0"])
        #expect(try Ext4.writingEverything(["-E", "lazy_itable_init=0"]) == ["-E", "lazy_itable_init=0"])
        #expect(throws: GuestError.self) { try Ext4.writingEverything(["-E", "lazy_itable_init=1"]) }
        #expect(throws: GuestError.self) { try Ext4.writingEverything(["-E", "lazy_itable_init"]) }
        let plan = """
            Creating filesystem with 4000000 4k blocks and 1001712 inodes
            Superblock backups stored on blocks:\u{20}
            \t32768, 98304, 163840,\u{20}
            \t229376

            Allocating group tables: 12
            """
        #expect(Ext4.superblockCopies(plan) == [32768, 98304, 163840, 229376])
        #expect(Ext4.superblockCopies("").isEmpty)
    }
}
