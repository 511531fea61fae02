import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import GuestAPI

/// A ttrpc client that can also send what no client should.
final class TTRPCTestClient {
    private var input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let output: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var reader = TTRPCFrameReader()

    /// Connects, and closes the connection after the body.
    static func connected<Result>(
        to path: String, _ body: (TTRPCTestClient) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { input, output in
            try await body(TTRPCTestClient(input: input.makeAsyncIterator(), output: output))
        }
    }

    private init(
        input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator, output: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.input = input
        self.output = output
    }

    func send(_ bytes: [UInt8]) async throws { try await output.write(ByteBuffer(bytes: bytes)) }

    func send(_ frame: TTRPCFrame) async throws { try await output.write(frame.serialized()) }

    func request(
        _ stream: UInt32, _ service: String, _ method: String, payload: [UInt8] = [], timeout: Int64 = 0
    ) async throws {
        try await send(Self.frame(stream, service, method, payload: payload, timeout: timeout))
    }

    static func frame(
        _ stream: UInt32, _ service: String, _ method: String, payload: [UInt8] = [], timeout: Int64 = 0
    ) throws -> TTRPCFrame {
        var request = Ttrpc_Request()
        request.service = service
        request.method = method
        request.payload = Data(payload)
        request.timeoutNano = timeout
        let bytes: [UInt8] = try request.serializedBytes()
        return TTRPCFrame(streamID: stream, kind: TTRPCFrame.Kind.request, data: ByteBuffer(bytes: bytes))
    }

    /// The next frame from the server; nil when it closed the connection.
    func next() async throws -> TTRPCFrame? {
        while true {
            if let frame = try reader.next() { return frame }
            do {
                guard let more = try await input.next() else { return nil }
                reader.append(more)
            } catch let error as IOError where error.errnoCode == ECONNRESET {
                return nil
            }
        }
    }

    /// The next answer: its stream, and its result or its status.
    func answer() async throws -> TTRPCAnswer {
        let frame = try #require(try await next())
        #expect(frame.kind == TTRPCFrame.Kind.response && frame.flags == 0)
        let response = try Ttrpc_Response(serializedBytes: Array(frame.data.readableBytesView))
        return TTRPCAnswer(
            stream: frame.streamID, code: response.status.code, message: response.status.message,
            payload: Array(response.payload))
    }

    /// Calls a method and takes its answer.
    func call(
        _ service: String, _ method: String, payload: [UInt8] = [], stream: UInt32 = 1, timeout: Int64 = 0
    ) async throws -> TTRPCAnswer {
        try await request(stream, service, method, payload: payload, timeout: timeout)
        let answer = try await answer()
        #expect(answer.stream == stream)
        return answer
    }
}

struct TTRPCAnswer: Equatable {
    var stream: UInt32
    var code: Int32 = 0
    var message = ""
    var payload: [UInt8] = []
}

/// Services that wait until they are let go, echo, and answer much.
struct TestServices {
    let services: TTRPCServices
    let gate: Gate

    init() {
        let gate = Gate()
        self.gate = gate
        services = TTRPCServices([
            TTRPCService(
                name: "test.Service",
                methods: [
                    "Echo": TTRPCMethod { (input: Api_GetResourceResponse) async throws(TTRPCStatus) in input },
                    "Wait": TTRPCMethod { (input: Api_GetResourceResponse) async throws(TTRPCStatus) in
                        await gate.pass()
                        return input
                    },
                    "Large": TTRPCMethod { (_: Api_GetResourceResponse) async throws(TTRPCStatus) in
                        var output = Api_GetResourceResponse()
                        output.resource = Data(count: TTRPCFrame.maximumDataBytes)
                        return output
                    },
                ],
                unsupported: ["Never"])
        ])
    }

    /// Runs a server with these services until the body is done.
    static func serving(
        peers: AllowedPeers = AllowedPeers(), limits: TTRPCLimits = TTRPCLimits(),
        _ body: @Sendable @escaping (_ path: String, _ gate: Gate) async throws -> Void
    ) async throws {
        let test = TestServices()
        let path = ServerTests.socketPath()
        defer { unlink(path) }
        try await ServerTests.serving { announce in
            try await TTRPCServer(
                test.services, on: .unix(path: path), peers: peers, limits: limits, logger: ServerTests.quiet,
                onListening: { await announce(nil) }
            ).run()
        } _: { _ in
            try await body(path, test.gate)
        }
    }
}

/// Holds callers until it is opened.
actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// How many came.
    private(set) var arrivals = 0

    func pass() async {
        arrivals += 1
        guard !isOpen else { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
