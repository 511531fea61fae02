import Foundation
import HTTPServing
import Hummingbird
import HummingbirdCore
import Logging

/// A small HTTP service on an ephemeral port of this machine, for what a guest asks besides its broker.
package enum LocalService {
    /// A request as it arrived.
    package struct Request: Sendable {
        package let method: String
        package let path: String
        package let headers: [String: String]
        package let body: [UInt8]
    }

    /// Serves `answer` for the length of `body`, which gets the address.
    package static func run<T: Sendable>(
        _ answer: @Sendable @escaping (Request) throws -> (status: Int, body: [UInt8]),
        _ body: @Sendable @escaping (String) async throws -> T
    ) async throws -> T {
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "local-service")
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { request, _ in
                let content = try await request.body.collect(upTo: 1_048_576)
                let headers = request.headers.map { ($0.name.rawName.lowercased(), $0.value) }
                let result = try answer(
                    Request(
                        method: request.method.rawValue, path: request.uri.path,
                        headers: Dictionary(headers) { first, _ in first }, body: Array(content.readableBytesView)))
                return Response(
                    status: .init(code: result.status), body: .init(byteBuffer: ByteBuffer(bytes: result.body)))
            },
            server: HTTPServerBuilder { DroppableChannel(HTTP1Channel(responder: $0)) },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) }, logger: logger)
        return try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask {
                try await application.run()
                return nil
            }
            group.addTask {
                for await port in ports { return try await body("http://127.0.0.1:\(port)") }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}
