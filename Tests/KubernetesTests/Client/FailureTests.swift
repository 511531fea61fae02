import Hummingbird
import Kubernetes
import KubernetesTestSupport
import Synchronization
import Testing

@Suite("Failures of the Kubernetes API", .timeLimit(.minutes(5)))
struct FailureTests {
    @Test(
        "each failure has its kind",
        arguments: [
            (400, "BadRequest", .invalid), (401, "Unauthorized", .unauthorized), (403, "Forbidden", .forbidden),
            (404, "NotFound", .notFound), (405, "MethodNotAllowed", .invalid), (409, "Conflict", .conflict),
            (409, "AlreadyExists", .alreadyExists), (410, "Expired", .gone), (410, "Gone", .gone),
            (422, "Invalid", .invalid), (429, "TooManyRequests", .throttled), (500, "InternalError", .serverError),
            (500, "ServerTimeout", .serverTimeout), (503, "ServiceUnavailable", .serverError),
            (504, "Timeout", .serverTimeout), (302, "", .malformed),
        ] as [(Int, String, KubernetesError.Kind)])
    func kinds(code: Int, reason: String, kind: KubernetesError.Kind) async throws {
        let failure = try await Self.failure { .failure(code, reason) }
        #expect(failure.kind == kind)
        #expect(failure.statusCode == code)
        #expect(failure.reason == reason)
        #expect(failure.message == "it was \(reason)")
    }

