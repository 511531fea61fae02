public import Guest
public import Logging
public import ServiceLifecycle

/// Serves the key provider on one address, without TLS: local addresses only.
public struct KeyProviderServer: Service {
    /// An image's layer options and packets have a few hundred bytes.
    static let maximumRequestBytes = 1_048_576

    private let server: LocalGRPCServer
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
        server = try LocalGRPCServer(
            [KeyProviderFace(images: images, logger: logger)], on: address,
            maximumRequestBytes: Self.maximumRequestBytes)
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    public func run() async throws {
        try await server.run(onListening: onListening)
    }
}
