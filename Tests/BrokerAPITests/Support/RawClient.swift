import Encodings
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// What a server answered.
struct Reply: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    var text: String { String(decoding: body, as: UTF8.self) }

    var json: JSONValue? { try? JSONValue(parsing: body) }

    /// The error object's `type`, without its prefix; `nil` when the body is no error object.
    var errorType: String? {
        guard let object = json?.objectValue, Set(object.names).subtracting(["code"]) == ["type", "detail"],
            object["detail"]?.stringValue != nil,
            let type = object["type"]?.stringValue, let slash = type.lastIndex(of: "/"),
            type.hasPrefix("https://github.com/confidential-containers/kbs/errors/")
        else { return nil }
        return String(type[type.index(after: slash)...])
    }

    var detail: String { json?["detail"]?.stringValue ?? "" }

    /// The value of the session cookie that the answer sets.
    var sessionCookie: String? {
        guard let field = header("set-cookie"), field.hasPrefix("kbs-session-id=") else { return nil }
        return field.dropFirst("kbs-session-id=".count).split(separator: ";").first.map(String.init)
    }
}

/// Writes requests byte by byte as a test wants them; no client library tidies them up.
struct RawClient: Sendable {
    let port: Int
    let isSecure: Bool
    var applicationProtocols: [String] = ["http/1.1"]

    func send(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws -> Reply {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        let answer = try await exchange(Array((head + "\r\n").utf8) + (body ?? [])) { _ in false }
        return try Self.parse(answer)
    }

    /// Sends bytes and collects what comes back until the server closes or `isComplete` says so.
    func exchange(_ request: [UInt8], until isComplete: @Sendable ([UInt8]) -> Bool) async throws -> [UInt8] {
        let channel = try await connect()
        return try await channel.executeThenClose { inbound, outbound in
            // The server may answer and close before it has taken all of a large request.
            try? await outbound.write(ByteBuffer(bytes: request))
            var answer: [UInt8] = []
            do {
                for try await buffer in inbound {
                    answer += Array(buffer: buffer)
                    if isComplete(answer) { break }
                }
            } catch  where !answer.isEmpty {}
            return answer
        }
    }

    private func connect() async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        var tls: NIOSSLContext?
        if isSecure {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            configuration.applicationProtocols = applicationProtocols
            tls = try NIOSSLContext(configuration: configuration)
        }
        let context = tls
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
    }

    private static func parse(_ bytes: [UInt8]) throws -> Reply {
        let separator = Array("\r\n\r\n".utf8)
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: separator) }) else {
            throw URLError(.badServerResponse)
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw URLError(.badServerResponse)
        }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
        }
        return Reply(status: status, headers: headers, body: Array(bytes[(end + 4)...]))
    }
}
