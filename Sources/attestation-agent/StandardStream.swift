import Glibc
import Guest

/// Whole streams from and to other programs.
enum StandardStream {
    static func read(_ descriptor: Int32, limit: Int, as purpose: String) throws(GuestError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw GuestError(
                    .invalidRequest, "The \(purpose) cannot be read: \(String(cString: strerror(errno))).")
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw GuestError(.invalidRequest, "The \(purpose) is larger than \(limit) bytes.")
            }
        }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(GuestError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw GuestError(.unavailable, "The answer cannot be written: \(String(cString: strerror(errno))).")
            }
            rest = rest.dropFirst(written)
        }
    }
}
