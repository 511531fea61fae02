import HTTPServing
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Testing

@Suite("Servers that end", .serialized)
struct DroppableChannelTests {
    /// Without the wrapper a few of these rounds are enough to end the process.
    @Test("connections that arrive while a server is cancelled do not end the process", arguments: 0..<60)
    func cancelled(round: Int) async throws {
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "dropped")
        logger.logLevel = .critical
        let application = Application(
            responder: CallbackResponder<BasicRequestContext> { _, _ in Response(status: .ok) },
            server: HTTPServerBuilder { DroppableChannel(HTTP1Channel(responder: $0)) },
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let server = Task { try await application.run() }
        let port = try #require(await ports.first { _ in true })
        let clients = try await withThrowingTaskGroup(of: (any Channel)?.self) { group in
            for number in 0..<32 {
                group.addTask {
                    if number == round % 32 { server.cancel() }
                    return try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                        .connect(host: "127.0.0.1", port: port).get()
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        // Not all are closed by the server: the kernel may have taken a connection that nobody accepted any more.
        for client in clients.compactMap(\.self) { try? await client.close() }
        _ = await server.result
    }
}
