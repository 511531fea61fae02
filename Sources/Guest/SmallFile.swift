import Encodings
import Glibc

/// Reads regular files whose size is known to be small.
enum SmallFile {
    /// Whether something is there, readable or not.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The file's bytes.
    ///
    /// - Throws: `GuestError` with `invalid_request` when it is no regular file, cannot be read, or has more than `limit` bytes.
    static func read(_ path: String, limit: Int, as purpose: String) throws(GuestError) -> SecretBytes {
        // Without O_NONBLOCK, opening a FIFO would hold the thread for as long as nobody writes.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard file >= 0 else {
            throw GuestError(
                .invalidRequest, "The \(purpose) \(path) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw GuestError(.invalidRequest, "The \(purpose) \(path) is no regular file.")
        }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        defer { wipe(&bytes) }
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else {
                throw GuestError(
                    .invalidRequest, "The \(purpose) \(path) cannot be read: \(String(cString: strerror(errno))).")
            }
            if got == 0 { break }
            count += got
        }
        guard count <= limit else {
            throw GuestError(.invalidRequest, "The \(purpose) \(path) is larger than \(limit) bytes.")
        }
        return bytes.withUnsafeBytes { SecretBytes(copying: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}
