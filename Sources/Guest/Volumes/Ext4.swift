import Encodings
import Glibc

/// Makes and mounts ext4 on an opened volume.
enum Ext4 {
    private static let blockSize = 4096
    /// Where programs look for signs of an older file system, at both ends of a device.
    private static let probedSize = 4 << 20

    /// Makes a file system.
    ///
    /// On a new volume with integrity no sector has a valid code before it was written once, so mkfs must not read before it
    /// writes, and must write all that the kernel will read.
    static func make(on device: String, arguments: [String], integrity: Bool) async throws(GuestError) {
        var arguments = arguments
        if integrity {
            try await prepare(device, arguments)
            arguments = try writingEverything(arguments)
        }
        try await mkfs(["-q", "-F"] + arguments + [device], device)
    }

    /// Adds the demand that inode tables are written at once to whatever the caller demands.
    static func writingEverything(_ arguments: [String]) throws(GuestError) -> [String] {
        var result = arguments
        for (index, argument) in arguments.enumerated() {
            let inline = argument.hasPrefix("-E") && argument != "-E"
            guard argument == "-E" && index + 1 < arguments.count || inline else { continue }
            let place = inline ? index : index + 1
            if result[place].contains("lazy_itable_init=0") { return result }
            guard !result[place].contains("lazy_itable_init") else {
                throw VolumeRequest.invalid(
                    "The option mkfsOpts asks for lazy_itable_init, which a volume with dataIntegrity cannot have.")
            }
            result[place] += ",lazy_itable_init=0"
            return result
        }
        return result + ["-E", "lazy_itable_init=0"]
    }

    /// Writes zeros where mkfs will read: both ends of the device, and the places of the superblock's copies.
    private static func prepare(_ path: String, _ arguments: [String]) async throws(GuestError) {
        let device = BlockDevice(file: path)
        let size = try device.size() / blockSize * blockSize
        let zeros = [UInt8](repeating: 0, count: min(probedSize, size))
        try device.write(zeros)
        try device.write(zeros, at: size - zeros.count)
        let plan = try await mkfs(["-n", "-F"] + arguments + [path], path)
        let block = [UInt8](repeating: 0, count: blockSize)
        for copy in superblockCopies(plan) {
            let (offset, isTooLarge) = copy.multipliedReportingOverflow(by: blockSize)
            guard !isTooLarge, offset <= size - blockSize else { continue }
            try device.write(block, at: offset)
        }
    }

    /// The block numbers that mkfs names behind "Superblock backups stored on blocks:".
    static func superblockCopies(_ output: String) -> [Int] {
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        guard let heading = lines.firstIndex(where: { $0.contains("stored on blocks:") }) else { return [] }
        let numbers = lines[(heading + 1)...].prefix { !$0.isEmpty }
        return numbers.joined(separator: ",").split { $0 == "," || $0.isWhitespace }.prefix(1024).compactMap { Int($0) }
    }

    @discardableResult
    private static func mkfs(_ arguments: [String], _ device: String) async throws(GuestError) -> String {
        let outcome = try await SystemTool.makeExt4.run(arguments)
        guard outcome.status == 0 else {
            throw GuestError(.volume, "No ext4 could be made on \(device): \(outcome.reason)")
        }
        return outcome.output
    }

    /// Mounts the file system; the mount point is made if need be.
    static func mount(_ device: String, at path: String, _ flags: MountFlags) throws(GuestError) {
        let names = path.split(separator: "/")
        for depth in names.indices { mkdir("/" + names[...depth].joined(separator: "/"), 0o755) }
        guard Glibc.mount(device, path, "ext4", flags.value, nil) == 0 else {
            throw GuestError(.volume, "\(device) cannot be mounted on \(path): \(String(cString: strerror(errno))).")
        }
    }

    /// Unmounts what is mounted there.
    static func unmount(_ path: String) throws(GuestError) {
        guard umount2(path, 8) == 0 else {  // 8: UMOUNT_NOFOLLOW
            throw GuestError(.volume, "\(path) cannot be unmounted: \(String(cString: strerror(errno))).")
        }
    }
}
