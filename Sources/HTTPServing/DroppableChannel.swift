public import HummingbirdCore
public import Logging
public import NIOCore
import Synchronization

/// A server's connections that may be dropped without being served.
///
/// When a server ends, connections that it accepted a moment before can be thrown away before anybody handles them.
/// NIO ends the process when that happens to one of its asynchronous channels. Here such a connection is closed, and then
/// handled to its end like any other, which is at once.
public struct DroppableChannel<Base: ServerChildChannel>: ServerChildChannel {
    private let base: Base

    /// The same connections as those of `base`.
    public init(_ base: Base) {
        self.base = base
    }

    /// Sets a connection up as the wrapped kind does.
    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<DroppableConnection<Base>> {
        base.setup(channel: channel, logger: logger).map { value in
            DroppableConnection(base: base, value: value, logger: logger)
        }
    }

    /// Serves a connection until it is closed.
    public func handle(value: DroppableConnection<Base>, logger: Logger) async {
        await value.handle(logger: logger)
    }
}

/// A connection that was set up and waits to be served; see ``DroppableChannel``.
public final class DroppableConnection<Base: ServerChildChannel>: ServerChildChannelValue {
    private let base: Base
    private let value: Base.Value
    private let logger: Logger
    private let isHandled = Mutex(false)

    /// The connection's channel.
    public var channel: any Channel { value.channel }

    init(base: Base, value: Base.Value, logger: Logger) {
        self.base = base
        self.value = value
        self.logger = logger
    }

    func handle(logger: Logger) async {
        isHandled.withLock { $0 = true }
        await base.handle(value: value, logger: logger)
    }

    deinit {
        guard !isHandled.withLock({ $0 }) else { return }
        channel.close(promise: nil)
        Task { [base, value, logger] in await base.handle(value: value, logger: logger) }
    }
}
