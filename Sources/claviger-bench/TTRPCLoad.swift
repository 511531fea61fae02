import Dispatch
import Encodings

#if canImport(Glibc)
    import Glibc
#endif

/// One ttrpc connection that asks for resources, one after the other: ten bytes of header before each protobuf message
/// (length, stream, kind, flags).
final class TTRPCLoad: Sendable {
    /// Bytes around a short resource: an empty status, and the heads of the payload and of its one field.
    private static let answerOverhead = 6

    private let socket: Int32
    private let queue = DispatchQueue(label: "ttrpc")

    init(path: String) throws {
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard socket >= 0, path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw BenchError("\(path) cannot be connected.")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let socket = socket
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw BenchError("\(path) cannot be connected.") }
    }

    deinit { close(socket) }

    /// Bytes of the resource that the agent answers with; nil when it answers with a failure.
    func resource(_ uri: String) async -> Int? {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.exchange(uri)) }
        }
    }

    private func exchange(_ uri: String) -> Int? {
        let request =
            Self.field(1, Array("api.GetResourceService".utf8)) + Self.field(2, Array("GetResource".utf8))
            + Self.field(3, Self.field(1, Array(uri.utf8)))
        let length = UInt32(request.count)
        let header = withUnsafeBytes(of: length.bigEndian, Array.init) + [0, 0, 0, 1, 1, 0]
        let frame = header + request
        guard write(socket, frame, frame.count) == frame.count, let head = receive(10) else { return nil }
        let size = head.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard size < 1_048_576, let answer = receive(size), answer.starts(with: [0x0A, 0x00, 0x12]) else { return nil }
        return answer.count - Self.answerOverhead
    }

    private func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes {
                read(socket, $0.baseAddress?.advanced(by: filled), count - filled)
            }
            guard got > 0 else { return nil }
            filled += got
        }
        return bytes
    }

    /// A protobuf field of length-delimited bytes.
    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count < 128, "the length of a field here is one byte")
        return [number << 3 | 2, UInt8(bytes.count)] + bytes
    }
}
