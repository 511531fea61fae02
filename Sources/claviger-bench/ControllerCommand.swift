import ArgumentParser
import Encodings
import FoundationEssentials
import KubernetesTestSupport
import Policy

/// Measures the controller between an API server and a broker.
struct ControllerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "controller",
        abstract: "Prints how soon a policy of a cluster decides, and the controller's memory.",
        discussion: """
            The API server is the one of the tests, in this process; broker and controller are programs of their own on this \
            machine. The time is that from an object's change to the status Programmed of that very change, with so many \
            policies present; 0.2 seconds of it are waited on purpose, for changes that come together.
            """)

    @Option(help: "Changes that are timed.")
    var changes = 20

    @Option(help: "The folder of the programs; default: that of this one.")
    var programs: String?

    private static let kind = "ReleasePolicy"
    /// No broker takes more than 2,500 policies of one namespace.
    private static let policiesOfNamespace = 2_000
    private static let namespaces = 5
    /// What has not come to be by then never will.
    private static let patience: Duration = .seconds(600)

    func run() async throws {
        let own = CommandLine.arguments[0]
        let folder =
            programs ?? own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let cluster = try FakeCluster()
        for definition in Policy.CustomResourceDefinition.all { try cluster.create(definition.json) }
        for number in 0..<Self.namespaces {
            try cluster.create([
                "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string("bench-\(number)")],
            ])
        }
        try await FakeAPIServer.run(cluster) { server in
            let broker = try await BrokerUnderTest.start(program: folder + "/claviger-broker", core: 0, port: 18_447)
            do {
                try await measure(folder + "/claviger-controller", broker, server)
            } catch {
                await broker.stop()
                throw error
            }
            await broker.stop()
        }
    }

    private func measure(_ program: String, _ broker: BrokerUnderTest, _ server: FakeAPIServer) async throws {
        let controller = try await ControllerUnderTest.start(program: program, broker: broker, server: server)
        print("policies present    ms to Programmed (middle)      slowest    all at once, s    controller MiB")
        for count in [1, 100, 1_000] {
            let filling = try await seconds { try await fill(server.cluster, upTo: count, controller) }
            var times: [Double] = []
            for change in 0..<changes {
                times.append(
                    try await seconds { try await self.change(server.cluster, to: "\(count)-\(change)", controller) }
                        * 1e3)
            }
            times.sort()
            print(
                Figure.name("\(count)", 16) + Figure.text(times[times.count / 2], 29) + Figure.text(times.last ?? 0, 13)
                    + Figure.text(filling, 18, digits: 2) + Figure.text(Self.mebibytes(controller), 18, digits: 2))
        }
        for number in 1_000..<10_000 {
            try server.cluster.create(Self.policy(number))
            // The server answers one at a time, and the controller's Lease wants to be renewed.
            if number.isMultiple(of: 100) { try await Task.sleep(for: .milliseconds(1)) }
        }
        let filling = try await seconds { try await settle(server.cluster, controller) }
        print(
            "10000 policies: \(Figure.text(filling, 0, digits: 2)) s to the last status, "
                + "\(Figure.text(Self.mebibytes(controller), 0, digits: 2)) MiB in the controller")
        await controller.stop()
    }

    /// Creates what is missing up to a number, at once, and waits until all of it decides.
    private func fill(_ cluster: FakeCluster, upTo count: Int, _ controller: ControllerUnderTest) async throws {
        for number in try cluster.objects(Self.kind).count..<count { try cluster.create(Self.policy(number)) }
        try await settle(cluster, controller)
    }

    private func change(_ cluster: FakeCluster, to tag: String, _ controller: ControllerUnderTest) async throws {
        try cluster.patch(
            Self.kind, "bench-0", "policy-0", ["spec": ["match": ["resources": [.string("bench-0/keys/\(tag)")]]]])
        try await wait(for: controller, every: .milliseconds(1)) {
            try cluster.object(Self.kind, "bench-0", "policy-0").map(Self.isProgrammed) ?? false
        }
    }

    private func settle(_ cluster: FakeCluster, _ controller: ControllerUnderTest) async throws {
        try await wait(for: controller, every: .milliseconds(20)) {
            try cluster.objects(Self.kind).allSatisfy(Self.isProgrammed)
        }
    }

    private func wait(
        for controller: ControllerUnderTest, every pause: Duration, _ holds: () throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + Self.patience
        while try !holds() {
            guard controller.isRunning else { throw BenchError("The controller has ended.") }
            guard ContinuousClock.now < end else { throw BenchError("The policies did not come to decide.") }
            try await Task.sleep(for: pause)
        }
    }

    private func seconds(_ body: () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private static func isProgrammed(_ object: JSONObject) -> Bool {
        let status = object["status"]
        guard status?["observedGeneration"] == object["metadata"]?["generation"] else { return false }
        return (status?["conditions"]?.arrayValue ?? []).contains {
            $0["type"] == "Programmed" && $0["status"] == "True"
        }
    }

    private static func policy(_ number: Int) -> JSONObject {
        let namespace = "bench-\(number / policiesOfNamespace)"
        return [
            "apiVersion": "claviger.dev/v1alpha1", "kind": .string(kind),
            "metadata": ["name": .string("policy-\(number)"), "namespace": .string(namespace)],
            "spec": [
                "match": ["resources": [.string("\(namespace)/keys/\(number)")], "operations": ["get"]],
                "require": ["tees": ["sample"]],
                "validations": [["expression": "claims.sample.svn != ''", "message": "no svn, no key"]],
            ],
        ]
    }

    private static func mebibytes(_ controller: ControllerUnderTest) -> Double {
        Double(controller.usage?.residentBytes ?? 0) / 1_048_576
    }
}
