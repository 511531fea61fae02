import Encodings
import Glibc

/// A device that a volume is on.
struct BlockDevice: Sendable, Hashable {
    /// Its path, without links.
    let path: String

    /// Finds a device.
    ///
    /// - Throws: `GuestError` with `invalid_request` when it is not there or no block device.
    init(_ name: VolumeRequest.Device, _ settings: VolumeSettings) throws(GuestError) {
        let wanted: String
        switch name {
        case .number(let major, let minor): wanted = try Self.path(major, minor, settings)
        case .path(let path): wanted = path
        }
        guard let real = realpath(wanted, nil) else {
            throw VolumeRequest.invalid("The device \(wanted) is not there: \(String(cString: strerror(errno))).")
        }
        path = String(cString: real)
        free(real)
        var status = stat()
        let isThere = stat(path, &status) == 0
        let type = status.st_mode & S_IFMT
        guard isThere, type == S_IFBLK || (type == S_IFREG && settings.acceptsFiles) else {
            throw VolumeRequest.invalid("\(wanted) is no block device.")
        }
    }

    /// The kernel's name for a number, from the device's `uevent`.
    private static func path(
        _ major: UInt32, _ minor: UInt32, _ settings: VolumeSettings
    ) throws(GuestError) -> String {
        let file = "\(settings.systemFolder)/dev/block/\(major):\(minor)/uevent"
        guard access(file, F_OK) == 0 else {
            throw VolumeRequest.invalid("There is no block device \(major):\(minor), as the option deviceId says.")
        }
        let text = try SmallFile.read(file, limit: 4096, as: "description of the device \(major):\(minor)")
            .withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        let line = text.split(separator: "\n").first { $0.hasPrefix("DEVNAME=") }
        guard let name = line?.dropFirst("DEVNAME=".count), !name.isEmpty, !name.split(separator: "/").contains("..")
        else { throw VolumeRequest.invalid("The kernel has no name for the device \(major):\(minor).") }
        return "\(settings.deviceFolder)/\(name)"
    }

    /// Refuses a device that is mounted, or that another volume uses: the kernel gives it exclusively or not at all.
    func requireUnused() throws(GuestError) {
        let file = Glibc.open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            let reason = errno == EBUSY ? "it is in use already" : String(cString: strerror(errno))
            throw GuestError(.volume, "The device \(path) cannot be taken: \(reason).")
        }
        close(file)
    }

    /// The bytes at its start.
    func head(_ count: Int) throws(GuestError) -> [UInt8] {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failure("opening") }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(file, buffer.baseAddress?.advanced(by: done), count - done, off_t(done))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("reading") }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }

    /// Overwrites bytes, and waits until they are on the device.
    func write(_ bytes: [UInt8], at offset: Int = 0) throws(GuestError) {
        let file = Glibc.open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("opening") }
        defer { close(file) }
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes { buffer in
                pwrite(file, buffer.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset + done))
            }
            if put < 0, errno == EINTR { continue }
            guard put > 0 else { throw failure("writing") }
            done += put
        }
        guard fsync(file) == 0 else { throw failure("flushing") }
    }

    /// Its size in bytes.
    func size() throws(GuestError) -> Int {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw failure("opening") }
        defer { close(file) }
        let end = lseek(file, 0, SEEK_END)
        guard end >= 0 else { throw failure("measuring") }
        return Int(end)
    }

    private func failure(_ action: String) -> GuestError {
        GuestError(.volume, "Failed \(action) \(path): \(String(cString: strerror(errno))).")
    }
}
