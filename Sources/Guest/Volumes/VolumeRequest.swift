import Encodings

/// What a caller of SecureMount asks for, checked: the reference's `block-device` with its options.
public struct VolumeRequest: Sendable, Hashable {
    /// How the device is named.
    public enum Device: Sendable, Hashable {
        /// By major and minor number.
        case number(UInt32, UInt32)
        /// By path.
        case path(String)
    }

    /// What is on the device.
    public enum Source: String, Sendable, Hashable {
        /// Nothing that counts: it is formatted.
        case empty
        /// A volume that was formatted before.
        case encrypted
    }

    /// What is wanted at the mount point.
    public enum Target: String, Sendable, Hashable {
        /// A symbolic link to the opened device.
        case device
        /// The mounted file system.
        case fileSystem
    }

    /// The device.
    public var device: Device
    /// What is on it.
    public var source: Source
    /// Where its key comes from; nil for a random one that nobody ever knows.
    public var key: VolumeKeyName?
    /// What is wanted.
    public var target: Target
    /// Further arguments of mkfs.ext4.
    public var fileSystemArguments: [String] = []
    /// Whether each sector is to be authenticated.
    public var integrity = false
    /// The name below /dev/mapper; nil for a random one.
    public var mapperName: String?
    /// Where the volume appears.
    public var mountPoint: String
    /// How it is mounted, such as `ro` or `noatime`.
    public var flags: [String] = []

    /// A request from its parts.
    public init(device: Device, source: Source, key: VolumeKeyName?, target: Target, mountPoint: String) {
        self.device = device
        self.source = source
        self.key = key
        self.target = target
        self.mountPoint = mountPoint
    }

    private static let names: Set<String> = [
        "deviceId", "devicePath", "sourceType", "encryptionType", "key", "targetType", "filesystemType", "mkfsOpts",
        "dataIntegrity", "mapperName",
    ]

    /// Reads a call of SecureMount. All values are texts.
    ///
    /// - Throws: `GuestError` with `unsupported` for what this agent does not do, and with `invalid_request`, naming the
    ///   option, for what makes no sense.
    public init(
        volumeType: String, options: [String: String], flags: [String], mountPoint: String
    ) throws(GuestError) {
        switch volumeType {
        case "block-device": break
        case "alibaba-cloud-oss":
            throw GuestError(.unsupported, "Volumes of type alibaba-cloud-oss are not mounted; block-device is.")
        default: throw Self.invalid("The volume type \(volumeType.prefix(40).printable) is not known; block-device is.")
        }
        for name in options.keys.sorted() where !Self.names.contains(name) {
            throw Self.invalid("The option \(name.prefix(40).printable) is not known, and ignoring it could be wrong.")
        }
        switch options["encryptionType"] {
        case "luks2": break
        case "zfs": throw GuestError(.unsupported, "encryptionType zfs is not supported; luks2 is.")
        default: throw Self.wrong("encryptionType", options, "luks2")
        }
        guard let source = Source(rawValue: options["sourceType"] ?? "") else {
            throw Self.wrong("sourceType", options, "empty or encrypted")
        }
        guard let target = Target(rawValue: options["targetType"] ?? "") else {
            throw Self.wrong("targetType", options, "device or fileSystem")
        }
        guard ["ext4", nil].contains(options["filesystemType"]) else {
            throw Self.wrong("filesystemType", options, "ext4")
        }
        self.init(
            device: try Self.device(options), source: source, key: try options["key"].map(VolumeKeyName.init(_:)),
            target: target, mountPoint: mountPoint)
        self.flags = flags
        switch options["dataIntegrity"] {
        case "true": integrity = true
        case "false", nil: integrity = false
        default: throw Self.wrong("dataIntegrity", options, "true or false")
        }
        mapperName = options["mapperName"]
        fileSystemArguments = (options["mkfsOpts"] ?? "").split(separator: " ").map(String.init)
        try check()
    }

    /// Checks what no type does.
    ///
    /// - Throws: `GuestError` with `invalid_request`, naming the option.
    public func check() throws(GuestError) {
        if source == .encrypted, key == nil {
            throw Self.invalid("The option key is missing: a volume with sourceType encrypted has a key already.")
        }
        if let mapperName, !Self.isMapperName(mapperName) {
            throw Self.invalid("The option mapperName is no name for a mapped device.")
        }
        guard mountPoint.hasPrefix("/"), mountPoint.utf8.count <= 4000, !mountPoint.utf8.contains(0),
            !mountPoint.split(separator: "/").contains(".."), mountPoint != "/"
        else { throw Self.invalid("The mount point is no absolute path below /.") }
        if !fileSystemArguments.isEmpty, target != .fileSystem || source != .empty {
            throw Self.invalid("The option mkfsOpts is for sourceType empty and targetType fileSystem only.")
        }
        try Ext4Arguments.check(fileSystemArguments)
        _ = try MountFlags(flags)
    }

    private static func device(_ options: [String: String]) throws(GuestError) -> Device {
        if let text = options["deviceId"] {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            let isPlain = text.utf8.allSatisfy { (0x30...0x3A).contains($0) }
            guard parts.count == 2, isPlain, let major = UInt32(parts[0]), let minor = UInt32(parts[1]),
                major < 4096, minor < 1 << 20
            else { throw wrong("deviceId", options, "MAJOR:MINOR") }
            return .number(major, minor)
        }
        guard let path = options["devicePath"] else {
            throw invalid("One of the options deviceId and devicePath is needed.")
        }
        guard path.hasPrefix("/"), path.utf8.count <= 4000, !path.utf8.contains(0) else {
            throw wrong("devicePath", options, "an absolute path")
        }
        return .path(path)
    }

    private static func isMapperName(_ name: String) -> Bool {
        let isPermitted = { (byte: UInt8) in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        // cryptsetup names the integrity device beneath by a suffix; device mapper's limit is 127 bytes.
        return (1...100).contains(name.utf8.count) && name.utf8.allSatisfy(isPermitted) && !name.hasPrefix("-")
            && !name.hasPrefix(".") && name != "control"
    }

    private static func wrong(_ name: String, _ options: [String: String], _ wanted: String) -> GuestError {
        guard let value = options[name] else { return invalid("The option \(name) is missing; it is \(wanted).") }
        return invalid("The option \(name) is \(value.prefix(40).printable); it has to be \(wanted).")
    }

    static func invalid(_ message: String) -> GuestError { GuestError(.invalidRequest, message) }
}
