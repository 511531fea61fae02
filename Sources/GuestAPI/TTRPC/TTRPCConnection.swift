import Logging
import NIOCore

/// One client's connection: reads requests, lets several be answered at once, and writes each answer when it is there.
///
/// Nothing is read while as many calls as allowed are under way or their answers are not taken, so a client that asks
/// faster than it listens is held back by its own socket.
final class TTRPCConnection: ChannelInboundHandler, ChannelOutboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Call {
        let task: Task<Void, Never>
        let bytes: Int
        let deadline: Scheduled<Void>?
        /// Answered by its deadline; the work has still to end.
        var isAnswered = false
    }

    /// Whoever allows more than an hour, in nanoseconds, allows any time.
    private static let longestDeadline: Int64 = 3_600_000_000_000

    private let work: TTRPCWork
    private let limits: TTRPCLimits
    private let connections: TTRPCConnections
    private let logger: Logger

    private var context: ChannelHandlerContext?
    private var reader = TTRPCFrameReader()
    private var calls: [UInt32: Call] = [:]
    private var answersUnderWay = 0
    private var bytesHeld = 0
    private var frameTimer: Scheduled<Void>?
    private var isReadHeldBack = false
    private var isStarting = false
    private var isClosing = false

    init(_ work: TTRPCWork, limits: TTRPCLimits, connections: TTRPCConnections, logger: Logger) {
        self.work = work
        self.limits = limits
        self.connections = connections
        self.logger = logger
    }

    private var hasRoom: Bool {
        !isClosing && calls.count + answersUnderWay < limits.callsPerConnection && bytesHeld < limits.bytesPerConnection
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        let work = end()
        self.context = nil
        guard !work.isEmpty else { return connections.remove(context.channel) }
        // Who asks and goes away keeps the place until the work is over; otherwise connecting again would start any
        // number of calls.
        Task { [connections, channel = context.channel] in
            for task in work { await task.value }
            connections.remove(channel)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        frameTimer?.cancel()
        frameTimer = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close("the connection failed: \(error)")
    }

    func read(context: ChannelHandlerContext) {
        guard hasRoom else {
            isReadHeldBack = true
            return
        }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        reader.append(unwrapInboundIn(data))
        startCalls()
    }

    // MARK: Requests

    private func startCalls() {
        // An answer that is taken at once leads back here; a buffer full of tiny frames must not become a deep stack.
        guard !isStarting else { return }
        isStarting = true
        defer { isStarting = false }
        do throws(TTRPCOversizedFrame) {
            while hasRoom, let frame = try reader.next() {
                frameTimer?.cancel()
                frameTimer = nil
                accept(frame)
            }
        } catch {
            // What follows would have to be skipped, up to 4 GiB of it.
            logger.warning("a frame is too large", metadata: ["bytes": "\(error.dataBytes)"])
            isClosing = true
            answer(error.streamID, Ttrpc_Response(.oversized(Int(error.dataBytes))))
        }
        watchFrame()
        guard hasRoom, isReadHeldBack else { return }
        isReadHeldBack = false
        context?.read()
    }

    private func accept(_ frame: TTRPCFrame) {
        guard frame.streamID % 2 == 1 else {
            return answer(frame.streamID, Ttrpc_Response(TTRPCStatus(.invalidArgument, "stream id must be odd")))
        }
        switch frame.kind {
        case TTRPCFrame.Kind.request:
            guard calls[frame.streamID] == nil else { return close("a stream was used for two calls at once") }
            let bytes = frame.data.readableBytes
            guard let request = try? Ttrpc_Request(frame) else {
                isClosing = true
                return answer(
                    frame.streamID, Ttrpc_Response(TTRPCStatus(.invalidArgument, "The frame is no request.")))
            }
            start(request, on: frame.streamID, bytes: bytes)
        case TTRPCFrame.Kind.data:
            answer(frame.streamID, Ttrpc_Response(TTRPCStatus(.invalidArgument, "Stream is no longer active")))
        default:
            logger.debug("a frame of unknown kind was skipped", metadata: ["kind": "\(frame.kind)"])
        }
    }

    private func start(_ request: Ttrpc_Request, on stream: UInt32, bytes: Int) {
        guard let eventLoop = context?.eventLoop else { return }
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        let task = Task { [work] in
            let response = await work.response(to: request)
            eventLoop.execute { connection.value.finish(stream, response) }
        }
        var deadline: Scheduled<Void>?
        if (1...Self.longestDeadline).contains(request.timeoutNano) {
            deadline = eventLoop.scheduleTask(in: .nanoseconds(request.timeoutNano)) {
                connection.value.giveUp(stream)
            }
        }
        if calls.isEmpty, let channel = context?.channel { connections.setIdle(false, channel) }
        calls[stream] = Call(task: task, bytes: bytes, deadline: deadline)
        bytesHeld += bytes
    }

    // MARK: Answers

    private func finish(_ stream: UInt32, _ response: Ttrpc_Response) {
        guard let call = calls.removeValue(forKey: stream) else { return }
        call.deadline?.cancel()
        bytesHeld -= call.bytes
        if calls.isEmpty, let channel = context?.channel { connections.setIdle(true, channel) }
        if !call.isAnswered { answer(stream, response) }
        startCalls()
    }

    private func giveUp(_ stream: UInt32) {
        guard calls[stream]?.isAnswered == false else { return }
        calls[stream]?.isAnswered = true
        calls[stream]?.task.cancel()
        answer(stream, Ttrpc_Response(TTRPCStatus(.deadlineExceeded, "timeout")))
    }

    private func answer(_ stream: UInt32, _ response: Ttrpc_Response) {
        guard let context else { return }
        let frame = TTRPCFrame(
            streamID: stream, kind: TTRPCFrame.Kind.response, data: TTRPCWork.message(response)
        ).serialized()
        let bytes = frame.readableBytes
        answersUnderWay += 1
        bytesHeld += bytes
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        let stall = context.eventLoop.scheduleTask(in: limits.frameTime) {
            connection.value.close("an answer was not taken in time")
        }
        context.writeAndFlush(wrapOutboundOut(frame)).assumeIsolated().whenComplete { _ in
            stall.cancel()
            self.answersUnderWay -= 1
            self.bytesHeld -= bytes
            if self.isClosing {
                self.context?.close(promise: nil)
            } else {
                self.startCalls()
            }
        }
    }

    // MARK: Endings

    /// A frame that has begun has to arrive within its time, however its bytes trickle in.
    private func watchFrame() {
        guard hasRoom, reader.hasPartOfFrame else {
            frameTimer?.cancel()
            frameTimer = nil
            return
        }
        guard frameTimer == nil, let eventLoop = context?.eventLoop else { return }
        let connection = NIOLoopBound(self, eventLoop: eventLoop)
        frameTimer = eventLoop.scheduleTask(in: limits.frameTime) {
            connection.value.close("a frame did not arrive in time")
        }
    }

    private func close(_ reason: String) {
        isClosing = true
        logger.warning("a ttrpc connection is closed", metadata: ["reason": "\(reason)"])
        context?.close(promise: nil)
    }

    /// Cancels what is under way.
    ///
    /// - Returns: the work that has still to end.
    private func end() -> [Task<Void, Never>] {
        isClosing = true
        frameTimer?.cancel()
        frameTimer = nil
        let tasks = calls.values.map(\.task)
        for call in calls.values { call.deadline?.cancel() }
        for task in tasks { task.cancel() }
        calls = [:]
        reader = TTRPCFrameReader()
        return tasks
    }
}
