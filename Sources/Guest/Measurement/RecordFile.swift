import Glibc

/// A file that this process alone writes: an event log or what is written ahead of it. Whatever is written is on its way
/// to the medium before the call returns.
final class RecordFile: Sendable {
    /// How bytes get to an offset of an open file: as `pwrite`, which it is but for tests of full media.
    typealias Put = @Sendable (Int32, UnsafeRawPointer?, Int, off_t) -> Int

    private let descriptor: Int32
    private let path: String
    private let put: Put

    /// Opens the file, or makes it, closed to others.
    ///
    /// - Throws: `GuestError` with `system_failed`, also when another process has the file.
    init(_ path: String, put: @escaping Put = { pwrite($0, $1, $2, $3) }) throws(GuestError) {
        self.path = path
        self.put = put
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw .system("open", path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw GuestError(.system, "\(path) is no regular file.")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw GuestError(.system, "\(path) is written by another process: one agent alone keeps the event log.")
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        // Unlocked, not only closed: a child process between its fork and its exec still has the file open.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The whole content.
    func content(limit: Int) throws(GuestError) -> [UInt8] {
        let size = try size()
        guard size <= limit else { throw GuestError(.system, "\(path) is larger than \(limit) bytes.") }
        var bytes = [UInt8](repeating: 0, count: size)
        var count = 0
        while count < size {
            let got = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress?.advanced(by: count), size - count, off_t(count))
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw .system("read", path) }
            count += got
        }
        return bytes
    }

    func size() throws(GuestError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("look at", path) }
        return Int(status.st_size)
    }

    /// Writes bytes at an offset; what was there and behind it is gone.
    func write(_ bytes: [UInt8], at offset: Int) throws(GuestError) {
        guard ftruncate(descriptor, off_t(offset)) == 0 else { throw .system("shorten", path) }
        var count = 0
        while count < bytes.count {
            let written = bytes.withUnsafeBytes {
                put(descriptor, $0.baseAddress?.advanced(by: count), bytes.count - count, off_t(offset + count))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw .system("write to", path) }
            count += written
        }
        guard fdatasync(descriptor) == 0 else { throw .system("write to", path) }
    }
}
