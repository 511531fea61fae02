import Encodings
import Foundation
import KubernetesTestSupport
import Testing

@testable import Kubernetes

/// What goes wrong between a controller and an API server: whatever it is, a cache ends up with what the cluster has, and
/// every change is told once.
@Suite("Faults of an API server", .timeLimit(.minutes(5)))
struct FaultTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var idleLimit: Duration = .seconds(130)
        /// Before the cache begins.
        var prepare: @Sendable (FakeCluster) -> Void = { _ in }
        /// While it follows the cluster.
        var strike: @Sendable (FakeCluster) -> Void = { _ in }
        /// Whether the fault has struck, by the requests for widgets.
        let hasStruck: @Sendable ([RecordedRequest]) -> Bool
    }

    private static func isWatch(_ request: AccessRequest) -> Bool { request.verb == "watch" }
    private static let expired = APIStatus(410, "Expired", "too old resource version: 1 (2)")

    static let cases = [
        Case(
            testDescription: "4c: 410 in the stream", strike: { $0.disturbWatches(.error(expired)) },
            hasStruck: { $0.count { $0.query["watch"] != nil } > 1 }),
        Case(
            testDescription: "4c: 410 said by HTTP",
            strike: {
                $0.inject(.gone, where: isWatch)
                $0.disturbWatches(.end)
            },
            hasStruck: { $0.contains { $0.status == 410 } }),
        Case(
            testDescription: "4c: 429 with Retry-After",
            strike: {
                $0.inject(.throttled(retryAfter: 1), times: 2, where: isWatch)
                $0.disturbWatches(.end)
            },
            hasStruck: { $0.count { $0.status == 429 } == 2 }),
        Case(
            testDescription: "4c: 500 on WatchList", prepare: { $0.configure { $0.offersWatchList = false } },
            hasStruck: { $0.first?.query["sendInitialEvents"] != nil && $0.contains { $0.query["watch"] == nil } }),
        Case(
            testDescription: "4c: half a line, then the end", strike: { $0.disturbWatches(.halfALine) },
            hasStruck: { $0.count { $0.query["watch"] != nil } > 1 }),
        Case(
            testDescription: "4c: a silent stall", idleLimit: .seconds(3),
            prepare: { $0.configure { $0.bookmarkInterval = .milliseconds(500) } },
            strike: { $0.disturbWatches(.stall) }, hasStruck: { $0.count { $0.query["watch"] != nil } > 1 }),
        Case(
            testDescription: "4c: events that come twice", strike: { $0.disturbWatches(.duplicates) },
            hasStruck: { !$0.isEmpty }),
        Case(
            testDescription: "4c: a clock that jumps back",
            strike: {
                $0.advanceClock(by: -172_800)
                $0.disturbWatches(.end)
            },
            hasStruck: { $0.count { $0.query["watch"] != nil } > 1 }),
        Case(
            testDescription: "4c: a clock that jumps forth, and with it a token that expires: 401",
            strike: {
                $0.advanceClock(by: 3601)
                $0.disturbWatches(.end)
            },
            hasStruck: { $0.contains { $0.status == 401 } }),
    ]

    private static func map(_ name: String) -> JSONObject {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": "default"],
            "data": ["key": "value"],
        ]
    }

    private static let maps = APIResource(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap")

    @Test("whatever goes wrong, nothing is lost and nothing is told twice", arguments: cases)
    func survived(_ fault: Case) async throws {
        let cluster = try FakeCluster {
            $0.checksRoles = false
            $0.issuer = "https://kubernetes.default.svc"
        }
        for name in ["a", "b"] { try cluster.create(Self.map(name)) }
        fault.prepare(cluster)
        let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try await FakeAPIServer.run(cluster) { server in
            try Self.renewToken(cluster, in: file)
            var configuration = try KubernetesConfiguration(
                server: server.baseURL, authority: .pem(server.authorityPEM), credential: .tokenFile(file.path))
            configuration.watchIdleLimit = fault.idleLimit
            var settings = CacheSettings(namespace: "default")
            settings.backoff = Backoff(shortest: .milliseconds(50), longest: .seconds(1))
            settings.slowBackoff = settings.backoff
            let log = ChangeLog()
            let informer = Informer(
                api: try KubernetesClient(configuration), resource: Self.maps, settings: settings,
                handlers: [{ log.note($0) }])
            try await withThrowingTaskGroup { group in
                group.addTask { await informer.run() }
                try await informer.waitUntilSynced()
                try await eventually { cluster.watchCount(of: "configmaps") == 1 }
                fault.strike(cluster)
                try Self.renewToken(cluster, in: file)
                try cluster.patch("ConfigMap", "default", "a", ["data": ["key": "new"]])
                try cluster.delete("ConfigMap", "default", "b")
                try cluster.create(Self.map("c"))
                try await eventually {
                    Set(informer.store.keys.map(\.name)) == ["a", "c"]
                        && informer.store[ObjectKey(namespace: "default", name: "a")]?.json["data"]?["key"] == "new"
                }
                // A change after all of that is followed as if nothing had been.
                try cluster.create(Self.map("last"))
                try await eventually { log.all.contains("+last") }
                group.cancelAll()
            }
            // Of what went while nobody looked the last form is not known, which is written with a question mark.
            let told = log.all.map { $0.replacing("?", with: "-") }.sorted()
            #expect(told == ["+a", "+b", "+c", "+last", "-b", "~a"])
            let asked = cluster.requests.filter { $0.path.hasSuffix("/configmaps") && $0.method == "GET" }
            #expect(fault.hasStruck(asked), "the fault never struck")
        }
    }

    /// Writes a token that is good by the cluster's clock, as a kubelet does.
    private static func renewToken(_ cluster: FakeCluster, in file: URL) throws {
        let token = try cluster.token(forServiceAccount: "reader", namespace: "default")
        try Data(token.utf8).write(to: file, options: .atomic)
    }
}
