import Glibc
import Synchronization

/// An open file that is closed at the latest when nobody has it any more.
final class KernelFile: Sendable {
    let descriptor: Int32
    /// The path as messages name it.
    let path: String
    private let isOpen = Atomic(true)

    init(_ descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        if isOpen.load(ordering: .relaxed) { Glibc.close(descriptor) }
    }

    /// Closes the file now, to learn what the kernel says only then.
    func close() throws(GuestError) {
        guard isOpen.exchange(false, ordering: .relaxed) else { return }
        // After EINTR the descriptor is closed all the same.
        if Glibc.close(descriptor) != 0, errno != EINTR { throw .system("write to", path) }
    }

    /// One read to the place from `offset` on; zero at the end of the file.
    func read(into bytes: inout [UInt8], from offset: Int = 0) throws(GuestError) -> Int {
        while true {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset)
            }
            if got >= 0 { return got }
            guard errno == EINTR else { throw .system("read", path) }
        }
    }

    /// Writes all bytes, at once if the kernel takes them so.
    func write(_ bytes: [UInt8]) throws(GuestError) {
        var rest = bytes[...]
        repeat {
            let put = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if put >= 0 {
                rest = rest.dropFirst(put)
                if put == 0 { break }
            } else if errno != EINTR {
                throw .system("write to", path)
            }
        } while !rest.isEmpty
        guard rest.isEmpty else { throw .system("write to", path, EIO) }
    }
}
