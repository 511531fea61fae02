import Hummingbird
import Kubernetes
import KubernetesTestSupport
import Synchronization
import Testing

@Suite("Watches of the Kubernetes API", .timeLimit(.minutes(5)))
struct WatchTests {
    private typealias Server = ScriptedServer

    @Test("a watch asks for bookmarks and an end at a random time, and gives events in order until its clean end")
    func events() async throws {
        let bookmark =
            #"{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"12","#
            + #""annotations":{"k8s.io/initial-events-end":"true"}}}"#
        let text =
            Server.event("ADDED", Server.pod("x", version: 10)) + Server.event("BOOKMARK", bookmark)
            + Server.event("MODIFIED", Server.pod("x", version: 13)) + "\n"
            + Server.event("BOOKMARK", bookmark.replacing("true", with: "false"))
            + Server.event("DELETED", Server.pod("x", version: 14))
        let (events, failure, calls) = try await Self.watched(
            .watch(text), WatchOptions(labelSelector: "a=b", resourceVersion: "9", sendInitialEvents: true))
        #expect(failure == nil)
        #expect(events.map(\.resourceVersion) == ["10", "12", "13", "12", "14"])
        #expect(events[1] == .bookmark(resourceVersion: "12", endsInitialEvents: true))
        #expect(events[3] == .bookmark(resourceVersion: "12", endsInitialEvents: false))
        guard case .deleted(let object)? = events.last else {
            Issue.record("the last event is a deletion")
            return
        }
        #expect(object.name == "x")
        let query = try #require(calls.first?.query)
        let seconds = try #require(query["timeoutSeconds"].flatMap(Int.init))
        #expect((290...590).contains(seconds))
        #expect(query["watch"] == "true")
        #expect(query["allowWatchBookmarks"] == "true")
        #expect(query["sendInitialEvents"] == "true")
        #expect(query["resourceVersionMatch"] == "NotOlderThan")
        #expect(query["resourceVersion"] == "9")
        #expect(query["labelSelector"] == "a=b")
    }

