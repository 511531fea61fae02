import GRPCCore
import GRPCNIOTransportHTTP2
import ServiceLifecycle

/// A gRPC server without TLS, which therefore only this machine may reach.
struct LocalGRPCServer {
    private let services: [any RegistrableRPCService]
    private let address: ListenAddress
    private let maximumRequestBytes: Int

    private static let maximumCallsPerConnection = 64

    /// - Throws: `ListenAddressError` when others than this machine could connect.
    init(
        _ services: [any RegistrableRPCService], on address: ListenAddress, maximumRequestBytes: Int
    ) throws(ListenAddressError) {
        guard address.isLocal else {
            throw ListenAddressError("\(address) can be reached from elsewhere; keys and evidence stay on this machine")
        }
        self.services = services
        self.address = address
        self.maximumRequestBytes = maximumRequestBytes
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Parameter onListening: called once with the port (nil on a Unix socket) when connections are accepted.
    func run(onListening: @Sendable (_ port: Int?) async -> Void) async throws {
        let server = GRPCServer(
            transport: .http2NIOPosix(
                address: transportAddress(), transportSecurity: .plaintext,
                config: .defaults { config in
                    config.rpc.maxRequestPayloadSize = maximumRequestBytes
                    config.http2.maxConcurrentStreams = Self.maximumCallsPerConnection
                }),
            services: services)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                try await withGracefulShutdownHandler {
                    try await server.serve()
                } onGracefulShutdown: {
                    server.beginGracefulShutdown()
                }
            }
            let listening = try await server.listeningAddress
            if case .unix(let path) = address { SocketFile.restrict(path) }
            await onListening(listening?.ipv4?.port ?? listening?.ipv6?.port)
        }
    }

    private func transportAddress() -> GRPCNIOTransportHTTP2.SocketAddress {
        switch address {
        case .tcp(let host, let port):
            return host.contains(":") ? .ipv6(host: host, port: port) : .ipv4(host: host, port: port)
        case .unix(let path):
            SocketFile.removeStale(path)
            return .unixDomainSocket(path: path)
        }
    }
}
