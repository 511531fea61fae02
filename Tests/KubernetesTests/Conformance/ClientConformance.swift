import Encodings
import Foundation
import Kubernetes
import KubernetesTestSupport
import Testing

/// The rows of 4b as our own client understands them.
@Suite("Conformance: our client", .timeLimit(.minutes(5)))
struct ClientConformance {
    private static let widgets = APIResource(
        group: "conformance.claviger.dev", version: "v1", plural: "widgets", kind: "Widget")

    private static func client(_ session: ConformanceSession) throws -> KubernetesClient {
        let file = FileManager.default.temporaryDirectory.appending(path: "claviger-kubeconfig-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(session.kubeconfig.utf8).write(to: file)
        return try KubernetesClient(KubernetesConfiguration.kubeconfig(files: [file.path]))
    }

    private static func widget(_ session: ConformanceSession, _ name: String, _ spec: JSONObject = [:])
        -> KubernetesObject
    {
        KubernetesObject(json: Widget.object(session, name, spec))
    }

    @Test("objects are made, read, paged, patched, replaced at their version only, and deleted as their own")
    func verbs() async throws {
        try await ConformanceTarget.run { session in
            let client = try Self.client(session)
            let version = try await client.version()
            #expect(version >= ServerVersion(major: 1, minor: 29))
            for name in ["a", "b", "c"] {
                _ = try await client.create(Self.widget(session, name), in: Self.widgets)
            }
            let again = await Self.failure { _ = try await client.create(Self.widget(session, "a"), in: Self.widgets) }
            #expect(again?.kind == .alreadyExists)
            let first = try await client.list(Self.widgets, namespace: session.namespace, ListOptions(limit: 2))
            #expect(first.items.map(\.name) == ["a", "b"] && first.remainingItemCount == 1)
            let rest = try await client.list(
                Self.widgets, namespace: session.namespace, ListOptions(limit: 2, continueToken: first.continueToken))
            #expect(rest.items.map(\.name) == ["c"] && rest.continueToken == nil)

            var stale = try await client.get(Self.widgets, namespace: session.namespace, name: "a")
            _ = try await client.mergePatch(
                ["spec": ["broker": "new"]], to: Self.widgets, namespace: session.namespace, name: "a", subresource: nil
            )
            stale.spec = ["mode": "Audit"]
            let old = stale
            let conflict = await Self.failure { _ = try await client.replace(old, in: Self.widgets) }
            #expect(conflict?.kind == .conflict)
            let wrong = await Self.failure {
                try await client.delete(
                    Self.widgets, namespace: session.namespace, name: "a", preconditions: .init(uid: "other"))
            }
            #expect(wrong?.kind == .conflict)
            try await client.delete(Self.widgets, namespace: session.namespace, name: "a")
            let gone = await Self.failure {
                _ = try await client.get(Self.widgets, namespace: session.namespace, name: "a")
            }
            #expect(gone?.kind == .notFound)
        }
    }

    private static func failure(_ body: () async throws -> Void) async -> KubernetesError? {
        do { try await body() } catch { return error as? KubernetesError }
        return nil
    }

    @Test("refusals tell each field, and a conflict of applies its owner")
    func refusals() async throws {
        try await ConformanceTarget.run { session in
            let client = try Self.client(session)
            let invalid = await Self.failure {
                _ = try await client.create(Self.widget(session, "a", ["replicas": 9]), in: Self.widgets)
            }
            #expect(invalid?.kind == .invalid)
            #expect(invalid?.causes.map(\.field) == ["spec.replicas"])
            let unknown = await Self.failure {
                _ = try await client.create(Self.widget(session, "a", ["borker": "x"]), in: Self.widgets)
            }
            #expect(unknown?.kind == .invalid && unknown?.message.contains("spec.borker") == true)
            for (manager, broker) in [("first", "one"), ("second", "two")] {
                let conflict = await Self.failure {
                    _ = try await client.apply(
                        Self.widget(session, "a", ["broker": .string(broker)]), to: Self.widgets, fieldManager: manager,
                        force: false, subresource: nil)
                }
                guard manager == "second" else { continue }
                #expect(conflict?.kind == .conflict && conflict?.causes.first?.field == ".spec.broker")
                #expect(conflict?.message.contains("first") == true)
            }
            let list = try await client.list(Self.widgets, namespace: session.namespace, ListOptions())
            let version = try #require(Int64(list.resourceVersion)) + 1_000_000
            let future = await Self.failure {
                _ = try await client.list(
                    Self.widgets, namespace: session.namespace,
                    ListOptions(resourceVersion: "\(version)", resourceVersionMatch: .notOlderThan))
            }
            #expect(future?.kind == .resourceVersionTooLarge)
        }
    }

    @Test("a watch gives what exists, the end of that, and every change; one from the far past is gone")
    func watch() async throws {
        try await ConformanceTarget.run { session in
            let client = try Self.client(session)
            _ = try await client.create(Self.widget(session, "a"), in: Self.widgets)
            let stream = try await client.watch(
                Self.widgets, namespace: session.namespace, WatchOptions(timeoutSeconds: 5, sendInitialEvents: true))
            var seen: [String] = []
            for try await event in stream {
                switch event {
                case .added(let object): seen.append("+\(object.name)")
                case .modified(let object): seen.append("~\(object.name)")
                case .deleted(let object): seen.append("-\(object.name)")
                case .bookmark(let version, let endsInitialEvents):
                    #expect(!version.isEmpty)
                    guard endsInitialEvents else { continue }
                    seen.append("=")
                    _ = try await client.mergePatch(
                        ["spec": ["broker": "x"]], to: Self.widgets, namespace: session.namespace, name: "a",
                        subresource: nil)
                    try await client.delete(Self.widgets, namespace: session.namespace, name: "a")
                }
            }
            #expect(seen == ["+a", "=", "~a", "-a"])
            let gone = await Self.failure {
                let stream = try await client.watch(
                    Self.widgets, namespace: session.namespace, WatchOptions(resourceVersion: "1", timeoutSeconds: 5))
                for try await _ in stream {}
            }
            #expect(gone?.kind == .gone)
        }
    }

    @Test("each fault has its kind", .ofOurServer("it does not fail on demand"))
    func faults() async throws {
        try await ConformanceTarget.run { session in
            let client = try Self.client(session)
            let cluster = try #require(session.fake?.cluster)
            let cases: [(FaultEffect, KubernetesError.Kind)] = [
                (.throttled(retryAfter: 3), .throttled), (.internalError, .serverError), (.gone, .gone),
                (.goneInStream, .gone), (.watch(.halfALine, afterEvents: 0), .transport), (.hangUp, .transport),
            ]
            for (effect, kind) in cases {
                cluster.inject(effect) { $0.resource == "widgets" }
                let failure = await Self.failure {
                    let stream = try await client.watch(
                        Self.widgets, namespace: session.namespace, WatchOptions(timeoutSeconds: 5))
                    for try await _ in stream {}
                }
                #expect(failure?.kind == kind, "\(effect)")
                if kind == .throttled { #expect(failure?.retryAfter == .seconds(3)) }
            }
            cluster.configure { $0.denial = { $0.resource == "secrets" ? "not yours" : nil } }
            let denied = await Self.failure {
                _ = try await client.list(.secrets, namespace: session.namespace, ListOptions())
            }
            #expect(denied?.kind == .forbidden)
            cluster.revoke(token: cluster.adminToken)
            let stranger = await Self.failure { _ = try await client.list(.pods, namespace: nil, ListOptions()) }
            #expect(stranger?.kind == .unauthorized)
        }
    }
}
