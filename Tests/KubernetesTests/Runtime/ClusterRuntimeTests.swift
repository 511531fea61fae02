import Encodings
import Kubernetes
import KubernetesTestSupport
import Synchronization
import Testing

/// Caches, elections, events and status over the real client and an API server that behaves as Kubernetes' does.
@Suite(.timeLimit(.minutes(5))) struct ClusterRuntimeTests {
    private static let configMaps = APIResource(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap")
    private static let widgets = APIResource(
        group: "conformance.claviger.dev", version: "v1", plural: "widgets", kind: "Widget")

    private static func client(_ server: FakeAPIServer) throws -> KubernetesClient {
        var configuration = try KubernetesConfiguration(
            server: server.baseURL, authority: .pem(server.authorityPEM),
            credential: .token(SecretBytes(Array(server.cluster.adminToken.utf8))))
        configuration.watchIdleLimit = .seconds(2)
        configuration.requestsPerSecond = 1_000
        return try KubernetesClient(configuration)
    }

    private static func configMap(_ name: String, _ value: Int) -> JSONObject {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name), "namespace": "default"],
            "data": ["value": .string("\(value)")],
        ]
    }

    /// What somebody knows who only hears of changes.
    private final class Hearsay: Sendable {
        private let objects = Mutex<[String: String]>([:])
        private let faults = Mutex<[String]>([])

        var all: [String: String] { objects.withLock { $0 } }
        var contradictions: [String] { faults.withLock { $0 } }

        func hear(_ change: ObjectChange) {
            let name = change.object.name
            let isKnown = objects.withLock { objects in
                let isKnown = objects[name] != nil
                switch change {
                case .added(let object), .updated(_, let object):
                    objects[name] = object.json["data"]?["value"]?.stringValue ?? ""
                case .deleted: objects[name] = nil
                }
                return isKnown
            }
            let mustBeKnown = if case .added = change { false } else { true }
            if isKnown != mustBeKnown { faults.withLock { $0.append("\(name): \(change.key)") } }
        }
    }

    private static func stored(_ cluster: FakeCluster) throws -> [String: String] {
        var values: [String: String] = [:]
        for object in try cluster.objects("ConfigMap") {
            let name = object["metadata"]?["name"]?.stringValue ?? ""
            values[name] = object["data"]?["value"]?.stringValue ?? ""
        }
        return values
    }

    /// Creates, changes, deletes and creates anew.
    private static func stir(_ cluster: FakeCluster, _ round: Int) throws {
        for number in 0..<6 { try cluster.create(configMap("r\(round)-\(number)", number)) }
        try cluster.patch("ConfigMap", "default", "r\(round)-0", ["data": ["value": "changed"]])
        try cluster.delete("ConfigMap", "default", "r\(round)-1")
        guard round > 0 else { return }
        try cluster.delete("ConfigMap", "default", "r\(round - 1)-2")
        try cluster.delete("ConfigMap", "default", "r\(round - 1)-3")
        try cluster.create(configMap("r\(round - 1)-3", 1_000 + round))
    }

    private enum Disaster: CaseIterable {
        case end, gone, halfALine, duplicates, stall, restart, compaction, throttled, serverError

        func strike(_ server: FakeAPIServer) async throws {
            let cluster = server.cluster
            switch self {
            case .end: cluster.disturbWatches(of: "configmaps", .end)
            case .gone:
                cluster.inject(.gone) { $0.verb == "watch" }
                cluster.disturbWatches(of: "configmaps", .halfALine)
            case .halfALine: cluster.disturbWatches(of: "configmaps", .halfALine)
            case .duplicates: cluster.disturbWatches(of: "configmaps", .duplicates)
            case .stall: cluster.disturbWatches(of: "configmaps", .stall)
            case .restart:
                await server.stop()
                try await server.start()
            case .compaction:
                await server.stop()
                cluster.compact()
                try await server.start()
            case .throttled:
                cluster.inject(.throttled(retryAfter: 1)) { $0.verb == "watch" }
                cluster.disturbWatches(of: "configmaps", .end)
            case .serverError:
                cluster.inject(.internalError, times: 3) { $0.verb == "watch" && !$0.wantsInitialEvents }
                cluster.disturbWatches(of: "configmaps", .end)
            }
        }
    }

    @Test(arguments: [true, false])
    func `Whatever happens to its watches, a cache and its handlers end up with what is in the cluster`(
        watchList: Bool
    ) async throws {
        let cluster = try FakeCluster {
            $0.offersWatchList = watchList
            $0.bookmarkInterval = .milliseconds(300)
        }
        try await FakeAPIServer.run(cluster) { server in
            var settings = CacheSettings()
            settings.pageSize = 3
            settings.backoff = Backoff(shortest: .milliseconds(5), longest: .milliseconds(50))
            let hearsay = Hearsay()
            let informer = Informer(
                api: try Self.client(server), resource: Self.configMaps, settings: settings,
                handlers: [{ hearsay.hear($0) }])
            try Self.stir(cluster, 0)
            try await withThrowingTaskGroup { group in
                group.addTask { await informer.run() }
                try await informer.waitUntilSynced()
                for (round, disaster) in Disaster.allCases.enumerated() {
                    try await eventually { cluster.watchCount(of: "configmaps") > 0 }
                    try Self.stir(cluster, 2 * round + 1)
                    try await disaster.strike(server)
                    try Self.stir(cluster, 2 * round + 2)
                    let expected = try Self.stored(cluster)
                    try await eventually { hearsay.all == expected }
                    #expect(Set(informer.store.keys.map(\.name)) == Set(expected.keys))
                }
                group.cancelAll()
            }
            #expect(hearsay.contradictions.isEmpty)
        }
    }

    private final class Terms: Sendable {
        private let state = Mutex<(fences: [Int64], running: Int, overlapped: Bool)>(([], 0, false))

        var fences: [Int64] { state.withLock(\.fences) }
        var overlapped: Bool { state.withLock(\.overlapped) }

        func begin(_ fence: Int64) {
            state.withLock { state in
                state.fences.append(fence)
                state.running += 1
                if state.running > 1 { state.overlapped = true }
            }
        }

        func end() { state.withLock { $0.running -= 1 } }
    }

    @Test func `Two processes on one Lease: one leads, and when it ends the other follows with a bigger number`()
        async throws
    {
        try await FakeAPIServer.run { server in
            var settings = LeaderElector.Settings()
            settings.leaseDuration = .seconds(30)
            settings.renewDeadline = .seconds(20)
            settings.retryPeriod = .milliseconds(100)
            let terms = Terms()
            let electors = try ["first", "second"].map {
                try LeaderElector(
                    api: Self.client(server), namespace: "default", name: "controller", candidate: $0,
                    settings: settings)
            }
            try await withThrowingTaskGroup { group in
                for elector in electors {
                    group.addTask {
                        _ = await elector.lead { leadership in
                            terms.begin(leadership.fence)
                            try? await Task.sleep(for: .milliseconds(500))
                            terms.end()
                        }
                    }
                }
                try await group.waitForAll()
            }
            let fences = terms.fences
            #expect(fences.count == 2 && fences.first ?? 0 < fences.last ?? 0)
            #expect(!terms.overlapped)
        }
    }

    @Test func `Events and their counts are taken by the server`() async throws {
        try await FakeAPIServer.run { server in
            let cluster = server.cluster
            let clock = ManualClock()
            let recorder = EventRecorder(
                api: try Self.client(server), controller: "claviger.dev/controller", instance: "pod-1",
                environment: .manual(clock))
            let object = KubernetesObject(json: try cluster.create(Self.configMap("a", 1)))
            @Sendable func happen() {
                recorder.record(.warning, reason: "Refused", action: "Compile", note: "line 3", regarding: object)
            }
            happen()
            try await withThrowingTaskGroup { group in
                group.addTask { await recorder.run() }
                try await eventually { (try? cluster.objects("Event").count) == 1 && clock.sleeperCount == 1 }
                happen()
                try await eventually { clock.sleeperCount == 1 }
                clock.advance(by: .seconds(60))
                try await eventually { (try? cluster.objects("Event").first?["series"]?["count"]) == 2 }
                group.cancelAll()
            }
            #expect(try cluster.objects("Event").first?["note"] == "line 3")
        }
    }

    @Test func `A status is written once, and taken back where it is not said any more`() async throws {
        try await FakeAPIServer.run { server in
            let cluster = server.cluster
            let definition = Widget.definition.replacing(
                "reason: {type: string}",
                with: "reason: {type: string}\n" + String(repeating: " ", count: 20)
                    + "observedGeneration: {type: integer}")
            try cluster.create(try #require(try YAMLObjects.objects(in: definition).first))
            let api = try Self.client(server)
            try await eventually { (try? await api.list(Self.widgets, namespace: nil, ListOptions())) != nil }
            try cluster.create([
                "apiVersion": "conformance.claviger.dev/v1", "kind": "Widget",
                "metadata": ["name": "w", "namespace": "default"], "spec": ["mode": "Enforce", "replicas": 1],
            ])
            let writer = StatusWriter(api: api, resource: Self.widgets, fieldManager: "claviger")
            func current() async throws -> KubernetesObject {
                try await api.get(Self.widgets, namespace: "default", name: "w")
            }
            func condition(_ type: String) -> Condition {
                Condition(type: type, status: .yes, reason: "Valid", message: "all is well")
            }
            let both = [condition("Accepted"), condition("Compiled")]
            let term = Leadership.unelected(fence: 1)
            let first = try await current()
            guard case .written(let stored) = try await writer.write(both, on: first, under: term) else {
                Issue.record("nothing was written")
                return
            }
            #expect(stored.generation == first.generation)
            #expect(try await writer.write(both, on: try await current(), under: term) == .unchanged)
            let failure = await #expect(throws: KubernetesError.self) {
                try await writer.write([condition("Accepted")], on: first, under: term)
            }
            #expect(failure?.kind == .conflict)
            _ = try await writer.write([condition("Accepted")], on: try await current(), under: term)
            let types = try await current().status?["conditions"]?.arrayValue?.map { $0["type"] }
            #expect(types == ["Accepted"])
        }
    }
}
