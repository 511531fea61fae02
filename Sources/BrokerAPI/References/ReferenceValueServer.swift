import Broker
import GRPCCore
import GRPCNIOTransportHTTP2
import Logging
import ServiceLifecycle

/// Serves reference values over gRPC on an address of its own, with the certificate that the HTTP face has when it starts.
struct ReferenceValueServer: Service {
    private static let maximumCallsPerConnection = 16

    private let service: ReferenceValueService
    private let address: ListenAddress
    private let security: HTTP2ServerTransport.Posix.TransportSecurity
    private let maximumRequestBytes: Int
    private let logger: Logger
    private let onListening: @Sendable (_ port: Int) async -> Void

    /// A server that is not open yet; without a certificate it talks plainly, as the HTTP face does then.
    init(
        _ service: ReferenceValueService, on address: ListenAddress, transport: TransportConfiguration,
        maximumRequestBytes: Int, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.service = service
        self.address = address
        self.maximumRequestBytes = maximumRequestBytes
        self.logger = logger
        self.onListening = onListening
        if let certificate = transport.certificateFile, let key = transport.keyFile {
            security = .tls(
                certificateChain: [.file(path: certificate, format: .pem)], privateKey: .file(path: key, format: .pem))
        } else {
            security = .plaintext
        }
    }

    /// Serves until graceful shutdown or cancellation.
    func run() async throws {
        let server = GRPCServer(
            transport: .http2NIOPosix(
                address: address.host.contains(":")
                    ? .ipv6(host: address.host, port: address.port) : .ipv4(host: address.host, port: address.port),
                transportSecurity: security,
                config: .defaults { config in
                    config.rpc.maxRequestPayloadSize = maximumRequestBytes
                    config.http2.maxConcurrentStreams = Self.maximumCallsPerConnection
                }),
            services: [service])
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                try await withGracefulShutdownHandler {
                    try await server.serve()
                } onGracefulShutdown: {
                    server.beginGracefulShutdown()
                }
            }
            let listening = try await server.listeningAddress
            let port = listening?.ipv4?.port ?? listening?.ipv6?.port ?? address.port
            logger.notice(
                "reference values served over gRPC", metadata: ["host": "\(address.host)", "port": "\(port)"])
            await onListening(port)
        }
    }
}
