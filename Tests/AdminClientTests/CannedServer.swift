import Foundation
import Glibc
import Synchronization

/// Answers HTTP requests on a Unix socket with what the test says, and keeps what was asked.
final class CannedServer: Sendable {
    struct Request: Sendable {
        let line: String
        let headers: [String: String]
        let body: String
    }

    let socketPath: String
    private let listener: Int32
    private let received = Mutex<[Request]>([])
    private let answer: @Sendable (Request) -> (status: Int, body: String)

    init(_ answer: @escaping @Sendable (Request) -> (status: Int, body: String)) throws {
        self.answer = answer
        socketPath =
            FileManager.default.temporaryDirectory.appending(path: "cl-\(UUID().uuidString.prefix(13)).sock").path
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = socketPath
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8) + [0]) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 8) == 0 else { throw POSIXError(.EADDRINUSE) }
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { break }
                serve(connection)
                close(connection)
            }
            // Closed here and nowhere else: once closed, its number may be that of another test's socket.
            close(listener)
        }
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        unlink(socketPath)
    }

    var requests: [Request] { received.withLock { $0 } }

    private func serve(_ connection: Int32) {
        guard let request = read(connection) else { return }
        received.withLock { $0.append(request) }
        let (status, body) = answer(request)
        let text = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
        _ = Array(text.utf8).withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    private func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = bytes.firstRange(of: end) {
                let lines = String(decoding: bytes[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    headers[parts[0].lowercased()] =
                        parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
                }
                let body = bytes[range.upperBound...]
                if body.count >= Int(headers["content-length"] ?? "0") ?? 0 {
                    return Request(line: lines[0], headers: headers, body: String(decoding: body, as: UTF8.self))
                }
            }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
        }
    }
}
