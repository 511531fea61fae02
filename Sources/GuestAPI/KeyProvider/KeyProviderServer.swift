import GRPCCore
import GRPCNIOTransportHTTP2
public import Guest
public import Logging
public import ServiceLifecycle

/// Serves the key provider on one address, without TLS: local addresses only.
public struct KeyProviderServer: Service {
    /// An image's layer options and packets have a few hundred bytes.
    static let maximumRequestBytes = 1_048_576
    private static let maximumCallsPerConnection = 64

    private let images: ImageKeys
    private let address: ListenAddress
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int?) async -> Void

    /// A server for `images`.
    ///
    /// - Parameters:
    ///   - address: loopback address or Unix socket; a left-over socket file is replaced.
    ///   - onListening: called once with the port (nil on a Unix socket) when connections are accepted.
    /// - Throws: `ListenAddressError` when others than this machine could connect.
    public init(
        _ images: ImageKeys, on address: ListenAddress, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int?) async -> Void = { _ in }
    ) throws(ListenAddressError) {
        guard address.isLocal else {
            throw ListenAddressError("\(address) can be reached from elsewhere; layer keys stay on this machine")
        }
        self.images = images
        self.address = address
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    public func run() async throws {
        let server = GRPCServer(
            transport: .http2NIOPosix(
                address: transportAddress(), transportSecurity: .plaintext,
                config: .defaults { config in
                    config.rpc.maxRequestPayloadSize = Self.maximumRequestBytes
                    config.http2.maxConcurrentStreams = Self.maximumCallsPerConnection
                }),
            services: [KeyProviderFace(images: images, logger: logger)])
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
