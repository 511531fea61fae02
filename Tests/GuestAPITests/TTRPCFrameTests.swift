import Encodings
import NIOCore
import TestInput
import Testing

@testable import GuestAPI

@Suite("ttrpc frames")
struct TTRPCFrameTests {
    struct Recorded: Sendable, CustomTestStringConvertible {
        let name: String
        let service: String
        let method: String
        let requestFrame: [UInt8]
        let requestMessage: [UInt8]
        let responseFrame: [UInt8]
        let responseMessage: [UInt8]

        var testDescription: String { name }

        static let all: [Recorded] = {
            let entries = (try? Vectors.json("ttrpc-frames.json"))?.arrayValue ?? []
            return entries.compactMap { try? Recorded($0) }
        }()

        init(_ entry: JSONValue) throws {
            func text(_ key: String) throws -> String { try #require(entry[key]?.stringValue) }
            name = try text("name")
            service = try text("service")
            method = try text("method")
            requestFrame = try Hex.decode(text("request_frame_hex"))
            requestMessage = try Hex.decode(text("request_message_hex"))
            responseFrame = try Hex.decode(text("response_frame_hex"))
            responseMessage = try Hex.decode(text("response_message_hex"))
        }
    }

    @Test("all recorded frames are there")
    func recorded() { #expect(Recorded.all.count == 9) }

    @Test("GC 9.A.22: recorded frames are read and written byte for byte", arguments: Recorded.all)
    func bytes(recorded: Recorded) throws {
        var reader = TTRPCFrameReader()
        // One byte at a time, and the answer right behind the request.
        for byte in recorded.requestFrame { reader.append(ByteBuffer(bytes: [byte])) }
        reader.append(ByteBuffer(bytes: recorded.responseFrame))
        let first = try #require(try reader.next())
        let second = try #require(try reader.next())
        #expect(try reader.next() == nil && !reader.hasPartOfFrame)
        #expect(first.streamID == 1 && first.kind == TTRPCFrame.Kind.request && first.flags == 0)
        #expect(Array(first.serialized().readableBytesView) == recorded.requestFrame)

        let request = try Ttrpc_Request(serializedBytes: Array(first.data.readableBytesView))
        #expect(request.service == recorded.service && request.method == recorded.method)
        #expect(Array(request.payload) == recorded.requestMessage && request.timeoutNano == 50_000_000_000)
        #expect(try request.serializedBytes() as [UInt8] == Array(first.data.readableBytesView))

        let response = try Ttrpc_Response(serializedBytes: Array(second.data.readableBytesView))
        let answer =
            response.status.code == 0
            ? Ttrpc_Response(payload: recorded.responseMessage)
            : Ttrpc_Response(TTRPCStatus(.internalError, response.status.message))
        let frame = TTRPCFrame(
            streamID: 1, kind: TTRPCFrame.Kind.response, data: TTRPCWork.message(answer))
        #expect(Array(frame.serialized().readableBytesView) == recorded.responseFrame)
    }

    @Test("GC 9.A.22: the header decides at once that a frame is too large, and its length reserves nothing")
    func oversized() throws {
        for length: UInt32 in [4_194_305, 0x7FFF_FFFF, .max] {
            var reader = TTRPCFrameReader()
            var header = ByteBuffer(integer: length)
            header.writeBytes([0, 0, 0, 5, 1, 0])
            reader.append(header)
            #expect(throws: TTRPCOversizedFrame(streamID: 5, dataBytes: length)) { try reader.next() }
        }
        var reader = TTRPCFrameReader()
        reader.append(ByteBuffer(bytes: [0x00, 0x40, 0x00, 0x00, 0, 0, 0, 5, 1, 0]))
        #expect(try reader.next() == nil && reader.hasPartOfFrame)
    }

    @Test("frames are the same in whatever pieces their bytes arrive", arguments: 0..<50)
    func pieces(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let frames = (0..<Int.random(in: 1...12, using: &random)).map { _ in
            TTRPCFrame(
                streamID: UInt32.random(in: 0...UInt32.max, using: &random),
                kind: UInt8.random(in: 0...4, using: &random),
                flags: UInt8.random(in: 0...7, using: &random),
                data: ByteBuffer(
                    bytes: (0..<Int.random(in: 0...300, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }))
        }
        var bytes = frames.flatMap { Array($0.serialized().readableBytesView) }[...]
        var reader = TTRPCFrameReader()
        var seen: [TTRPCFrame] = []
        while !bytes.isEmpty {
            let piece = bytes.prefix(Int.random(in: 1...64, using: &random))
            bytes = bytes.dropFirst(piece.count)
            reader.append(ByteBuffer(bytes: piece))
            while let frame = try reader.next() { seen.append(frame) }
        }
        #expect(seen == frames && !reader.hasPartOfFrame)
    }

    @Test("what a request says beside its call is dropped and not kept")
    func metadata() throws {
        var known = Ttrpc_Request()
        known.service = "a.B"
        known.method = "C"
        let bytes: [UInt8] = try known.serializedBytes()
        // Two pairs of metadata, and a field of a later version.
        let more: [UInt8] = [0x2A, 0x00, 0x2A, 0x04, 0x0A, 0x02, 0x61, 0x62, 0xF2, 0x01, 0x03, 1, 2, 3]
        let frame = TTRPCFrame(streamID: 1, kind: TTRPCFrame.Kind.request, data: ByteBuffer(bytes: bytes + more))
        let request = try Ttrpc_Request(frame)
        #expect(request == known && request.unknownFields.data.isEmpty)
    }
}
