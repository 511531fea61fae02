import Encodings
import KubernetesTestSupport
import Testing

/// 4b: "watch", "WatchList", "410 in a watch".
@Suite("Conformance: watches", .timeLimit(.minutes(5)))
struct WatchConformance {
    @Test("4b: watch: a watch tells changes after a version, a bookmark before its timeout, and ends cleanly")
    func changes() async throws {
        try await ConformanceTarget.run { session in
            let start = try await session.api.expect(
                201, "POST", session.configMaps, session.configMap("a", ["k": "1"]))
            try await session.api.expect(
                200, "PATCH", session.configMaps + "/a", ["data": ["k": "2"]], type: "application/merge-patch+json")
            try await session.api.expect(200, "DELETE", session.configMaps + "/a")
            let answer = try await session.api.send(
                "GET",
                session.configMaps
                    + "?watch=true&timeoutSeconds=2&allowWatchBookmarks=true&fieldSelector=metadata.name%3Da"
                    + "&resourceVersion=\(start.resourceVersion)")
            #expect(answer.status == 200)
            let events = answer.events
            #expect(events.prefix(2).compactMap { $0["type"] } == ["MODIFIED", "DELETED"])
            #expect(events.first?["object"]?["data"]?["k"] == "2")
            #expect(events.first?["object"]?["kind"] == "ConfigMap")
            let last = try #require(events.last)
            #expect(last["type"] == "BOOKMARK" && last["object"]?["kind"] == "ConfigMap")
            #expect(last["object"]?["apiVersion"] == "v1")
            #expect(last["object"]?.objectValue?.resourceVersion.isEmpty == false)
            #expect(last["object"]?["metadata"]?["name"] == nil)
        }
    }

    @Test("a watch without a version begins with what exists")
    func withoutVersion() async throws {
        try await ConformanceTarget.run { session in
            try await session.api.expect(201, "POST", session.configMaps, session.configMap("a"))
            let answer = try await session.api.send("GET", session.configMaps + "?watch=1&timeoutSeconds=1")
            let names = answer.events.compactMap { $0["object"]?["metadata"]?["name"]?.stringValue }
            #expect(names.contains("a") && answer.events.allSatisfy { $0["type"] == "ADDED" })
        }
    }

    @Test("what a selector no longer selects is told as deleted, and as added when it is selected again")
    func selectors() async throws {
        try await ConformanceTarget.run { session in
            let start = try await session.api.expect(
                201, "POST", session.configMaps, session.configMap("a", labels: ["app": "x"]))
            for label in ["y", "x"] {
                try await session.api.expect(
                    200, "PATCH", session.configMaps + "/a", ["metadata": ["labels": ["app": .string(label)]]],
                    type: "application/merge-patch+json")
            }
            let answer = try await session.api.send(
                "GET",
                session.configMaps
                    + "?watch=1&timeoutSeconds=1&labelSelector=app%3Dx&resourceVersion=\(start.resourceVersion)")
            #expect(answer.events.compactMap { $0["type"] } == ["DELETED", "ADDED"])
            #expect(answer.events.first?["object"]?["metadata"]?["labels"]?["app"] == "x")
        }
    }

    @Test("4b: WatchList: what exists, then a bookmark that says so, then what happens")
    func watchList() async throws {
        try await ConformanceTarget.run { session in
            try await session.api.expect(201, "POST", session.configMaps, session.configMap("a"))
            let query =
                "?watch=1&timeoutSeconds=2&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
            let answer = try await session.api.send("GET", session.configMaps + query)
            let marked = answer.events.firstIndex {
                $0["type"] == "BOOKMARK"
                    && $0["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true"
            }
            let position = try #require(marked, "\(answer.text)")
            #expect(answer.events[..<position].allSatisfy { $0["type"] == "ADDED" })
            #expect(answer.events[..<position].contains { $0["object"]?["metadata"]?["name"] == "a" })
            let refused = try await session.api.send("GET", session.configMaps + "?watch=1&sendInitialEvents=true")
            #expect(refused.status == 422, "resourceVersionMatch is demanded")
        }
    }

    @Test(
        "4b: WatchList that the store does not support is an ERROR 500 in the stream",
        .ofOurServer("it depends on the server's store"))
    func watchListUnsupported() async throws {
        try await ConformanceTarget.run { session in
            session.fake?.cluster.configure { $0.offersWatchList = false }
            let query =
                "?watch=1&timeoutSeconds=2&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
            let answer = try await session.api.send("GET", session.configMaps + query)
            #expect(answer.status == 200 && answer.events.count == 1)
            #expect(answer.events.first?["type"] == "ERROR" && answer.events.first?["object"]?["code"] == 500)
            #expect(answer.text.contains("RequestWatchProgress is disabled"))
        }
    }

    @Test("4b: 410 in a watch: a version that is gone is 410 in a stream that began with 200")
    func gone() async throws {
        try await ConformanceTarget.run { session in
            let answer = try await session.api.send("GET", session.configMaps + "?watch=1&resourceVersion=1")
            #expect(answer.status == 200)
            let first = try #require(answer.events.first)
            #expect(first["type"] == "ERROR" && first["object"]?["kind"] == "Status")
            #expect(first["object"]?["code"] == 410 && first["object"]?["reason"] == "Expired")
        }
    }

    @Test(
        "a running watch and a new one survive a compaction only from versions that are still known",
        .ofOurServer("nobody may compact its store"))
    func compaction() async throws {
        try await ConformanceTarget.run { session in
            let old = try await session.api.expect(201, "POST", session.configMaps, session.configMap("a"))
            try await session.api.expect(201, "POST", session.configMaps, session.configMap("b"))
            session.fake?.cluster.compact()
            let gone = try await session.api.send(
                "GET", session.configMaps + "?watch=1&timeoutSeconds=1&resourceVersion=\(old.resourceVersion)")
            #expect(gone.events.first?["object"]?["code"] == 410)
            let now = try #require(session.fake?.cluster.revision)
            let fine = try await session.api.send(
                "GET", session.configMaps + "?watch=1&timeoutSeconds=1&resourceVersion=\(now)")
            #expect(fine.status == 200 && fine.events.isEmpty)
        }
    }

    @Test("bookmarks carry a quiet watch forward while other kinds change")
    func bookmarks() async throws {
        try await ConformanceTarget.run { session in
            let start = try await session.api.expect(201, "POST", session.configMaps, session.configMap("a"))
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "w"))
            let answer = try await session.api.send(
                "GET",
                session.widgets
                    + "?watch=1&timeoutSeconds=2&allowWatchBookmarks=true&resourceVersion=\(start.resourceVersion)")
            #expect(answer.events.first?["type"] == "ADDED")
            #expect(answer.events.last?["type"] == "BOOKMARK")
            #expect(answer.events.last?["object"]?["kind"] == "Widget")
        }
    }
}
