import Foundation
import NIOCore
import TestInput
import Testing

@testable import GuestAPI

@Suite("The ttrpc server", .timeLimit(.minutes(5)))
struct TTRPCServerTests {
    private static let service = "test.Service"
    /// A message with this one field has any payload as its bytes.
    private static let payload: [UInt8] = [0x0A, 0x02, 0x68, 0x69]

    @Test("GC 9.A.22: several requests are in flight on one connection, and answered as they are ready")
    func inFlight() async throws {
        try await TestServices.serving { path, gate in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                for stream: UInt32 in [1, 3, 5] { try await client.request(stream, Self.service, "Wait") }
                let quick = try await client.call(Self.service, "Echo", payload: Self.payload, stream: 7)
                #expect(quick == TTRPCAnswer(stream: 7, payload: Self.payload))
                await gate.open()
                var streams: Set<UInt32> = []
                for _ in 0..<3 { streams.insert(try await client.answer().stream) }
                #expect(streams == [1, 3, 5])
            }
        }
    }

    @Test(
        "GC 9.A.22: calls that lead nowhere get the reference's codes and sentences",
        arguments: [
            ("test.Service", "Never", 5, "/test.Service/Never is not supported"),
            ("test.Service", "Other", 12, "Other method"),
            ("test.Other", "Echo", 3, "test.Other service does not exist"),
            ("", "", 3, " service does not exist"),
        ])
    func nowhere(service: String, method: String, code: Int32, message: String) async throws {
        try await TestServices.serving { path, _ in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                let answer = try await client.call(service, method)
                #expect(answer == TTRPCAnswer(stream: 1, code: code, message: message))
                #expect(try await client.call(Self.service, "Echo").code == 0)
            }
        }
    }

    @Test("GC 9.A.22: even streams are refused, frames for streams that do not exist too, unknown kinds are skipped")
    func streams() async throws {
        try await TestServices.serving { path, _ in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                for stream: UInt32 in [0, 2, .max - 1] {
                    let answer = try await client.call(Self.service, "Echo", stream: stream)
                    #expect(answer == TTRPCAnswer(stream: stream, code: 3, message: "stream id must be odd"))
                }
                try await client.send(TTRPCFrame(streamID: 1, kind: 3, data: ByteBuffer(bytes: [1])))
                #expect(try await client.answer().message == "Stream is no longer active")
                for kind: UInt8 in [0, 2, 4, 255] {
                    try await client.send(TTRPCFrame(streamID: 1, kind: kind, flags: 255, data: ByteBuffer()))
                }
                #expect(try await client.call(Self.service, "Echo", payload: Self.payload).payload == Self.payload)
            }
        }
    }

    @Test("GC 9.A.22: a frame of 4 MiB is read; one byte more is refused with the reference's sentence, and the end")
    func oversized() async throws {
        try await TestServices.serving { path, _ in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                var frame = try TTRPCTestClient.frame(1, Self.service, "Echo")
                // Fields that nobody knows fill the frame up; a varint of four bytes tells their length.
                let room = TTRPCFrame.maximumDataBytes - frame.data.readableBytes - 6
                frame.data.writeBytes([0xFA, 0x01] + Self.varint(room))
                frame.data.writeRepeatingByte(0, count: room)
                #expect(frame.data.readableBytes == TTRPCFrame.maximumDataBytes)
                try await client.send(frame)
                #expect(try await client.answer() == TTRPCAnswer(stream: 1))

                try await client.send([0x00, 0x40, 0x00, 0x01, 0, 0, 0, 9, 1, 0])
                let message = "message length 4194305 exceed maximum message size of 4194304"
                #expect(try await client.answer() == TTRPCAnswer(stream: 9, code: 3, message: message))
                #expect(try await client.next() == nil)
            }
        }
    }

    private static func varint(_ number: Int) -> [UInt8] {
        (0..<4).map { UInt8(number >> (7 * $0) & 0x7F) | ($0 < 3 ? 0x80 : 0) }
    }

    @Test("GC 9.C.49: an answer that no frame can hold becomes a failure, and the connection goes on")
    func largeAnswer() async throws {
        try await TestServices.serving { path, _ in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                let answer = try await client.call(Self.service, "Large")
                #expect(answer.code == 3 && answer.message.hasSuffix("exceed maximum message size of 4194304"))
                #expect(try await client.call(Self.service, "Echo").code == 0)
            }
        }
    }

    @Test(
        "a request that is no protobuf message is refused, then the connection ends; a payload that is none, is refused"
    )
    func malformed() async throws {
        try await TestServices.serving { path, _ in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                #expect(try await client.call(Self.service, "Echo", payload: [0xFF, 0xFF]).code == 3)
                try await client.send(TTRPCFrame(streamID: 1, kind: 1, data: ByteBuffer(bytes: [0xFF, 0xFF])))
                #expect(try await client.answer().code == 3)
                #expect(try await client.next() == nil)
            }
        }
    }

    @Test("a stream that is still in use cannot be used for a second call")
    func reusedStream() async throws {
        try await TestServices.serving { path, gate in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                try await client.request(1, Self.service, "Wait")
                try await client.request(1, Self.service, "Echo")
                #expect(try await client.next() == nil)
                await gate.open()
            }
        }
    }

    @Test("the caller's deadline is kept; none, or one beyond all measure, does no harm")
    func deadlines() async throws {
        try await TestServices.serving { path, gate in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                let late = try await client.call(Self.service, "Wait", timeout: 1_000_000)
                #expect(late == TTRPCAnswer(stream: 1, code: 4, message: "timeout"))
                await gate.open()
                for timeout: Int64 in [.max, .min, -1, 50_000_000_000] {
                    #expect(try await client.call(Self.service, "Wait", stream: 3, timeout: timeout).code == 0)
                }
            }
        }
    }

    @Test("a client that asks faster than answers come is held back, and loses nothing")
    func backPressure() async throws {
        try await TestServices.serving { path, gate in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                let streams = (0..<100).map { UInt32(2 * $0 + 1) }
                var bytes: [UInt8] = []
                for stream in streams {
                    let frame = try TTRPCTestClient.frame(stream, Self.service, "Wait", payload: Self.payload)
                    bytes += Array(frame.serialized().readableBytesView)
                }
                try await client.send(bytes)
                try await eventually { await gate.arrivals == TTRPCLimits().callsPerConnection }
                // A second connection is served all the same, and meanwhile no further call of the first has begun.
                try await TTRPCTestClient.connected(to: path) { other async throws in
                    #expect(try await other.call(Self.service, "Echo").code == 0)
                }
                #expect(await gate.arrivals == TTRPCLimits().callsPerConnection)
                await gate.open()
                var answered: Set<UInt32> = []
                for _ in streams { answered.insert(try await client.answer().stream) }
                #expect(answered == Set(streams))
            }
        }
    }

    @Test("a flood of tiny frames is answered one after the other, not on a deep stack")
    func tinyFrames() async throws {
        try await TestServices.serving { path, _ in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                let frame: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 2, 1, 0]
                for _ in 0..<20 {
                    try await client.send(Array([[UInt8]](repeating: frame, count: 500).joined()))
                    for _ in 0..<500 { #expect(try await client.answer().code == 3) }
                }
                #expect(try await client.call(Self.service, "Echo").code == 0)
            }
        }
    }

    @Test("half a frame, and one whose bytes trickle in, end the connection when their time is over")
    func slowFrames() async throws {
        var limits = TTRPCLimits()
        limits.frameTime = .milliseconds(300)
        try await TestServices.serving(limits: limits) { path, _ in
            try await TTRPCTestClient.connected(to: path) { client async throws in
                try await client.send([0, 0, 0, 5, 0, 0, 0, 1, 1, 0, 1, 2])
                #expect(try await client.next() == nil)
            }
            try await TTRPCTestClient.connected(to: path) { client async throws in
                let output = client.output
                let drip = Task {
                    for byte in [0, 0, 0xFF, 0, 0, 0, 0, 1, 1, 0] + [UInt8](repeating: 0, count: 10_000) {
                        try await output.write(ByteBuffer(bytes: [byte]))
                        try await Task.sleep(for: .milliseconds(20))
                    }
                }
                #expect(try await client.next() == nil)
                drip.cancel()
            }
            // Nothing begun, nothing ended: a quiet connection stays.
            try await TTRPCTestClient.connected(to: path) { client async throws in
                try await Task.sleep(for: .milliseconds(900))
                #expect(try await client.call(Self.service, "Echo").code == 0)
            }
        }
    }

    @Test("random bytes and damaged frames never take the server with them", arguments: 0..<8)
    func randomBytes(seed: Int) async throws {
        try await TestServices.serving { path, _ in
            for round in 0..<12 {
                try? await TTRPCTestClient.connected(to: path) { client async throws in
                    var random = SeededGenerator(seed: UInt64(seed * 100 + round))
                    var bytes: [UInt8] = []
                    for index in 0..<20 {
                        let frame = try TTRPCTestClient.frame(UInt32(2 * index + 1), Self.service, "Echo")
                        bytes += Array(frame.serialized().readableBytesView)
                    }
                    for _ in 0..<Int.random(in: 0...40, using: &random) {
                        let place = Int.random(in: 0..<bytes.count, using: &random)
                        bytes[place] = UInt8.random(in: 0...255, using: &random)
                    }
                    if round % 3 == 0 { bytes = bytes.map { _ in UInt8.random(in: 0...255, using: &random) } }
                    try await client.send(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
                }
            }
            try await TTRPCTestClient.connected(to: path) { client async throws in
                #expect(try await client.call(Self.service, "Echo", payload: Self.payload).payload == Self.payload)
            }
        }
    }

    @Test("whoever goes away is forgotten, but keeps the place until the work is over: leaving starts nothing for free")
    func goneClients() async throws {
        var limits = TTRPCLimits()
        limits.connections = 2
        try await TestServices.serving(limits: limits) { path, gate in
            for number in 1...2 {
                try await TTRPCTestClient.connected(to: path) { client async throws in
                    try await client.request(1, Self.service, "Wait")
                    try await eventually { await gate.arrivals == number }
                }
            }
            #expect(try await !Self.isServed(path))
            await gate.open()
            for _ in 0..<10 { try await eventually { try await Self.isServed(path) } }
        }
    }

    private static func isServed(_ path: String) async throws -> Bool {
        try await TTRPCTestClient.connected(to: path) { client in
            try? await client.request(1, service, "Echo")
            return try await client.next() != nil
        }
    }
}