    @Test("a version from the future is no reason to list anew")
    func future() async throws {
        let failure = try await Self.failure {
            .failure(
                504, "Timeout",
                details:
                    #"{"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large"}],"retryAfterSeconds":1}"#)
        }
        #expect(failure.kind == .resourceVersionTooLarge)
        #expect(failure.retryAfter == .seconds(1))
        #expect(failure.isTransient)
    }

    @Test("the server's causes name their fields")
    func causes() async throws {
        let failure = try await Self.failure {
            .failure(422, "Invalid", details: #"{"causes":[{"field":"spec.x","message":"must be\u001b[31m set"}]}"#)
        }
        #expect(failure.causes == [.init(field: "spec.x", message: "must be?[31m set")])
    }

    @Test("how long to wait is taken from the header first, and never for more than an hour")
    func retryAfter() async throws {
        let header = try await Self.failure {
            .failure(429, "TooManyRequests", details: #"{"retryAfterSeconds":9}"#, headers: [.retryAfter: "3"])
        }
        #expect(header.retryAfter == .seconds(3))
        let forever = try await Self.failure { .failure(429, "x", headers: [.retryAfter: "99999999999"]) }
        #expect(forever.retryAfter == .seconds(3_600))
        let bare = try await Self.failure { .init(status: .tooManyRequests, headers: [.retryAfter: "2"]) }
        #expect(bare.kind == .throttled)
        #expect(bare.retryAfter == .seconds(2))
    }

    @Test("what something on the way writes is not quoted")
    func page() async throws {
        let failure = try await Self.failure {
            .init(status: .badGateway, body: .init(byteBuffer: ByteBuffer(string: "<h1>secret-token</h1>")))
        }
        #expect(failure.kind == .serverError)
        #expect(!String(reflecting: failure).contains("secret"))
    }

    @Test(
        "an answer that is no object is refused",
        arguments: ["", "[]", "{}", #"{"kind":"Pod","apiVersion":"v1"}"#, #"{"a":1,"a":2}"#, "\u{FEFF}{}"])
    func malformed(body: String) async throws {
        #expect(try await Self.failure { .json(body) }.kind == .malformed)
        let status = try await Self.failure { .json(ScriptedServer.status(500, "x")) }
        #expect(status.kind == .malformed)
    }

    @Test("cancelling ends a request at once")
    func cancellation() async throws {
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        try await ScriptedServer.run { _ in
            arrived.yield()
            try await Task.sleep(for: .seconds(600))
            return .json("{}")
        } _: { server in
            let client = try server.client()
            let task = Task { try await client.version() }
            for await _ in arrivals { break }
            task.cancel()
            let failure = await #expect(throws: KubernetesError.self) { try await task.value }
            #expect(failure?.kind == .cancelled)
        }
    }

    @Test("a request is not answered for longer than its deadline")
    func deadline() async throws {
        try await ScriptedServer.run { _ in
            try await Task.sleep(for: .seconds(600))
            return .json("{}")
        } _: { server in
            var configuration = try server.configuration()
            configuration.requestTimeout = .milliseconds(300)
            let client = try KubernetesClient(configuration)
            for isWatch in [false, true] {
                let failure = await #expect(throws: KubernetesError.self) {
                    if isWatch {
                        _ = try await client.watch(.pods, namespace: nil, WatchOptions())
                    } else {
                        _ = try await client.version()
                    }
                }
                #expect(failure?.kind == .transport)
                #expect(failure?.reason == "timeout")
            }
        }
    }

    @Test("a Lease is read and written however many other requests wait for their turn")
    func lease() async throws {
        try await ScriptedServer.run { call in
            call.path.contains("leases")
                ? .json(
                    #"{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l","namespace":"a"}}"#)
                : .json(#"{"major":"1","minor":"36"}"#)
        } _: { server in
            var configuration = try server.configuration()
            (configuration.requestsPerSecond, configuration.burst) = (1, 2)
            let clock = ManualClock()
            let client = try KubernetesClient(configuration, environment: .manual(clock))
            for _ in 0..<2 { _ = try await client.version() }
            let waiting = (0..<50).map { _ in Task { try await client.version() } }
            await clock.waitForSleepers(50)
            let lease = try await client.get(.leases, namespace: "a", name: "l")
            _ = try await client.replace(lease, in: .leases)
            #expect(server.calls.count == 4)
            for task in waiting { task.cancel() }
            for task in waiting { _ = await task.result }
            // What was given up has given its turn to others.
            let next = Task { try await client.version() }
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(1))
            _ = try await next.value
            #expect(server.calls.count == 5)
        }
    }

    @Test("an answer that is too large asks for less, which another one that cannot be read does not")
    func tooLarge() async throws {
        try await ScriptedServer.run { _ in
            .json(#"{"a":""# + String(repeating: "x", count: 5_000) + #""}"#)
        } _: { server in
            var configuration = try server.configuration()
            configuration.maximumResponseBytes = 4_000
            let client = try KubernetesClient(configuration)
            let failure = await #expect(throws: KubernetesError.self) {
                try await client.list(.pods, namespace: "a", ListOptions())
            }
            #expect(failure?.kind == .tooLarge)
            #expect(failure?.isTransient == false)
        }
    }

    @Test("more requests than the limit wait for their turn")
    func limiter() async throws {
        try await ScriptedServer.run { _ in
            .json(#"{"major":"1","minor":"36"}"#)
        } _: { server in
            var configuration = try server.configuration()
            (configuration.requestsPerSecond, configuration.burst) = (10, 3)
            let clock = ManualClock()
            let client = try KubernetesClient(configuration, environment: .manual(clock))
            for _ in 0..<3 { _ = try await client.version() }
            #expect(server.calls.count == 3)
            let fourth = Task { try await client.version() }
            await clock.waitForSleepers(1)
            #expect(server.calls.count == 3)
            clock.advance(by: .milliseconds(100))
            _ = try await fourth.value
            #expect(server.calls.count == 4)
            let waiting = Task { try await client.version() }
            await clock.waitForSleepers(1)
            waiting.cancel()
            let failure = await #expect(throws: KubernetesError.self) { try await waiting.value }
            #expect(failure?.kind == .cancelled)
            #expect(server.calls.count == 4)
        }
    }

    static func failure(_ answer: @escaping @Sendable () -> Response) async throws -> KubernetesError {
        let caught = Mutex<KubernetesError?>(nil)
        try await ScriptedServer.run { _ in
            answer()
        } _: { server in
            let client = try server.client()
            do throws(KubernetesError) {
                _ = try await client.get(.pods, namespace: "a", name: "p")
            } catch {
                caught.withLock { $0 = error }
            }
        }
        return try #require(caught.withLock { $0 })
    }
}
