import Foundation
import Hummingbird
import struct HTTPTransport.HTTPRequest
import Testing

@testable import HTTPTransport

@Suite("Outbound HTTP")
struct HTTPClientTests {
    static let plain = HTTPClientConfiguration(systemTrust: false, insecureHTTPAllowed: true)

    @Test("a request arrives as written and the answer comes back whole")
    func echo() async throws {
        try await LocalServer.run { router in
            router.post("/echo/{name}") { request, context in
                let body = try await request.body.collect(upTo: 1000)
                var response = Response(status: .created, body: .init(byteBuffer: body))
                response.headers[.contentType] = request.headers[.contentType] ?? "none"
                response.headers[.location] = request.uri.description
                return response
            }
        } _: { server in
            let client = try HTTPClient(configuration: Self.plain)
            let response = try await client.send(
                HTTPRequest(
                    method: "POST", url: "http://127.0.0.1:\(server.port)/echo/a?x=%2F",
                    headers: [("Content-Type", "application/x-test")], body: [0, 1, 255]))
            #expect(response.status == 201)
            #expect(response.body == [0, 1, 255])
            #expect(response.header("content-TYPE") == "application/x-test")
            #expect(response.header("Location") == "/echo/a?x=%2F")
        }
    }

    @Test("nothing is added to a POST that the caller did not ask for")
    func additions() async throws {
        try await LocalServer.run { router in
            router.post("/headers") { request, _ in
                request.headers.map { $0.name.rawName.lowercased() }.sorted().joined(separator: ",")
            }
        } _: { server in
            let client = try HTTPClient(configuration: Self.plain)
            let response = try await client.send(
                HTTPRequest(method: "POST", url: "http://127.0.0.1:\(server.port)/headers", body: [1]))
            #expect(String(decoding: response.body, as: UTF8.self) == "content-length,user-agent")
        }
    }

    @Test("a redirect is an answer and is not followed")
    func redirect() async throws {
        try await LocalServer.run { router in
            router.get("/from") { _, _ in Response.redirect(to: "/to", type: .found) }
            router.get("/to") { _, _ in "must not be reached" }
        } _: { server in
            let client = try HTTPClient(configuration: Self.plain)
            let response = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/from"))
            #expect(response.status == 302)
            #expect(response.body.isEmpty)
        }
    }

