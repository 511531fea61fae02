import Encodings
import Foundation
import HTTPTransport
import KubernetesTestSupport
import Testing

/// What the fake server does beyond Kubernetes: it fails on demand, and it holds many objects.
@Suite("The API server for tests", .timeLimit(.minutes(5)))
struct FakeServerTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"

    private static func map(_ name: String) -> JSONObject {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": "default"],
            "data": ["key": "value"],
        ]
    }

    private static func session(_ server: FakeAPIServer) throws -> APISession {
        try APISession(server.baseURL, authority: server.authorityPEM, token: server.cluster.adminToken)
    }

    @Test("injected answers come as often as asked, with their Retry-After, to the requests that were meant")
    func answers() async throws {
        try await FakeAPIServer.run { server in
            let api = try Self.session(server)
            server.cluster.inject(.throttled(retryAfter: 7)) { $0.verb == "list" && $0.resource == "configmaps" }
            #expect(try await api.send("GET", "/api/v1/pods").status == 200)
            let throttled = try await api.send("GET", Self.maps)
            #expect(throttled.status == 429 && throttled.response.header("Retry-After") == "7")
            #expect(try await api.send("GET", Self.maps).status == 200)

            server.cluster.inject(.internalError, times: nil) { $0.wantsInitialEvents }
            let watchList = "?watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
            for _ in 0..<2 { #expect(try await api.send("GET", Self.maps + watchList).status == 500) }
            #expect(try await api.send("GET", Self.maps + "?watch=1&timeoutSeconds=1").status == 200)
            server.cluster.clearFaults()
            #expect(try await api.send("GET", Self.maps + watchList).status == 200)

            server.cluster.inject(.gone) { $0.verb == "watch" }
            let gone = try await api.send("GET", Self.maps + "?watch=1&timeoutSeconds=1")
            #expect(gone.status == 410 && gone.reason == "Expired")
        }
    }

    @Test("a watch may break: 410 in the stream, half a line, an event twice, or silence")
    func brokenWatches() async throws {
        try await FakeAPIServer.run { server in
            let api = try Self.session(server)
            for name in ["a", "b", "c"] { try server.cluster.create(Self.map(name)) }
            let path = Self.maps + "?watch=1&timeoutSeconds=2&resourceVersion=0"

            server.cluster.inject(.watch(.error(APIStatus(410, "Expired", "too old")), afterEvents: 2)) {
                $0.verb == "watch"
            }
            let gone = try await api.send("GET", path)
            #expect(gone.status == 200 && gone.events.compactMap { $0["type"] } == ["ADDED", "ADDED", "ERROR"])

            server.cluster.inject(.watch(.duplicates, afterEvents: 1)) { $0.verb == "watch" }
            let twice = try await api.send("GET", path)
            #expect(twice.events.compactMap { $0["object"]?["metadata"]?["name"] } == ["a", "b", "b", "c", "c"])

            server.cluster.inject(.watch(.halfALine, afterEvents: 1)) { $0.verb == "watch" }
            await #expect(throws: HTTPTransportError.self) { try await api.send("GET", path) }

            server.cluster.inject(.watch(.stall, afterEvents: 1)) { $0.verb == "watch" }
            let error = await #expect(throws: HTTPTransportError.self) {
                try await api.send("GET", path, timeout: .seconds(4))
            }
            #expect(error?.code == .timeout, "the watch outlives its timeoutSeconds and says nothing")

            server.cluster.inject(.hangUp) { $0.verb == "list" }
            await #expect(throws: HTTPTransportError.self) { try await api.send("GET", Self.maps) }
        }
    }

    @Test("running watches are disturbed, and closed ones are forgotten")
    func disturbances() async throws {
        try await FakeAPIServer.run { server in
            let api = try Self.session(server)
            async let running = api.send("GET", Self.maps + "?watch=1&timeoutSeconds=120")
            try await Self.wait { server.cluster.watchCount(of: "configmaps") == 1 }
            server.cluster.disturbWatches(of: "pods", .end)
            server.cluster.disturbWatches(.error(APIStatus(410, "Expired", "too old")))
            #expect(try await running.events.compactMap { $0["type"] } == ["ERROR"])

            let task = Task { try await api.send("GET", Self.maps + "?watch=1&timeoutSeconds=120") }
            try await Self.wait { server.cluster.watchCount() == 1 }
            task.cancel()
            try await Self.wait { server.cluster.watchCount() == 0 }
        }
    }

    private static func wait(_ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while !condition() {
            try #require(ContinuousClock.now < end, "it never happened")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    @Test("a server that is gone refuses connections, and comes back on its port with everything it had")
    func restart() async throws {
        try await FakeAPIServer.run { server in
            let api = try Self.session(server)
            try server.cluster.create(Self.map("a"))
            let watch = Task { try await api.send("GET", Self.maps + "?watch=1&timeoutSeconds=120") }
            try await Self.wait { server.cluster.watchCount() == 1 }
            let address = server.baseURL
            await server.stop()
            await #expect(throws: HTTPTransportError.self) { _ = try await watch.value }
            let refused = await #expect(throws: HTTPTransportError.self) { try await api.send("GET", "/livez") }
            #expect(refused?.code == .unreachable)
            try server.cluster.create(Self.map("b"))
            try await server.start()
            #expect(server.baseURL == address)
            let list = try await api.expect(200, "GET", Self.maps)
            #expect(list["items"]?.arrayValue?.count == 2)

            await server.stop()
            try server.rotateAuthority()
            try await server.start()
            let stranger = await #expect(throws: HTTPTransportError.self) { try await api.send("GET", "/livez") }
            #expect(stranger?.code == .tls)
            #expect(try await Self.session(server).send("GET", "/livez").status == 200)
        }
    }

    @Test("denials name who may not do what, and events and Secrets are checked as the API checks them")
    func denials() async throws {
        try await FakeAPIServer.run { server in
            let api = try Self.session(server)
            server.cluster.configure { $0.denial = { $0.verb == "delete" ? "nobody deletes here" : nil } }
            try server.cluster.create(Self.map("a"))
            let denied = try await api.send("DELETE", Self.maps + "/a")
            #expect(
                denied.status == 403 && denied.message.hasSuffix("in the namespace \"default\": nobody deletes here"))

            let events = "/apis/events.k8s.io/v1/namespaces/default/events"
            var event: JSONObject = [
                "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": ["generateName": "a."],
                "eventTime": "2026-11-21T10:00:00.000000Z", "reportingController": "claviger.dev/controller",
                "reportingInstance": "pod-1", "action": "Compile", "reason": "Accepted", "type": "Normal",
                "note": "fine",
                "regarding": ["kind": "ConfigMap", "name": "a", "namespace": "default"],
            ]
            #expect(try await api.send("POST", events, .object(event)).status == 201)
            event["reportingInstance"] = nil
            event["type"] = "Odd"
            let refused = try await api.send("POST", events, .object(event))
            #expect(refused.status == 422 && refused.causes.count == 2)
        }
    }

    @Test("kinds of CRDs/ are served as their files define them")
    func definitions() async throws {
        let cluster = try FakeCluster()
        let checkout = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        try cluster.define(from: checkout.appending(path: "CRDs"))
        #expect(
            try cluster.kind("ReleasePolicy").path(namespace: "a")
                == "/apis/claviger.dev/v1alpha1/namespaces/a/releasepolicies")
        var policy: JSONObject = [
            "apiVersion": "claviger.dev/v1alpha1", "kind": "ReleasePolicy",
            "metadata": ["name": "keys", "namespace": "default"],
            "spec": ["match": ["resources": ["default/key/*"], "operations": ["get"]]],
        ]
        try cluster.create(policy)
        policy.edit("metadata") { $0["name"] = "other" }
        policy.edit("spec") { $0["mtach"] = [:] }
        let error = #expect(throws: APIStatus.self) { try cluster.create(policy) }
        #expect(error?.message.contains("spec.mtach") == true)
    }

    @Test("10,000 objects and 50 watchers: every watcher hears of every change")
    func crowd() async throws {
        try await FakeAPIServer.run(FakeCluster { $0.historyLimit = 20_000 }) { server in
            let api = try Self.session(server)
            for number in 0..<10_000 { try server.cluster.create(Self.map("map-\(number)")) }
            let page = try await api.expect(200, "GET", Self.maps + "?limit=500")
            #expect(page["metadata"]?["remainingItemCount"] == 9500)
            let start = server.cluster.revision
            let path = "\(Self.maps)?watch=1&timeoutSeconds=5&resourceVersion=\(start)"
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<50 { group.addTask { try await api.send("GET", path).events.count } }
                try await Self.wait { server.cluster.watchCount() == 50 }
                for number in 0..<200 {
                    try server.cluster.patch("ConfigMap", "default", "map-\(number)", ["data": ["key": "new"]])
                }
                for try await count in group { #expect(count == 200) }
            }
        }
    }
}
