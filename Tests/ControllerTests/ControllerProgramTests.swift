import AdminClient
import Encodings
import Foundation
import HTTPTransport
import Kubernetes
import KubernetesTestSupport
import TestPrograms
import TestSupport
import Testing

private let controllerProgram = BuiltProgram("claviger-controller")

/// The programs as they are installed: an API server behind TLS with roles and tokens, which also vouches for the controller at the
/// broker, and a broker on PostgreSQL.
@Suite(
    "The controller as a program", .timeLimit(.minutes(5)),
    .enabled(
        if: controllerProgram != nil && BrokerProgram.program != nil, "the programs are not built beside the tests"))
struct ControllerProgramTests {
    private static let namespace = ControllerOverHTTPTests.namespace

    private struct Place: Sendable {
        let server: FakeAPIServer
        let broker: BrokerProgram
        let folder: URL

        var cluster: FakeCluster { server.cluster }

        func start() throws -> RunningProgram {
            try #require(controllerProgram).start([
                "--source", "east", "--url", broker.url, "--insecure-http",
                "--token-file", folder.appending(path: "broker-token").path,
                "--kubeconfig", folder.appending(path: "kubeconfig").path, "--health-address", "127.0.0.1:0",
            ])
        }

        /// Waits until policies decide, for as long as the program runs.
        func programmed(_ name: String, by program: RunningProgram) async throws {
            try await eventually(atMost: .seconds(120)) {
                guard program.isRunning else { throw Ended(log: program.errorText) }
                return try ControllerOverHTTPTests.isProgrammed(cluster, name)
            }
        }

        func holder() throws -> String? {
            try cluster.object("Lease", "claviger", "claviger-controller")?["spec"]?["holderIdentity"]?.stringValue
        }

        func fence() async throws -> Int64 {
            let sources = try await broker.admin.policyStatus()["sources"]?.arrayValue ?? []
            return sources.first { $0["name"] == "east" }?["fence"]?.intValue ?? 0
        }

        func names() async throws -> [String] {
            try await broker.admin.policies().filter { $0.namespace == namespace }.map(\.name).sorted()
        }
    }

    private struct Ended: Error { let log: String }

    private static func run(_ body: @Sendable (Place) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "claviger-program-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try await TestDatabase.make()
        let cluster = try ControllerOverHTTPTests.cluster(issuer: nil)
        try await FakeAPIServer.run(cluster) { server in
            func token(_ audiences: [String]) throws -> String {
                try cluster.token(
                    forServiceAccount: "claviger-controller", namespace: "claviger", audiences: audiences)
            }
            let kubeconfig = server.kubeconfig(token: try token([]), namespace: "claviger")
            try Data(kubeconfig.utf8).write(to: folder.appending(path: "kubeconfig"))
            try Data(token([BrokerProgram.audience]).utf8).write(to: folder.appending(path: "broker-token"))
            let broker = try await BrokerProgram.start(store, for: server, in: folder)
            try await body(Place(server: server, broker: broker, folder: folder))
        }
    }

    @Test("it programs a policy, is killed and started anew without losing anything, and ends in good order")
    func lifeCycle() async throws {
        try await Self.run { place in
            let first = try place.start()
            try place.cluster.create(ControllerOverHTTPTests.policy("first"))
            try await place.programmed("first", by: first)
            #expect(try await place.names() == ["first"])
            let fence = try await place.fence()
            let holder = try place.holder() ?? ""
            #expect(fence > 0 && !holder.isEmpty)
            first.signal(SIGKILL)
            #expect(await first.status() == 128 + SIGKILL)
            // While nobody is there.
            try place.cluster.create(ControllerOverHTTPTests.policy("second", tag: "two"))
            try place.cluster.delete("ReleasePolicy", Self.namespace, "first")
            let second = try place.start()
            try await place.programmed("second", by: second)
            #expect(try await place.names() == ["second"])
            #expect(try await place.fence() > fence)
            second.signal(SIGTERM)
            #expect(await second.status() == 0, "\(second.errorText)")
            let left = try place.holder() ?? ""
            #expect(left.isEmpty, "whoever comes next need not wait for the Lease to expire")
        }
    }

    @Test("one that is paused and overtaken writes nothing stale when it wakes up, and ends to be started anew")
    func overtaken() async throws {
        try await Self.run { place in
            let first = try place.start()
            try place.cluster.create(ControllerOverHTTPTests.policy("first"))
            try await place.programmed("first", by: first)
            first.signal(SIGSTOP)
            try place.cluster.delete("ReleasePolicy", Self.namespace, "first")
            try place.cluster.create(ControllerOverHTTPTests.policy("second", tag: "two"))
            let second = try place.start()
            try await place.programmed("second", by: second)
            let fence = try await place.fence()
            first.signal(SIGCONT)
            #expect(await first.status() == 1, "\(first.errorText)")
            try place.cluster.create(ControllerOverHTTPTests.policy("third", tag: "three"))
            try await place.programmed("third", by: second)
            #expect(try await place.names() == ["second", "third"])
            #expect(try await place.fence() == fence)
            second.signal(SIGTERM)
            #expect(await second.status() == 0)
        }
    }

    @Test("A45: to speak to the broker without TLS is logged at every start and shows in a gauge")
    func insecure() async throws {
        try await Self.run { place in
            let program = try place.start()
            let port = try await BrokerProgram.listeningPort(of: program)
            let http = try HTTPClient(configuration: HTTPClientConfiguration(insecureHTTPAllowed: true))
            func get(_ path: String) async throws -> (status: Int, text: String) {
                let answer = try await http.send(
                    HTTPRequest(method: "GET", url: "http://127.0.0.1:\(port)\(path)", headers: []))
                return (answer.status, String(decoding: answer.body, as: UTF8.self))
            }
            try await eventually { try await get("/readyz").status == 200 }
            let lines = try await get("/metrics").text.split(separator: "\n")
            #expect(lines.contains("claviger_controller_insecure 1"))
            let warnings = program.errorText.split(separator: "\n").filter { $0.contains("without TLS") }
            #expect(warnings.count == 1 && warnings.allSatisfy { $0.contains("warning") })
            program.signal(SIGTERM)
            #expect(await program.status() == 0)
        }
    }
}
