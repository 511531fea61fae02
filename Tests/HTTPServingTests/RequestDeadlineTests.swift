import HTTPServing
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

/// Time is the embedded loop's: nothing waits.
@Suite("Requests that do not come")
struct RequestDeadlineTests {
    private func connection() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: RequestDeadline(first: .seconds(5), whole: .seconds(10)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func send(_ part: HTTPRequestPart, on channel: EmbeddedChannel) throws {
        try channel.writeInbound(part)
        #expect(try channel.readInbound(as: HTTPRequestPart.self) == part)
    }

    private var head: HTTPRequestPart {
        .head(HTTPRequest(method: .post, scheme: "https", authority: "a", path: "/"))
    }

    @Test("a connection that asks nothing is closed")
    func silent() throws {
        let channel = try connection()
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(4_999))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!channel.isActive)
    }

    @Test("a request that never ends closes its connection, however often a byte comes")
    func trickle() throws {
        let channel = try connection()
        channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        try send(head, on: channel)
        for _ in 0..<9 {
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try send(.body(ByteBuffer(bytes: [1])), on: channel)
        }
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test("a request that came whole is not hurried, nor is the next one waited for")
    func between() throws {
        let channel = try connection()
        for _ in 0..<3 {
            try send(head, on: channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(9))
            try send(.end(nil), on: channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(100))
        }
        #expect(channel.isActive)
        _ = try channel.finish()
    }
}
