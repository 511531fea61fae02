import Broker
import BrokerTestSupport
import Foundation
import NIOCore
import NIOPosix
import ServiceLifecycle
import Testing

@testable import BrokerAPI

@Suite("Shutdown")
struct ShutdownTests {
    @Test("a peer that opened a connection and says nothing does not keep the broker from ending")
    func silentPeer() async throws {
        let certificate = try TestCertificate()
        defer { certificate.remove() }
        var settings = BrokerConfiguration()
        let test = try await TestBroker.make(policies: nil) { configuration in
            configuration.listen = ["127.0.0.1:0"]
            configuration.transport.certificateFile = certificate.certificateFile.path
            configuration.transport.keyFile = certificate.keyFile.path
            settings = configuration
        }
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try BrokerServer(
            configuration: settings, broker: test.broker, metrics: test.metrics, logger: test.logs.logger(),
            onListening: { continuation.yield($0.port) })
        let group = ServiceGroup(services: [server], logger: test.logs.logger())
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let port = try #require(await ports.first { _ in true })
            let silent = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port).get()
            // The connection is known to the server once another one, opened later, got its answer.
            _ = try await RawClient(port: port, isSecure: true).send("GET", "/healthz")
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try await silent.closeFuture.get()
        }
    }
}
