import HTTPTransport
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Telemetry
import Testing

@testable import Controller

@Suite("Probes of the controller", .timeLimit(.minutes(5)))
struct HealthServerTests {
    @Test("it lives from the start, starts and is ready once everything was read, and is not ready when it ends")
    func probes() async throws {
        let unsynced = Mutex<[String]>(["releasepolicies"])
        let problems = Mutex<[String]>([])
        let checks = HealthChecks(unsynced: { unsynced.withLock { $0 } }, problems: { problems.withLock { $0 } })
        let registry = MetricsRegistry(descriptions: ControllerMetrics.descriptions)
        ControllerMetrics(factory: registry).insecure(true)
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = HealthServer(
            checks, metrics: registry, host: "127.0.0.1", port: 0,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListening: { continuation.yield($0) })
        let task = Task { try await server.run() }
        defer { task.cancel() }
        let port = try #require(await ports.first { _ in true })
        let http = try HTTPClient(configuration: HTTPClientConfiguration(insecureHTTPAllowed: true))
        func get(_ path: String) async throws -> (Int, String) {
            let answer = try await http.send(HTTPRequest(method: "GET", url: "http://127.0.0.1:\(port)\(path)"))
            return (answer.status, String(decoding: answer.body, as: UTF8.self))
        }
        #expect(try await get("/livez").0 == 200)
        #expect(try await get("/startupz").0 == 503)
        let early = try await get("/readyz")
        #expect(early.0 == 503 && early.1.contains("[-]caches failed: not read yet: releasepolicies"))
        unsynced.withLock { $0 = [] }
        #expect(try await get("/startupz").0 == 200)
        #expect(try await get("/readyz?verbose").1.contains("[+]caches ok"))
        // A definition that goes away later makes it unready, and does not have it started anew.
        unsynced.withLock { $0 = ["agentprofiles"] }
        #expect(try await get("/startupz").0 == 200)
        #expect(try await get("/readyz").0 == 503)
        unsynced.withLock { $0 = [] }
        problems.withLock { $0 = ["the API server gives no releasepolicies any more (forbidden)"] }
        let behind = try await get("/readyz")
        #expect(behind.0 == 503 && behind.1.contains("[-]watches failed: the API server gives no releasepolicies"))
        #expect(try await get("/startupz").0 == 200)
        problems.withLock { $0 = [] }
        checks.end()
        let late = try await get("/readyz")
        #expect(late.0 == 503 && late.1.contains("ending"))
        #expect(try await get("/livez").0 == 200)
        // A45: the insecure mode is seen from outside.
        #expect(try await get("/metrics").1.contains("claviger_controller_insecure 1"))
        #expect(try await get("/").0 == 404)
    }

    @Test("whoever connects and asks nothing is shown out, and probes are answered meanwhile")
    func silentPeers() async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        var server = HealthServer(
            HealthChecks(unsynced: { [] }, problems: { [] }), metrics: MetricsRegistry(), host: "127.0.0.1", port: 0,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListening: { continuation.yield($0) })
        server.arrival = .seconds(3)
        let task = Task { [server] in try await server.run() }
        defer { task.cancel() }
        let port = try #require(await ports.first { _ in true })
        var peers: [any Channel] = []
        for text in ["", "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"] {
            let peer = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port).get()
            try await peer.writeAndFlush(ByteBuffer(string: text))
            peers.append(peer)
        }
        let http = try HTTPClient(configuration: HTTPClientConfiguration(insecureHTTPAllowed: true))
        let answer = try await http.send(HTTPRequest(method: "GET", url: "http://127.0.0.1:\(port)/livez"))
        #expect(answer.status == 200)
        for peer in peers { try await eventually(atMost: .seconds(25)) { !peer.isActive } }
    }
}
