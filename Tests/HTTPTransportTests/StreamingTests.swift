import Foundation
import Hummingbird
import Synchronization
import Testing

@testable import HTTPTransport

@Suite("Answers that are read while they arrive", .timeLimit(.minutes(5)))
struct StreamingTests {
    @Test("status and headers come before the body, and pieces come when the server writes them")
    func pieces() async throws {
        let (orders, order) = AsyncStream<Void>.makeStream()
        try await Self.serving { writer in
            for number in UInt8(1)...3 {
                for await _ in orders { break }
                try await writer.write(ByteBuffer(bytes: [number, number]))
            }
        } _: { client, request in
            let response = try await client.stream(request)
            #expect(response.head.status == 200)
            #expect(response.head.header("Content-Type") == "stream")
            #expect(response.head.body.isEmpty)
            var iterator = response.body.makeAsyncIterator()
            for number in UInt8(1)...3 {
                order.yield()
                #expect(try await iterator.next() == [number, number])
            }
            #expect(try await iterator.next() == nil)
            #expect(try await iterator.next() == nil)
        }
    }

    @Test("a body far larger than the buffer arrives whole, though its exchange pauses whenever the buffer is full")
    func integrity() async throws {
        let pieces = UInt8(0)..<200
        let length = 50_021
        try await Self.serving { writer in
            for number in pieces { try await writer.write(ByteBuffer(repeating: number, count: length)) }
        } _: { client, request in
            let all = try await client.stream(request).body.collect(upTo: pieces.count * length)
            #expect(all == pieces.flatMap { [UInt8](repeating: $0, count: length) })
        }
    }

    @Test("what nobody reads is not taken beyond the buffer's limit, and is asked for again once it was read")
    func limit() {
        let body = StreamedBody()
        let piece = [UInt8](repeating: 7, count: 16_384)
        var taken = 0
        while taken < 100 {
            guard case .taken = piece.withUnsafeBytes({ body.receive($0) }) else { break }
            taken += 1
        }
        #expect(taken * piece.count == StreamedBody.maximumBufferedBytes)
        guard case .bytes(let bytes, let resumes) = body.supply() else {
            Issue.record("there are bytes")
            return
        }
        #expect(bytes.count == StreamedBody.maximumBufferedBytes)
        #expect(resumes)
        #expect(body.supply().map { _ in true } == nil)
        guard case .taken = piece.withUnsafeBytes({ body.receive($0) }) else {
            Issue.record("there is room")
            return
        }
        guard case .bytes(_, resumes: false) = body.supply() else {
            Issue.record("it was not paused")
            return
        }
    }

