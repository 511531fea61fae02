public import HummingbirdCore
public import Logging
public import NIOCore
import NIOSSL
import NIOTLS

/// A server's connection that is known to ``OpenConnections`` and has to finish its TLS handshake in time.
public struct TrackedChannel<Base: ServerChildChannel>: ServerChildChannel {
    /// A peer that takes longer than this is not a client.
    private static var handshakeLimit: TimeAmount { .seconds(10) }

    private let base: Base
    private let connections: OpenConnections

    /// The same connections as those of `base`.
    public init(_ base: Base, connections: OpenConnections) {
        self.base = base
        self.connections = connections
    }

    /// Sets a connection up as the wrapped kind does.
    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        connections.insert(channel)
        let value = base.setup(channel: channel, logger: logger)
        let pipeline = channel.pipeline.syncOperations
        guard let tls = try? pipeline.handler(type: NIOSSLServerHandler.self) else { return value }
        do {
            try pipeline.addHandler(HandshakeDeadline(limit: Self.handshakeLimit), position: .after(tls))
            return value
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    /// Serves a connection until it is closed.
    public func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

/// Closes a connection whose TLS handshake is not complete in time.
private final class HandshakeDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let limit: TimeAmount
    private var deadline: Scheduled<Void>?

    init(limit: TimeAmount) {
        self.limit = limit
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        deadline?.cancel()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.handshakeCompleted) = event as? TLSUserEvent { deadline?.cancel() }
        context.fireUserInboundEventTriggered(event)
    }
}
