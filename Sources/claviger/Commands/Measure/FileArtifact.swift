import Glibc
import Measurement

/// A file that is measured: it stays open, so that all is read of one file, and is read piece by piece.
final class FileArtifact: Artifact {
    /// 64 GiB: more than any image of a guest.
    private static let maximumSize = 1 << 36

    /// The last part of the path.
    let name: String
    let size: Int
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        // Without O_NONBLOCK, opening a FIFO would wait for somebody to write.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard file >= 0 else {
            throw CommandFailure(
                "\(path) cannot be read: \(String(cString: strerror(errno)))",
                status: errno == ENOENT ? .notFound : .failed)
        }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.maximumSize else {
            close(file)
            throw CommandFailure("\(path) is no regular file, or is larger than \(Self.maximumSize) bytes")
        }
        self.path = path
        name = String(path.split(separator: "/").last ?? "")
        size = Int(status.st_size)
        descriptor = file
    }

    deinit { close(descriptor) }

    func bytes(in range: Range<Int>) throws(MeasurementError) -> [UInt8] {
        var problem: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                let got = pread(descriptor, rest.baseAddress, range.count - count, off_t(range.lowerBound + count))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    problem = got < 0 ? errno : 0
                    break
                }
                count += got
            }
        }
        guard bytes.count == range.count else {
            let reason = problem == 0 ? "it became shorter meanwhile" : String(cString: strerror(problem))
            throw MeasurementError(.unreadable, "\(path) cannot be read: \(reason).")
        }
        return bytes
    }
}