    @Test("a reader that stops reading holds the server up")
    func backPressure() async throws {
        let written = Mutex(0)
        let size = 1_073_741_824
        try await Self.serving { writer in
            while written.withLock({ $0 }) < size {
                try await writer.write(ByteBuffer(repeating: 1, count: 1_048_576))
                written.withLock { $0 += 1_048_576 }
            }
        } _: { client, request in
            let response = try await client.stream(request)
            var iterator = response.body.makeAsyncIterator()
            _ = try await iterator.next()
            // Other exchanges of the same client go on meanwhile.
            for _ in 0..<200 { #expect(try await client.send(request.to("/short")).status == 200) }
            #expect(written.withLock { $0 } < 256 * 1_048_576)
        }
    }

    @Test("a silent server is given up after the idle limit, and only while somebody waits")
    func idle() async throws {
        let isExpired = Atomic(false)
        let limits = Mutex<[Duration]>([])
        try await Self.serving { writer in
            try await writer.write(ByteBuffer(bytes: [1]))
            try await Task.sleep(for: .seconds(600))
        } _: { client, request in
            let response = try await client.stream(request, idleLimit: .seconds(130)) { limit in
                limits.withLock { $0.append(limit) }
                while limit != .seconds(130) || !isExpired.load(ordering: .relaxed) {
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            var iterator = response.body.makeAsyncIterator()
            #expect(try await iterator.next() == [1])
            isExpired.store(true, ordering: .relaxed)
            let failure = await #expect(throws: HTTPTransportError.self) { try await iterator.next() }
            #expect(failure?.code == .idle)
            #expect(limits.withLock { $0.last } == .seconds(130))
            let again = await #expect(throws: HTTPTransportError.self) { try await iterator.next() }
            #expect(again?.code == .idle)
        }
    }

    @Test("a server that takes the request and never answers is given up after the request's timeout")
    func noHead() async throws {
        try await Self.serving { _ in
        } _: { client, request in
            var silent = request.to("/silent")
            silent.timeout = .milliseconds(200)
            let failure = await #expect(throws: HTTPTransportError.self) { try await client.stream(silent) }
            #expect(failure?.code == .timeout)
        }
    }

    @Test("a connection that is cut gives what was received and then an error, never a good end")
    func cut() async throws {
        struct Cut: Error {}
        try await Self.serving { writer in
            try await writer.write(ByteBuffer(bytes: [1, 2]))
            throw Cut()
        } _: { client, request in
            // The server may cut before anything of its answer is on its way.
            let failure = await #expect(throws: HTTPTransportError.self) {
                for try await piece in try await client.stream(request).body { #expect(piece == [1, 2]) }
            }
            #expect(failure?.code == .connectionLost)
        }
    }

    @Test("cancelling the reader ends the exchange, which the server notices")
    func cancellation() async throws {
        let (endings, ended) = AsyncStream<Void>.makeStream()
        let (readings, reading) = AsyncStream<Void>.makeStream()
        try await Self.serving { writer in
            defer { ended.yield() }
            while true { try await writer.write(ByteBuffer(repeating: 1, count: 65_536)) }
        } _: { client, request in
            let reader = Task {
                for try await _ in try await client.stream(request).body { reading.yield() }
            }
            for await _ in readings { break }
            reader.cancel()
            let failure = await #expect(throws: HTTPTransportError.self) { try await reader.value }
            #expect(failure?.code == .cancelled)
            for await _ in endings { break }
        }
    }

    @Test("dropping the answer ends the exchange; dropping the client does not")
    func dropping() async throws {
        let (endings, ended) = AsyncStream<Void>.makeStream()
        try await Self.serving { writer in
            defer { ended.yield() }
            while true { try await writer.write(ByteBuffer(repeating: 1, count: 65_536)) }
        } _: { _, request in
            func answer() async throws -> HTTPStreamedResponse {
                try await HTTPClient(configuration: HTTPClientTests.plain).stream(request)
            }
            do {
                let response = try await answer()
                var iterator = response.body.makeAsyncIterator()
                for _ in 0..<100 { #expect(try await iterator.next()?.isEmpty == false) }
            }
            for await _ in endings { break }
        }
    }

    @Test("streams cancelled at any moment end once, and the client goes on working")
    func cancelledAnywhere() async throws {
        try await Self.serving { writer in
            for _ in 0..<50 { try await writer.write(ByteBuffer(repeating: 1, count: 20_000)) }
        } _: { client, request in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        let reader = Task { try await client.stream(request).body.collect(upTo: 1_000_000).count }
                        for _ in 0..<Int.random(in: 0..<100) { await Task.yield() }
                        reader.cancel()
                        switch await reader.result {
                        case .success(let count): #expect(count == 1_000_000)
                        case .failure(let error): #expect((error as? HTTPTransportError)?.code == .cancelled)
                        }
                    }
                }
            }
            #expect(try await client.stream(request).body.collect(upTo: 1_000_000).count == 1_000_000)
            // Connections are taken in their order: no abandoned one waits in the server after a new one was served.
            _ = try await HTTPClient(configuration: HTTPClientTests.plain).send(request.to("/short"))
        }
    }

    @Test("a body that is collected has a limit")
    func collected() async throws {
        try await Self.serving { writer in
            for _ in 0..<50 { try await writer.write(ByteBuffer(repeating: 1, count: 100)) }
        } _: { client, request in
            let failure = await #expect(throws: HTTPTransportError.self) {
                try await client.stream(request).body.collect(upTo: 4_999)
            }
            #expect(failure?.code == .tooLarge)
        }
    }

    @Test("a second reader at the same time is refused and does not disturb the first")
    func twoReaders() async throws {
        let body = StreamedBody()
        _ = try #require(body.beginWait(for: .bytes))
        #expect(body.beginWait(for: .bytes) == nil)
        let first = Task { await body.wait() }
        _ = [UInt8(1)].withUnsafeBytes { body.receive($0) }
        await first.value
        #expect(body.beginWait(for: .bytes) != nil)
    }

    @Test("a wait that expires before anybody is suspended on it, or after all, ends as expired or not at all")
    func expiry() async throws {
        let failure = HTTPTransportError(.idle, "late")
        let body = StreamedBody()
        let first = try #require(body.beginWait(for: .bytes))
        _ = [UInt8(1)].withUnsafeBytes { body.receive($0) }
        #expect(!body.expire(first, with: failure))
        await body.wait()
        _ = body.supply()
        let second = try #require(body.beginWait(for: .bytes))
        #expect(!body.expire(first, with: failure))
        #expect(body.expire(second, with: failure))
        await body.wait()
        guard case .failure(failure) = body.supply() else {
            Issue.record("the second wait expired")
            return
        }
    }

    /// Serves `/` with what `write` writes, `/silent` with nothing and `/short` with a word.
    static func serving(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void,
        _ body: @escaping @Sendable (HTTPClient, HTTPTransport.HTTPRequest) async throws -> Void
    ) async throws {
        try await LocalServer.run { router in
            router.get("/") { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "stream"],
                    body: ResponseBody { writer in
                        try await write(&writer)
                        try await writer.finish(nil)
                    })
            }
            router.get("/short") { _, _ in "short" }
            router.get("/silent") { _, _ in
                try await Task.sleep(for: .seconds(600))
                return "late"
            }
        } _: { server in
            let client = try HTTPClient(configuration: HTTPClientTests.plain)
            try await body(client, HTTPTransport.HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
        }
    }
}

extension HTTPTransport.HTTPRequest {
    fileprivate func to(_ path: String) -> Self {
        var copy = self
        copy.url = url.dropLast() + path
        return copy
    }
}
