import Broker
import BrokerTestSupport
import HTTPServing
import HTTPTypes
import Hummingbird
import NIOCore
import Testing

@testable import BrokerAPI

@Suite("Request bodies")
struct BodyReaderTests {
    private func request(_ count: Int, parts: Int = 1) -> Request {
        let stream = AsyncStream<ByteBuffer> { continuation in
            for _ in 0..<parts { continuation.yield(ByteBuffer(repeating: 1, count: count)) }
            continuation.finish()
        }
        return Request(
            head: HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/"),
            body: RequestBody(asyncSequence: stream))
    }

    private func read(_ reader: BodyReader, _ request: Request) async throws(BrokerError) -> [UInt8] {
        try await reader.read(request, upTo: 80, refusal: BrokerError.init) { body throws(BrokerError) in body }
    }

    private func refusal(_ reader: BodyReader, _ count: Int, parts: Int = 1) async -> BrokerError? {
        do throws(BrokerError) {
            _ = try await read(reader, request(count, parts: parts))
            return nil
        } catch {
            return error
        }
    }

    @Test("A6: bodies are held in bounded memory together, and given back")
    func capacity() async throws {
        let reader = BodyReader(capacity: 100, timeLimit: .seconds(60))
        let count = try await reader.read(request(30, parts: 2), upTo: 80, refusal: BrokerError.init) {
            outer throws(BrokerError) in
            #expect(reader.heldBytes == 60)
            let refusal = await refusal(reader, 41)
            #expect(refusal?.kind == .unavailable)
            #expect(refusal?.code == "bodies_too_large")
            #expect(reader.heldBytes == 60)
            return outer.count + (try await read(reader, request(40)).count)
        }
        #expect(count == 100)
        #expect(reader.heldBytes == 0)
    }

    @Test("a body that is too large or too slow is refused and nothing of it is kept")
    func limits() async {
        let reader = BodyReader(capacity: 1_000, timeLimit: .seconds(60))
        let large = await refusal(reader, 30, parts: 3)
        #expect(large?.kind == .tooLarge)
        let slow = BodyReader(capacity: 1_000, timeLimit: .zero)
        let late = await refusal(slow, 1)
        #expect(late?.code == "body_too_slow")
        #expect(reader.heldBytes == 0 && slow.heldBytes == 0)
    }

    @Test("A6: strangers get little memory: small bodies for challenges, none for attestations without a challenge")
    func strangers() async throws {
        try await RunningBroker.serve { server in
            let large = [UInt8](repeating: 0x20, count: 65_537)
            #expect(try await server.send("POST", "/kbs/v0/auth", body: large).status == 413)
            #expect(try await server.send("POST", "/kbs/v0/attest", body: large).status == 401)
            let tooLarge = [UInt8](repeating: 0x20, count: 2_097_153)
            #expect(try await server.send("POST", "/kbs/v0/attest", body: tooLarge).status == 401)
            let challenge = try await server.send("POST", "/kbs/v0/auth", body: SampleGuest.authBody())
            let reply = try await server.send(
                "POST", "/kbs/v0/attest", cookie: challenge.sessionCookie, body: tooLarge)
            #expect(reply.status == 413)
        }
    }
}
