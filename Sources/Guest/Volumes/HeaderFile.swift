import CLinux
import Encodings
import Glibc

/// A volume's header in memory, while the volume is formatted or opened: what was checked is what cryptsetup gets, whatever
/// the disk's owner writes to the disk meanwhile.
struct HeaderFile: Sendable {
    /// What cryptsetup wants for a new header with its key slots, in bytes.
    static let size = 16 << 20

    let path: String
    /// Held for as long as the file is needed; the lock on it tells a file in use from one that a crash left. It is of another
    /// kind than cryptsetup's own locks.
    private let descriptor: Int32

    /// Makes the file; nothing is ever overwritten.
    ///
    /// - Parameters:
    ///   - device: the device's path, which names the file.
    ///   - folder: a folder in memory; it is made if need be.
    /// - Throws: `GuestError` with `volume_failed` while another call has the device, and when the folder is on a disk.
    init(for device: String, in folder: String) throws(GuestError) {
        let name = Base64.encodeURL(Array(device.utf8)) + ".header"
        guard name.utf8.count <= 255 else { throw GuestError(.volume, "The device's path is too long: \(device).") }
        try Self.makeFolder(folder)
        path = folder + "/" + name
        try Self.removeAbandoned(path, device)
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw GuestError(
                .volume, "The header file \(path) cannot be made: \(String(cString: strerror(errno))).")
        }
        guard claviger_lock_file(descriptor) == 0, ftruncate(descriptor, off_t(Self.size)) == 0 else {
            let reason = String(cString: strerror(errno))
            remove()
            throw GuestError(.volume, "The header file \(path) cannot be made: \(reason).")
        }
    }

    /// Writes a header that was read from a device.
    func write(_ bytes: [UInt8]) throws(GuestError) {
        let isWritten = bytes.withUnsafeBytes { buffer in
            ftruncate(descriptor, off_t(bytes.count)) == 0
                && pwrite(descriptor, buffer.baseAddress, bytes.count, 0) == bytes.count
        }
        guard isWritten else { throw GuestError(.volume, "The header file \(path) cannot be written.") }
    }

    /// What cryptsetup wrote.
    func read() throws(GuestError) -> [UInt8] { try BlockDevice(file: path).head(Self.size) }

    /// The path, while it still leads to the file that was made.
    ///
    /// - Throws: `GuestError` with `volume_failed` when somebody put something else there.
    func checkedPath() throws(GuestError) -> String {
        var (own, found) = (stat(), stat())
        guard fstat(descriptor, &own) == 0, lstat(path, &found) == 0, own.st_dev == found.st_dev,
            own.st_ino == found.st_ino
        else { throw GuestError(.volume, "The header file \(path) was replaced by another one.") }
        return path
    }

    /// Ends the file and its lock.
    func remove() {
        unlink(path)
        close(descriptor)
    }

    private static func makeFolder(_ folder: String) throws(GuestError) {
        let names = folder.split(separator: "/")
        for depth in names.indices {
            let part = "/" + names[...depth].joined(separator: "/")
            // Folders above also lead to sockets that others may use.
            let mode: mode_t = depth == names.indices.last ? 0o700 : 0o755
            if mkdir(part, mode) == 0 { chmod(part, mode) }
        }
        var status = stat()
        guard lstat("/" + names.joined(separator: "/"), &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw GuestError(
                .volume, "The folder for headers, \(folder), cannot be made: \(String(cString: strerror(errno))).")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw GuestError(
                .volume, "The folder for headers, \(folder), can be written by others: it is the agent's user's alone.")
        }
        let type = try MountTable.current().type(ofDevice: UInt64(status.st_dev))
        guard type == "tmpfs" || type == "ramfs" else {
            throw GuestError(
                .volume,
                "The folder for headers, \(folder), is not in memory: name one on a tmpfs with --volume-header-folder.")
        }
    }

    /// A file whose lock is free belongs to nobody any more.
    private static func removeAbandoned(_ path: String, _ device: String) throws(GuestError) {
        let file = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        guard claviger_lock_file(file) == 0 else {
            throw GuestError(.volume, "Another call is at work on the device \(device).")
        }
        unlink(path)
    }
}

extension BlockDevice {
    /// A plain file, or a device that this agent opened itself.
    init(file path: String) { self.path = path }
}
