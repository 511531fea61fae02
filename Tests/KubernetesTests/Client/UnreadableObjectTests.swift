import Encodings
import HTTPTransport
import Hummingbird
import KubernetesTestSupport
import Synchronization
import Testing

@testable import Kubernetes

@Suite("Objects that are nested too deeply", .timeLimit(.minutes(5)))
struct UnreadableObjectTests {
    private static let arrays = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
    /// The depth in quotes is none.
    private static let spec = #","spec":{"value":[[["]]{\"[",\#(arrays)]]],"state":"revoked"},"status":{"kept":true}"#

    private static func deep(_ name: String, version: Int) -> String {
        ScriptedServer.pod(name, version: version, extra: spec)
    }

    private static func list(_ items: [String], next: String = "") -> String {
        #"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"\#(next)"},"items":["#
            + items.joined(separator: " , ") + "]}"
    }

    private static let bookmark =
        #"{"kind":"Pod","metadata":{"resourceVersion":"12","annotations":{"k8s.io/initial-events-end":"true"}}}"#

    @Test(
        "one among others costs only itself, in a WatchList, a list and a watch, and is named",
        arguments: [true, false])
    func among(watchList: Bool) async throws {
        let three = [
            ScriptedServer.pod("x", version: 1), Self.deep("deep", version: 2), ScriptedServer.pod("y", version: 3),
        ]
        let added = three.map { ScriptedServer.event("ADDED", $0) }.joined()
        let last =
            ScriptedServer.event("MODIFIED", Self.deep("deep", version: 14))
            + ScriptedServer.event("MODIFIED", ScriptedServer.pod("x", version: 15))
        let metrics = KeptMetrics()
        try await ScriptedServer.run { call in
            if call.query["watch"] == nil { return .json(Self.list(three)) }
            let isWatchList = call.query["sendInitialEvents"] != nil
            let start = isWatchList ? added + ScriptedServer.event("BOOKMARK", Self.bookmark) : ""
            return .watch { writer in
                try await writer.write(ByteBuffer(string: start + last))
                try await Task.sleep(for: .seconds(600))
            }
        } _: { server in
            let informer = Informer(
                api: try server.client(), resource: .pods, settings: CacheSettings(usesWatchList: watchList),
                environment: .manual(ManualClock()), metrics: metrics)
            try await withThrowingTaskGroup { group in
                group.addTask { await informer.run() }
                try await eventually { informer.status.resourceVersion == "15" }
                group.cancelAll()
            }
            #expect(server.calls.count == (watchList ? 1 : 2))
            #expect(Set(informer.store.keys.map(\.name)) == ["x", "deep", "y"])
            #expect(informer.status.problem == nil)
            let deep = try #require(informer.store[ObjectKey(namespace: "a", name: "deep")])
            #expect(deep.resourceVersion == "14")
            #expect(deep.unreadable?.contains("128 levels") == true)
            // Half of a specification is none; the status stays, so that what is told on the object is not told for ever.
            #expect(deep.spec == nil && deep.status == ["kept": true])
            #expect(informer.store.all.count { $0.unreadable != nil } == 1)
            #expect(metrics["claviger_watch_unreadable_objects_total"] == 2)
            #expect(metrics["claviger_watch_up_to_date"] == 1)
        }
    }

    @Test("an object is readable alone, in a list and in a watch up to the same depth", arguments: [128, 129])
    func bound(depth: Int) throws {
        // The object, its metadata's sibling and the arrays in it.
        let arrays = String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
        let text = ScriptedServer.pod("x", version: 1, extra: #","spec":\#(arrays)"#)
        func response(_ text: String) -> HTTPTransport.HTTPResponse {
            HTTPTransport.HTTPResponse(status: 200, headers: [], body: Array(text.utf8))
        }
        let alone = try AnswerReader.object(response(text))
        let listed = try AnswerReader.page(response(Self.list([text])), of: .pods, metadataOnly: false).items[0]
        let line = Array(ScriptedServer.event("ADDED", text).utf8)
        guard case .added(let watched) = try WatchEvent(line: line, kind: "Pod", maximumBytes: 65_536) else {
            Issue.record("the object was added")
            return
        }
        for object in [alone, listed, watched] { #expect((object.unreadable == nil) == (depth == 128)) }
    }

    @Test("a page keeps its version and token when one of its items is cut out")
    func page() throws {
        let text = Self.list([Self.deep("deep", version: 2)], next: "more")
        let page = try AnswerReader.page(
            HTTPTransport.HTTPResponse(status: 200, headers: [], body: Array(text.utf8)), of: .pods, metadataOnly: false
        )
        #expect(page.resourceVersion == "9" && page.continueToken == "more")
        #expect(page.items.map(\.name) == ["deep"])
    }

    @Test(
        "what is no JSON stays refused, however deep it is",
        arguments: [
            "DEEP", #"{"a":DEEP"#, #"{"a":ARRAYS,"b":"#, #"{"a":ARRAYS}}"#, #"{"items":[{"a":ARRAYS}"#,
            #"{"items":[{"a":ARRAYS}],"kind":}"#, #"{"a":ARRAYS,"a":1}"#, #"{"a":ARRAYS,"b":"\"#,
        ])
    func broken(pattern: String) {
        let text = pattern.replacing("ARRAYS", with: Self.arrays)
            .replacing("DEEP", with: String(repeating: "[", count: 100_000))
        let response = HTTPTransport.HTTPResponse(status: 200, headers: [], body: Array(text.utf8))
        let object = #expect(throws: KubernetesError.self) { try AnswerReader.object(response) }
        #expect(object?.kind == .malformed)
        let page = #expect(throws: KubernetesError.self) {
            try AnswerReader.page(response, of: .pods, metadataOnly: false)
        }
        #expect(page?.kind == .malformed)
        let event = #expect(throws: KubernetesError.self) {
            try WatchEvent(line: Array(text.utf8), kind: "Pod", maximumBytes: 1_048_576)
        }
        #expect(event?.kind == .malformed)
    }

    @Test("two informers of one collection at once are one")
    func twice() async throws {
        let api = ScriptedAPI([
            .list(ObjectList(items: [.pod("a", "1")], resourceVersion: "1")), .watch([], then: .stayOpen),
        ])
        let informer = Informer(
            api: api, resource: .pods, settings: CacheSettings(usesWatchList: false),
            environment: .manual(ManualClock()))
        let running = Task { await informer.run() }
        try await informer.waitUntilSynced()
        await informer.run()
        #expect(api.requests.count <= 2)
        running.cancel()
        await running.value
    }

    @Test("nothing that is dumped shows a token, a body or a proxy's password")
    func dumps() throws {
        var configuration = try KubernetesConfiguration(
            server: "https://127.0.0.1:1", authority: .pem("x"), credential: .token(.init(Array("secret".utf8))))
        configuration.proxy = "http://user:secret@127.0.0.1:2"
        let request = HTTPTransport.HTTPRequest(
            url: "https://127.0.0.1/?t=secret", headers: [("Authorization", "Bearer secret")],
            body: Array("secret".utf8))
        for value in [configuration, request] as [Any] {
            var text = "\(value) \(String(reflecting: value))"
            dump(value, to: &text)
            #expect(!text.contains("secret") && !text.contains("115"))
        }
    }
}
