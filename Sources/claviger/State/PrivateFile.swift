import Encodings
import Glibc

/// Files that only their owner may read.
enum PrivateFile {
    /// Creates a file; one that exists is never touched.
    static func create(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard file >= 0 else {
            throw CommandFailure(
                errno == EEXIST
                    ? "\(path) exists already and is not overwritten"
                    : "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(file) }
        do {
            try write(bytes, to: file, path)
        } catch {
            // Half a key must not be taken for one.
            unlink(path)
            throw error
        }
    }

    /// Writes a file under a temporary name and moves it into place, so that readers see the old or the new one.
    static func replace(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws {
        let pending = "\(path).\(Hex.encode(SecretBytes.random(count: 8).copyBytes()))"
        try create(pending, bytes, mode: mode)
        guard rename(pending, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(pending)
            throw CommandFailure("\(path) cannot be written: \(reason)")
        }
    }

    private static func write(_ bytes: [UInt8], to file: Int32, _ path: String) throws {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(file, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw CommandFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
            }
            written += count
        }
        guard fsync(file) == 0 else {
            throw CommandFailure("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