    @Test(
        "plain http needs permission and other schemes are refused",
        arguments: [
            ("http://127.0.0.1:1/", "insecure"), ("HTTP://127.0.0.1:1/", "insecure"),
            ("file:///etc/passwd", "invalid_request"), ("gopher://127.0.0.1/", "invalid_request"),
            ("127.0.0.1", "invalid_request"), ("https://127.0.0.1/ x", "invalid_request"),
        ])
    func schemes(url: String, code: String) async throws {
        let client = try HTTPClient()
        await #expect { try await client.send(HTTPRequest(url: url)) } throws: { error in
            (error as? HTTPTransportError)?.code.rawValue == code
        }
    }

    @Test("a header cannot smuggle another one")
    func smuggling() async throws {
        let client = try HTTPClient(configuration: Self.plain)
        for headers in [[("X", "a\r\nY: b")], [("X\r\nY", "b")], [("", "b")], [("X", "a\0")]] {
            await #expect { try await client.send(HTTPRequest(url: "http://127.0.0.1:1/", headers: headers)) } throws: {
                ($0 as? HTTPTransportError)?.code == .invalidRequest
            }
        }
    }

    @Test("a response larger than the limit is refused, with and without announced length")
    func cap() async throws {
        try await LocalServer.run { router in
            router.get("/announced") { _, _ in String(repeating: "x", count: 5000) }
            router.get("/chunked") { _, _ in
                Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        for _ in 0..<50 { try await writer.write(ByteBuffer(repeating: 1, count: 100)) }
                        try await writer.finish(nil)
                    })
            }
            router.get("/fits") { _, _ in String(repeating: "x", count: 1000) }
        } _: { server in
            let client = try HTTPClient(
                configuration: .init(systemTrust: false, maximumResponseBytes: 1000, insecureHTTPAllowed: true))
            for path in ["announced", "chunked"] {
                await #expect {
                    try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/\(path)"))
                } throws: { ($0 as? HTTPTransportError)?.code == .tooLarge }
            }
            let fitting = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/fits"))
            #expect(fitting.body.count == 1000)
        }
    }

    @Test("a silent server runs into the total timeout")
    func timeout() async throws {
        try await LocalServer.run { router in
            router.get("/never") { _, _ in
                try await Task.sleep(for: .seconds(900))
                return "late"
            }
        } _: { server in
            let client = try HTTPClient(configuration: Self.plain)
            let clock = ContinuousClock()
            let start = clock.now
            await #expect {
                try await client.send(
                    HTTPRequest(url: "http://127.0.0.1:\(server.port)/never", timeout: .milliseconds(200)))
            } throws: { ($0 as? HTTPTransportError)?.code == .timeout }
            #expect(start.duration(to: clock.now) < .seconds(300))
        }
    }

    @Test("cancelling the task ends the exchange at once")
    func cancellation() async throws {
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        try await LocalServer.run { router in
            router.get("/never") { _, _ in
                arrived.yield()
                try await Task.sleep(for: .seconds(60))
                return "late"
            }
        } _: { server in
            let client = try HTTPClient(configuration: Self.plain)
            let task = Task { try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/never")) }
            for await _ in arrivals { break }
            task.cancel()
            await #expect { try await task.value } throws: { ($0 as? HTTPTransportError)?.code == .cancelled }
        }
    }

    @Test("a task cancelled beforehand sends nothing")
    func cancelledBefore() async throws {
        let client = try HTTPClient(configuration: Self.plain)
        let (gate, open) = AsyncStream<Void>.makeStream()
        let task = Task {
            for await _ in gate {}
            return try await client.send(HTTPRequest(url: "http://127.0.0.1:9/"))
        }
        task.cancel()
        open.finish()
        await #expect { try await task.value } throws: { ($0 as? HTTPTransportError)?.code == .cancelled }
    }

    @Test("a closed port is unreachable and says so")
    func unreachable() async throws {
        let port = try await LocalServer.run { _ in
        } _: {
            $0.port
        }
        let client = try HTTPClient(configuration: Self.plain)
        await #expect { try await client.send(HTTPRequest(url: "http://127.0.0.1:\(port)/secret?token=abc")) } throws: {
            guard let error = $0 as? HTTPTransportError else { return false }
            return error.code == .unreachable && error.isTransient && !error.message.contains("abc")
        }
    }

    @Test("a connection cut in the middle of a body is an error, not a short answer")
    func cut() async throws {
        struct Cut: Error {}
        try await LocalServer.run { router in
            router.get("/cut") { _, _ in
                Response(
                    status: .ok, headers: [.contentLength: "100"],
                    body: ResponseBody(contentLength: 100) { writer in
                        try await writer.write(ByteBuffer(repeating: 1, count: 10))
                        throw Cut()
                    })
            }
        } _: { server in
            let client = try HTTPClient(configuration: Self.plain)
            await #expect { try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/cut")) } throws: {
                ($0 as? HTTPTransportError)?.code == .connectionLost
            }
        }
    }

    @Test("many requests at once share the thread")
    func concurrency() async throws {
        try await LocalServer.run { router in
            router.get("/number/{n}") { _, context in try context.parameters.require("n") }
        } _: { server in
            let client = try HTTPClient(configuration: Self.plain)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let response = try await client.send(
                            HTTPRequest(url: "http://127.0.0.1:\(server.port)/number/\(number)"))
                        return String(decoding: response.body, as: UTF8.self) == "\(number)"
                    }
                }
                for try await matches in group { #expect(matches) }
            }
        }
    }

    @Test("a Unix socket is used when given, without permission for plain http")
    func unixSocket() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "cl-\(UUID().uuidString.prefix(8)).sock").path
        try await LocalServer.run(unixSocket: path) { router in
            router.get("/host") { request, _ in request.head.authority ?? "" }
        } _: { _ in
            let client = try HTTPClient()
            let response = try await client.send(HTTPRequest(url: "http://agent.local/host", unixSocket: path))
            #expect(String(decoding: response.body, as: UTF8.self) == "agent.local")
        }
    }
}
