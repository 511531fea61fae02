public import NIOCore
public import NIOHTTPTypes

/// Closes a connection that asks nothing, and one whose request takes too long to arrive.
///
/// How often something arrives does not count: a byte now and then would keep a connection open for ever. Between requests a
/// connection is idle for as long as its server allows.
public final class RequestDeadline: ChannelInboundHandler, RemovableChannelHandler {
    /// Parts of requests, which pass unchanged.
    public typealias InboundIn = HTTPRequestPart

    private let first: TimeAmount
    private let whole: TimeAmount
    private var deadline: Scheduled<Void>?

    /// - Parameters:
    ///   - first: how long after its beginning, TLS handshake included, a connection's first request has to have begun.
    ///   - whole: how long after its head a request's end has to be there.
    public init(first: TimeAmount, whole: TimeAmount) {
        self.first = first
        self.whole = whole
    }

    /// The time runs from here on.
    public func handlerAdded(context: ChannelHandlerContext) { expect(within: first, context) }

    /// Nothing is waited for any more.
    public func handlerRemoved(context: ChannelHandlerContext) { arrived() }

    /// Nothing is waited for any more.
    public func channelInactive(context: ChannelHandlerContext) {
        arrived()
        context.fireChannelInactive()
    }

    /// Looks for a request's beginning and end.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: expect(within: whole, context)
        case .body: break
        case .end: arrived()
        }
        context.fireChannelRead(data)
    }

    private func expect(within limit: TimeAmount, _ context: ChannelHandlerContext) {
        arrived()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    }

    private func arrived() {
        deadline?.cancel()
        deadline = nil
    }
}
