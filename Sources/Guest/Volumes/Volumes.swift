import Encodings
import Glibc

/// Makes, opens and closes encrypted volumes: LUKS2, by the system's cryptsetup.
///
/// A step that fails undoes the steps before it: nothing stays open, mounted or linked.
public struct Volumes: Sendable {
    /// An opened volume.
    public struct Opened: Sendable, Hashable {
        /// Its name below /dev/mapper.
        public let mapperName: String
        /// Where it appears.
        public let mountPoint: String
        /// What is there.
        public let target: VolumeRequest.Target

        /// A volume that was opened earlier, perhaps by another process.
        public init(mapperName: String, mountPoint: String, target: VolumeRequest.Target) {
            self.mapperName = mapperName
            self.mountPoint = mountPoint
            self.target = target
        }
    }

    /// Where the data of a new volume begin behind its header, in bytes.
    private static let dataOffset = HeaderFile.size

    private let keys: VolumeKeys
    private let settings: VolumeSettings

    /// Volumes with keys from `keys`.
    public init(keys: VolumeKeys, settings: VolumeSettings = VolumeSettings()) {
        self.keys = keys
        self.settings = settings
    }

    /// Opens a volume, after it was formatted if it is to be, and mounts or links it.
    ///
    /// - Throws: `GuestError`; `volume_refused` when the header on the device is not to be trusted.
    @discardableResult
    public func open(_ request: VolumeRequest) async throws(GuestError) -> Opened {
        try request.check()
        let device = try BlockDevice(request.device, settings)
        try device.requireUnused()
        let name = request.mapperName ?? "claviger-" + Hex.encode(SecretBytes.random(count: 16).copyBytes())
        let mapped = settings.deviceFolder + "/mapper/" + name
        guard access(mapped, F_OK) != 0 else {
            throw GuestError(.volume, "The option mapperName is \(name), which is taken.")
        }
        let key = try await keys.key(request.key)
        let header = try await unlock(device, request, name, key)
        do throws(GuestError) {
            try await makeFileSystem(mapped, request)
            if let header { try Self.store(header, on: device) }
        } catch {
            throw await Self.closing(name, after: error)
        }
        do throws(GuestError) {
            try publish(mapped, request)
        } catch {
            if let header { try? Self.wipe(header.count, of: device) }
            throw await Self.closing(name, after: error)
        }
        return Opened(mapperName: name, mountPoint: request.mountPoint, target: request.target)
    }

    /// Closes what a failed step leaves open.
    private static func closing(_ name: String, after error: GuestError) async -> GuestError {
        do throws(GuestError) {
            try await Cryptsetup.close(name)
            return error
        } catch {
            return error.adding("The mapping \(name) is still open.")
        }
    }

    /// Puts a header on the device, or leaves none there.
    private static func store(_ header: [UInt8], on device: BlockDevice) throws(GuestError) {
        do throws(GuestError) {
            try device.write(header)
        } catch {
            try? wipe(header.count, of: device)
            throw error
        }
    }

    private static func wipe(_ count: Int, of device: BlockDevice) throws(GuestError) {
        try device.write([UInt8](repeating: 0, count: count))
    }

    /// Formats or checks the volume, and leaves it open below /dev/mapper.
    ///
    /// - Returns: the header of a new volume that the device is to have once the volume is complete.
    private func unlock(
        _ device: BlockDevice, _ request: VolumeRequest, _ name: String, _ key: SecretBytes
    ) async throws(GuestError) -> [UInt8]? {
        let file = try HeaderFile(for: device.path, in: settings.headerFolder)
        defer { file.remove() }
        var header: [UInt8]?
        switch request.source {
        case .empty: header = try await format(device, file, request, key)
        case .encrypted: try check(device, file, request, key)
        }
        // What is lost in a crash was lost with the key anyway.
        let needsJournal = request.key != nil
        try await Cryptsetup.open(
            device.path, header: try file.checkedPath(), name: name, journal: needsJournal,
            readOnly: try MountFlags(request.flags).isReadOnly && request.source == .encrypted, key: key)
        return header
    }

    func check(
        _ device: BlockDevice, _ file: HeaderFile, _ request: VolumeRequest, _ key: SecretBytes
    ) throws(GuestError) {
        let header = try VolumeHeader(on: device)
        try header.require(integrity: request.integrity)
        try header.requireSeal(key, allowUnsealed: settings.allowUnsealed)
        try file.write(header.area)
    }

    /// Formats in memory. The header of a volume whose key nobody will know again never reaches the device; another one is
    /// sealed, and belongs there when the volume is complete: a device with half a volume looks as blank as before.
    ///
    /// - Returns: the sealed header; nil where the device gets none.
    func format(
        _ device: BlockDevice, _ file: HeaderFile, _ request: VolumeRequest, _ key: SecretBytes
    ) async throws(GuestError) -> [UInt8]? {
        let isPersistent = request.key != nil
        try await Cryptsetup.format(
            device.path, header: try file.checkedPath(), dataOffset: isPersistent ? Self.dataOffset : 0,
            integrity: request.integrity, key: key)
        let header = try VolumeHeader(file.read())
        try header.require(integrity: request.integrity)
        guard isPersistent else { return nil }
        try await Cryptsetup.importToken(try header.seal(key).token, header: file.checkedPath())
        let bytes = try file.read()
        try VolumeHeader(bytes).requireSeal(key, allowUnsealed: false)
        return bytes
    }

    private func makeFileSystem(_ mapped: String, _ request: VolumeRequest) async throws(GuestError) {
        guard request.source == .empty, request.target == .fileSystem else { return }
        try await Ext4.make(on: mapped, arguments: request.fileSystemArguments, integrity: request.integrity)
    }

    private func publish(_ mapped: String, _ request: VolumeRequest) throws(GuestError) {
        switch request.target {
        case .device:
            guard symlink(mapped, request.mountPoint) == 0 else {
                throw GuestError(
                    .volume, "\(request.mountPoint) cannot be made a link: \(String(cString: strerror(errno))).")
            }
        case .fileSystem:
            var flags = try MountFlags(request.flags)
            flags.addNoAccessTimes()
            try Ext4.mount(mapped, at: request.mountPoint, flags)
        }
    }

    /// Unmounts or unlinks a volume and closes it.
    ///
    /// - Throws: `GuestError`; nothing is closed that could not be unmounted.
    public static func close(_ volume: Opened) async throws(GuestError) {
        switch volume.target {
        case .device:
            guard unlink(volume.mountPoint) == 0 || errno == ENOENT else {
                throw GuestError(
                    .volume, "The link \(volume.mountPoint) stays: \(String(cString: strerror(errno))).")
            }
        case .fileSystem:
            try Ext4.unmount(volume.mountPoint)
        }
        try await Cryptsetup.close(volume.mapperName)
    }

    /// Whether a device has nothing at its start, as a disk that was never used.
    ///
    /// - Throws: `GuestError` when it cannot be read.
    public func isBlank(_ name: VolumeRequest.Device) throws(GuestError) -> Bool {
        try BlockDevice(name, settings).head(1 << 20).allSatisfy { $0 == 0 }
    }
}
