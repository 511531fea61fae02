public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// Serves ttrpc on a Unix socket, to the processes that may connect and nobody else.
public struct TTRPCServer: Service {
    private let services: TTRPCServices
    private let path: String
    private let peers: AllowedPeers
    private let limits: TTRPCLimits
    private let logger: Logger
    private let onListening: @Sendable () async -> Void

    /// A server for `services`.
    ///
    /// - Parameters:
    ///   - address: a Unix socket; a left-over socket file is replaced.
    ///   - peers: who may call what, by the user that the kernel says is at the other end.
    ///   - onListening: called once when connections are accepted.
    /// - Throws: `ListenAddressError` for any other kind of address.
    public init(
        _ services: TTRPCServices, on address: ListenAddress, peers: AllowedPeers = AllowedPeers(), logger: Logger,
        onListening: @escaping @Sendable () async -> Void = {}
    ) throws(ListenAddressError) {
        try self.init(
            services, on: address, peers: peers, limits: TTRPCLimits(), logger: logger, onListening: onListening)
    }

    init(
        _ services: TTRPCServices, on address: ListenAddress, peers: AllowedPeers, limits: TTRPCLimits, logger: Logger,
        onListening: @escaping @Sendable () async -> Void
    ) throws(ListenAddressError) {
        guard case .unix(let path) = address else {
            throw ListenAddressError("\(address) is no Unix socket: ttrpc is served on unix:///absolute/path only")
        }
        self.services = services
        self.path = path
        self.peers = peers
        self.limits = limits
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    public func run() async throws {
        if ReferenceSocket.paths.contains(path) { SocketFile.makeFolder(of: path) }
        SocketFile.removeStale(path)
        let connections = TTRPCConnections(limits: limits)
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { accept($0, connections) }
            .bind(unixDomainSocketPath: path)
            .get()
        // The kernel says who connects, so the file may be open to those who are named.
        SocketFile.restrict(path, to: peers.areOthersNamed ? 0o666 : 0o660)
        await onListening()
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await channel.closeFuture.get()
            } onGracefulShutdown: {
                channel.close(promise: nil)
            }
        } onCancel: {
            channel.close(promise: nil)
        }
        connections.closeAll()
    }

    private func accept(_ channel: any Channel, _ connections: TTRPCConnections) -> EventLoopFuture<Void> {
        PeerIdentity.of(channel).flatMapThrowing { peer in
            guard peers.admit(peer) else {
                logger.warning(
                    "a connection was refused", metadata: ["user": "\(peer.userID)", "process": "\(peer.processID)"])
                throw TTRPCRefusal.peer
            }
            guard connections.admit(channel, userID: peer.userID, isTrusted: peers.isTrusted(peer)) else {
                logger.warning("a connection was refused: there are too many", metadata: ["user": "\(peer.userID)"])
                throw TTRPCRefusal.full
            }
            let work = TTRPCWork(services: services, peers: peers, peer: peer)
            try channel.pipeline.syncOperations.addHandler(
                TTRPCConnection(work, limits: limits, connections: connections, logger: logger))
        }
    }
}

/// Why a connection is closed before anything is read from it.
private enum TTRPCRefusal: Error {
    case peer, full
}

/// Where the programs of the reference listen unless they are told otherwise.
public enum ReferenceSocket {
    /// The attestation-agent's socket.
    public static let attestationAgent = "/run/confidential-containers/attestation-agent/attestation-agent.sock"
    /// The confidential-data-hub's socket.
    public static let confidentialDataHub = "/run/confidential-containers/cdh.sock"

    static let paths = [attestationAgent, confidentialDataHub]
}