    @Test("an event cut into single bytes, one with Unicode line breaks and one of megabytes arrive whole")
    func pieces() async throws {
        let breaks = Server.pod("x", version: 1, extra: #","data":{"t":"a\#u{2028}b\#u{2029}c\#u{85}d"}"#)
        let large = Server.pod("y", version: 2, extra: #","data":{"t":"\#(String(repeating: "é", count: 1_500_000))"}"#)
        let (events, failure, _) = try await Self.watched(
            .watch { writer in
                for byte in Server.event("ADDED", breaks).utf8 {
                    try await writer.write(ByteBuffer(bytes: [byte]))
                }
                try await writer.write(ByteBuffer(string: Server.event("ADDED", large)))
            })
        #expect(failure == nil)
        guard case .added(let first)? = events.first, case .added(let second)? = events.last else {
            Issue.record("there are two events")
            return
        }
        #expect(first.json["data"]?["t"]?.stringValue == "a\u{2028}b\u{2029}c\u{85}d")
        #expect(second.json["data"]?["t"]?.stringValue?.utf8.count == 3_000_000)
    }

    @Test("an ERROR event is the failure that it tells, not an object", arguments: [410, 500, 429])
    func errorEvent(code: Int) async throws {
        let reasons = [410: "Expired", 500: "InternalError", 429: "TooManyRequests"]
        let kinds: [Int: KubernetesError.Kind] = [410: .gone, 500: .serverError, 429: .throttled]
        let text =
            Server.event("ADDED", Server.pod("x", version: 10))
            + Server.event("ERROR", Server.status(code, reasons[code] ?? ""))
            + Server.event("ADDED", Server.pod("y", version: 11))
        let (events, failure, _) = try await Self.watched(.watch(text))
        #expect(events.count == 1)
        #expect(failure?.kind == kinds[code])
        #expect(failure?.statusCode == code)
    }

    @Test("a watch that is not accepted is a failure with its reason, before any line is read")
    func refused() async throws {
        try await ScriptedServer.run { _ in
            .failure(410, "Expired")
        } _: { server in
            let failure = await #expect(throws: KubernetesError.self) {
                try await server.client().watch(.pods, namespace: "a", WatchOptions(resourceVersion: "1"))
            }
            #expect(failure?.kind == .gone)
        }
    }

    @Test(
        "a line that is no event ends the watch",
        arguments: [
            "nonsense\n", "[]\n", "{}\n", #"{"type":"ADDED"}"# + "\n",
            #"{"type":"SURPRISE","object":{"kind":"Pod","metadata":{"name":"x","resourceVersion":"1"}}}"# + "\n",
            #"{"type":"ADDED","object":{"kind":"Status","metadata":{"name":"x","resourceVersion":"1"}}}"# + "\n",
            #"{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"x"}}}"# + "\n",
            #"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":""}}}"# + "\n",
            #"{"type":"ERROR","object":{"kind":"Pod"}}"# + "\n",
        ])
    func malformed(line: String) async throws {
        let (events, failure, _) = try await Self.watched(
            .watch(line + Server.event("ADDED", Server.pod("x", version: 1))))
        #expect(events.isEmpty)
        #expect(failure?.kind == .malformed)
    }

    @Test("half a line at the end is a broken connection, never an event and never a clean end")
    func half() async throws {
        let text =
            Server.event("ADDED", Server.pod("x", version: 1)) + Server.event("DELETED", Server.pod("x", version: 2))
        let (events, failure, _) = try await Self.watched(.watch(String(text.dropLast())))
        #expect(events.count == 1)
        #expect(failure?.kind == .transport)
        struct Cut: Error {}
        let (_, cut, _) = try await Self.watched(
            .watch { writer in
                try await writer.write(ByteBuffer(string: text))
                throw Cut()
            })
        #expect(cut?.kind == .transport)
    }

    @Test("a line beyond the limit ends the watch and is not kept")
    func longLine() async throws {
        let endless = String(repeating: "x", count: 100_000)
        let (events, failure, _) = try await Self.watched(
            .watch { writer in
                while true { try await writer.write(ByteBuffer(string: endless)) }
            })
        #expect(events.isEmpty)
        #expect(failure?.kind == .malformed)
    }

    @Test("a watch that is silent for longer than bookmarks take is given up")
    func silence() async throws {
        try await ScriptedServer.run { _ in
            .watch { writer in
                try await writer.write(ByteBuffer(string: Server.event("ADDED", Server.pod("x", version: 1))))
                try await Task.sleep(for: .seconds(600))
            }
        } _: { server in
            let clock = ManualClock()
            let client = try KubernetesClient(server.configuration(), environment: .manual(clock))
            let stream = try await client.watch(.pods, namespace: "a", WatchOptions())
            var events = stream.makeAsyncIterator()
            #expect(try await events.next()?.resourceVersion == "1")
            let next = Task { () async throws(KubernetesError) in
                var events = stream.makeAsyncIterator()
                return try await events.next()
            }
            // Nothing else sleeps by this clock any more than the wait for the next event.
            try await eventually { clock.sleeperCount == 1 }
            clock.advance(by: .seconds(129))
            #expect(clock.sleeperCount == 1)
            clock.advance(by: .seconds(2))
            let failure = await #expect(throws: KubernetesError.self) { try await next.value }
            #expect(failure?.kind == .watchIdle)
            #expect(failure?.isTransient == true)
        }
    }

    @Test("cancelling the reader ends the watch at the server too")
    func cancellation() async throws {
        let (endings, ended) = AsyncStream<Void>.makeStream()
        try await ScriptedServer.run { _ in
            .watch { writer in
                defer { ended.yield() }
                var version = 0
                while true {
                    version += 1
                    let line = Server.event("MODIFIED", Server.pod("x", version: version))
                    try await writer.write(ByteBuffer(string: line + String(repeating: "\n", count: 10_000)))
                }
            }
        } _: { server in
            let client = try server.client()
            let (readings, reading) = AsyncStream<Void>.makeStream()
            let reader = Task {
                for try await _ in try await client.watch(.pods, namespace: "a", WatchOptions()) { reading.yield() }
            }
            for await _ in readings { break }
            reader.cancel()
            let failure = await #expect(throws: KubernetesError.self) { try await reader.value }
            #expect(failure?.kind == .cancelled)
            for await _ in endings { break }
        }
    }

    @Test("where only metadata is watched, whole objects are refused")
    func metadataOnly() async throws {
        let (events, failure, calls) = try await Self.watched(
            .watch(Server.event("ADDED", Server.pod("x", version: 1))), WatchOptions(metadataOnly: true))
        #expect(events.isEmpty)
        #expect(failure?.kind == .malformed)
        #expect(calls.first?.headers["accept"] == "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
    }

    /// What a reader of a watch with that answer gets.
    private static func watched(
        _ answer: Response, _ options: WatchOptions = WatchOptions()
    ) async throws -> (events: [WatchEvent], failure: KubernetesError?, calls: [ScriptedServer.Call]) {
        let result = Mutex<([WatchEvent], KubernetesError?, [ScriptedServer.Call])>(([], nil, []))
        try await ScriptedServer.run { _ in
            answer
        } _: { server in
            let client = try server.client()
            let stream = try await client.watch(.pods, namespace: "a", options)
            do throws(KubernetesError) {
                for try await event in stream { result.withLock { $0.0.append(event) } }
            } catch {
                result.withLock { $0.1 = error }
                // Whoever asks again does not get what came after the event that is missing.
                let again = await #expect(throws: KubernetesError.self) {
                    var events = stream.makeAsyncIterator()
                    return try await events.next()
                }
                #expect(again == error)
            }
            let calls = server.calls
            result.withLock { $0.2 = calls }
        }
        return result.withLock { $0 }
    }
}
