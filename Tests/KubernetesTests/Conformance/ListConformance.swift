import Encodings
import KubernetesTestSupport
import Testing

/// 4b: "410 in a list", "RV from the future", "pagination".
@Suite("Conformance: lists", .timeLimit(.minutes(5)))
struct ListConformance {
    @Test("4b: pagination: pages show one version, say how many follow, and are complete")
    func pages() async throws {
        try await ConformanceTarget.run { session in
            for number in 0..<5 {
                try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "w\(number)"))
            }
            let first = try await session.api.expect(200, "GET", session.widgets + "?limit=2")
            #expect(first["metadata"]?["remainingItemCount"] == 3)
            try await session.api.expect(200, "DELETE", session.widgets + "/w3")
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "w9"))
            var names = Self.names(first)
            var token = first["metadata"]?["continue"]?.stringValue
            while let next = token, !next.isEmpty {
                let page = try await session.api.expect(200, "GET", session.widgets + "?limit=2&continue=\(next)")
                #expect(page["metadata"]?["resourceVersion"] == first["metadata"]?["resourceVersion"])
                names += Self.names(page)
                token = page["metadata"]?["continue"]?.stringValue
            }
            #expect(names == ["w0", "w1", "w2", "w3", "w4"])
            let selected = try await session.api.expect(200, "GET", session.widgets + "?limit=1&labelSelector=!absent")
            #expect(selected["metadata"]?["remainingItemCount"] == nil && selected["metadata"]?["continue"] != nil)
        }
    }

    private static func names(_ list: JSONObject) -> [String] {
        // Every namespace of a real cluster has a map of that name.
        (list["items"]?.arrayValue ?? []).compactMap { $0["metadata"]?["name"]?.stringValue }
            .filter { $0 != "kube-root-ca.crt" }
    }

    @Test("lists of custom resources repeat the kind in their items; those of built-in kinds do not")
    func kinds() async throws {
        try await ConformanceTarget.run { session in
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "w"))
            try await session.api.expect(201, "POST", session.configMaps, session.configMap("a"))
            let custom = try await session.api.expect(200, "GET", session.widgets)
            #expect(custom["kind"] == "WidgetList" && custom["items"]?.arrayValue?.first?["kind"] == "Widget")
            let builtIn = try await session.api.expect(200, "GET", session.configMaps)
            #expect(builtIn["kind"] == "ConfigMapList" && builtIn["items"]?.arrayValue?.first?["kind"] == nil)
        }
    }

    @Test(
        "4b: 410 in a list: an exact version shows the past, until it is compacted: 410",
        .ofOurServer("nobody may compact its store"))
    func exact() async throws {
        try await ConformanceTarget.run { session in
            let old = try await session.api.expect(201, "POST", session.configMaps, session.configMap("a"))
            try await session.api.expect(201, "POST", session.configMaps, session.configMap("b"))
            let query = "?resourceVersion=\(old.resourceVersion)&resourceVersionMatch=Exact"
            let past = try await session.api.expect(200, "GET", session.configMaps + query)
            #expect(Self.names(past) == ["a"])
            let page = try await session.api.expect(200, "GET", session.configMaps + "?limit=1")
            let token = try #require(page["metadata"]?["continue"]?.stringValue)
            try await session.api.expect(201, "POST", session.configMaps, session.configMap("c"))
            session.fake?.cluster.compact()
            for query in [query, "?limit=1&continue=\(token)"] {
                let gone = try await session.api.send("GET", session.configMaps + query)
                #expect(gone.status == 410 && gone.reason == "Expired", "\(gone.text)")
            }
            let floor = "?resourceVersion=\(old.resourceVersion)&resourceVersionMatch=NotOlderThan"
            #expect(
                Self.names(try await session.api.expect(200, "GET", session.configMaps + floor)) == ["a", "b", "c"])
        }
    }

    @Test("4b: RV from the future: a version from the future is 504: ask again, do not list anew")
    func future() async throws {
        try await ConformanceTarget.run { session in
            let list = try await session.api.expect(200, "GET", session.configMaps)
            let version = try #require(list["metadata"]?["resourceVersion"]?.stringValue.flatMap { Int64($0) })
            let query = "?resourceVersionMatch=NotOlderThan&resourceVersion=\(version + 1_000_000)"
            let answer = try await session.api.send("GET", session.configMaps + query)
            #expect(answer.status == 504 && answer.reason == "Timeout")
            #expect(answer.causes.contains { $0["reason"] == "ResourceVersionTooLarge" })
        }
    }

    @Test("labels and fields select")
    func selectors() async throws {
        try await ConformanceTarget.run { session in
            for (name, label) in [("a", "x"), ("b", "y"), ("c", "z")] {
                try await session.api.expect(
                    201, "POST", session.configMaps, session.configMap(name, labels: ["app": .string(label)]))
            }
            let cases = [
                ("labelSelector=app%3Dx", ["a"]), ("labelSelector=app%20in%20(x,y)", ["a", "b"]),
                ("labelSelector=app!%3Dx,app", ["b", "c"]), ("fieldSelector=metadata.name%3Dc", ["c"]),
                ("labelSelector=app%20notin%20(x,y),app", ["c"]),
            ]
            for (query, expected) in cases {
                let found = Self.names(try await session.api.expect(200, "GET", "\(session.configMaps)?\(query)"))
                #expect(found == expected, "\(query)")
            }
        }
    }
}
