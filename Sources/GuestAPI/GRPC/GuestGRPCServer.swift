public import ServiceLifecycle

/// Serves the guest components' services over gRPC on one local address, for programs that cannot speak ttrpc.
///
/// gRPC tells nothing of the calling process. On a Unix socket the file's mode keeps other users away; a loopback port is
/// open to every process of the network namespace, as it is with the guest components.
public struct GuestGRPCServer: Service {
    private let server: LocalGRPCServer
    private let onListening: @Sendable (_ port: Int?) async -> Void

    /// A server for `services`.
    ///
    /// - Parameters:
    ///   - address: loopback address or Unix socket; a left-over socket file is replaced.
    ///   - onListening: called once with the port (nil on a Unix socket) when connections are accepted.
    /// - Throws: `ListenAddressError` when others than this machine could connect.
    public init(
        _ services: TTRPCServices, on address: ListenAddress,
        onListening: @escaping @Sendable (_ port: Int?) async -> Void = { _ in }
    ) throws(ListenAddressError) {
        server = try LocalGRPCServer(
            [GRPCFace(services: services)], on: address, maximumRequestBytes: TTRPCFrame.maximumDataBytes)
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    public func run() async throws {
        try await server.run(onListening: onListening)
    }
}
