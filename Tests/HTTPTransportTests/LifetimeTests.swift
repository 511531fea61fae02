import Foundation
import Hummingbird
import Testing

import struct HTTPTransport.HTTPRequest

@testable import HTTPTransport

@Suite("Threads, descriptors and cancelled exchanges", .timeLimit(.minutes(5)))
struct LifetimeTests {
    // In a process of its own: the other tests of this one have threads and descriptors too.
    @Test("clients that are gone leave neither threads nor descriptors behind")
    func nothingLeft() async {
        await #expect(processExitsWith: .success) {
            @Sendable func entries(_ folder: String) throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(folder)").count
            }
            try await LocalServer.run { router in
                router.get("/") { _, _ in "hello" }
            } _: { server in
                @Sendable func use() async throws {
                    let client = try HTTPClient(configuration: HTTPClientTests.plain)
                    let response = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
                    try #require(response.status == 200)
                }
                for _ in 0..<5 { try await use() }
                let (threads, files) = (try entries("task"), try entries("fd"))
                for _ in 0..<100 { try await use() }
                for _ in 0..<500 {
                    if try entries("task") <= threads + 8, try entries("fd") <= files + 8 { return }
                    try await Task.sleep(for: .milliseconds(20))
                }
                throw Leak()
            }
        }
    }

    struct Leak: Error {}

    @Test("exchanges cancelled at any moment end once, and the client goes on working")
    func cancelledAnywhere() async throws {
        try await LocalServer.run { router in
            router.get("/") { _, _ in
                Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        for _ in 0..<20 { try await writer.write(ByteBuffer(repeating: 1, count: 1000)) }
                        try await writer.finish(nil)
                    })
            }
        } _: { server in
            let client = try HTTPClient(configuration: HTTPClientTests.plain)
            let request = HTTPRequest(url: "http://127.0.0.1:\(server.port)/")
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<300 {
                    group.addTask {
                        let exchange = Task { try await client.send(request) }
                        for _ in 0..<Int.random(in: 0..<50) { await Task.yield() }
                        exchange.cancel()
                        switch await exchange.result {
                        case .success(let response): #expect(response.body.count == 20_000)
                        case .failure(let error): #expect((error as? HTTPTransportError)?.code == .cancelled)
                        }
                    }
                }
            }
            #expect(try await client.send(request).body.count == 20_000)
            // Connections are taken in their order: once a new one is served, no abandoned one waits in the server,
            // which must not be cancelled then (NIO traps).
            _ = try await HTTPClient(configuration: HTTPClientTests.plain).send(request)
        }
    }

    @Test("a health probe gives the status, over TCP and over a Unix socket")
    func probe() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "hp-\(UUID().uuidString.prefix(8)).sock").path
        for socket in [nil, path] {
            try await LocalServer.run(unixSocket: socket) { router in
                router.get("/healthz") { _, _ in "ok" }
            } _: { server in
                let base = socket == nil ? "http://127.0.0.1:\(server.port)" : "http://any"
                for (path, expected) in [("/healthz", 200), ("/none", 404)] {
                    let status = try await HealthProbe(
                        url: base + path, unixSocket: socket, timeout: .seconds(300)
                    ).status()
                    #expect(status == expected)
                }
            }
        }
    }
}
