import Glibc

/// A way to a TPM: a command goes in, its answer comes out.
protocol TPMTransport {
    func exchange(_ command: [UInt8]) throws(TPMError) -> [UInt8]
}

/// The way through the kernel's driver.
struct TPMDriver: TPMTransport {
    let device: any Device

    func exchange(_ command: [UInt8]) throws(TPMError) -> [UInt8] {
        do throws(GuestError) {
            return try device.exchange(command, limit: TPMAnswer.maximumBytes)
        } catch {
            throw .unavailable(error.message)
        }
    }
}

/// The way through a Unix socket on which a TPM takes bare commands, as swtpm does.
final class TPMSocket: TPMTransport {
    /// The slowest command of slow TPMs takes some seconds.
    private static let patience = timeval(tv_sec: 60, tv_usec: 0)
    private let descriptor: Int32
    private let path: String

    init(_ path: String) throws(TPMError) {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("open") }
        var patience = Self.patience
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
        try connect()
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    private func connect() throws(TPMError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .unavailable("The path of the TPM's socket is too long: \(path).")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw failure("connect to") }
    }

    func exchange(_ command: [UInt8]) throws(TPMError) -> [UInt8] {
        var rest = command[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent < 0, errno == EINTR { continue }
            guard sent > 0 else { throw failure("write to") }
            rest = rest.dropFirst(sent)
        }
        var answer = try receive(TPMAnswer.headerBytes)
        let size = answer[2..<6].reduce(0) { $0 << 8 | Int($1) }
        guard (TPMAnswer.headerBytes...TPMAnswer.maximumBytes).contains(size) else {
            throw .malformed("The TPM behind \(path) answers with \(size) bytes.")
        }
        answer += try receive(size - answer.count)
        return answer
    }

    private func receive(_ count: Int) throws(TPMError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let more = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress?.advanced(by: got), count - got, 0)
            }
            if more < 0, errno == EINTR { continue }
            guard more > 0 else {
                if more == 0 { throw .unavailable("The TPM behind \(path) hung up.") }
                throw failure("read from")
            }
            got += more
        }
        return bytes
    }

    private func failure(_ action: String) -> TPMError {
        .unavailable("It is not possible to \(action) the TPM's socket \(path): \(String(cString: strerror(errno))).")
    }
}
