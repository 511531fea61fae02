import Encodings
import FoundationEssentials
import Guest
import NIOCore
import NIOPosix
import SwiftProtobuf

/// Calls one ttrpc method on a Unix socket, on a connection of its own.
struct TTRPCClient: Sendable {
    let path: String

    /// - Throws: `GuestError` with what the server says.
    func call<Input: Message, Output: Message>(
        _ service: String, _ method: String, _ input: Input
    ) async throws(GuestError) -> Output {
        let response: Ttrpc_Response
        do {
            response = try await exchange(service, method, Data(input.serializedBytes() as [UInt8]))
        } catch {
            throw GuestError(.unavailable, "The ttrpc socket \(path) does not answer \(method).")
        }
        guard response.status.code == 0 else {
            throw GuestError(.undecryptable, "The server at \(path) answers: \(response.status.message.printable)")
        }
        guard let output = try? Output(serializedBytes: response.payload) else {
            throw GuestError(.unexpected, "The server at \(path) answers \(method) with something else.")
        }
        return output
    }

    private func exchange(_ service: String, _ method: String, _ payload: Data) async throws -> Ttrpc_Response {
        var request = Ttrpc_Request()
        request.service = service
        request.method = method
        request.payload = payload
        let bytes: [UInt8] = try request.serializedBytes()
        let frame = TTRPCFrame(streamID: 1, kind: TTRPCFrame.Kind.request, data: ByteBuffer(bytes: bytes))
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { input, output in
            try await output.write(frame.serialized())
            var reader = TTRPCFrameReader()
            for try await more in input {
                reader.append(more)
                guard let answer = try reader.next() else { continue }
                guard answer.kind == TTRPCFrame.Kind.response, answer.streamID == 1 else { break }
                return try Ttrpc_Response(serializedBytes: Array(answer.data.readableBytesView))
            }
            throw TTRPCStatus(.internalError, "no answer")
        }
    }
}
