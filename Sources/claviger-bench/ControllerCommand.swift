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

    @Option(parsing: .upToNextOption, help: "How many policies are present when changes are timed, ascending.")
    var counts = [1, 100, 1_000]

    @Option(help: "How many policies are present when the memory is looked at.")
    var objects = 10_000

    @Option(help: "Seconds after which a status that has not come never will.")
    var patience = 600

    @Option(help: "The folder of the programs; default: that of this one.")
    var programs: String?

    private static let kind = "ReleasePolicy"
    /// A namespace has a share of what a broker takes, so many are there.
    private static let policiesOfNamespace = 1_000

    private static func namespace(_ number: Int) -> String { "team-\(number / policiesOfNamespace)" }

    func validate() throws {
        guard changes > 0, patience > 0, counts == counts.sorted(), counts.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("Changes, counts and patience are above zero, and counts ascend.")
        }
    }

    func run() async throws {
        let own = CommandLine.arguments[0]
        let folder =
            programs ?? own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let cluster = try FakeCluster()
        for definition in Policy.CustomResourceDefinition.all { try cluster.create(definition.json) }
        for first in stride(from: 0, to: max(objects, counts.last ?? 0), by: Self.policiesOfNamespace) {
            try cluster.create([
                "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(Self.namespace(first))],
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
        do {
            try await measure(controller, server.cluster)
        } catch {
            await controller.stop()
            throw error
        }
        await controller.stop()
    }

    private func measure(_ controller: ControllerUnderTest, _ cluster: FakeCluster) async throws {
        print("policies present    ms to Programmed (middle)      slowest    all at once, s    controller MiB")
        for count in counts {
            let filling = try await seconds { try await fill(cluster, upTo: count, controller) }
            var times: [Double] = []
            for change in 0..<changes {
                times.append(
                    try await seconds { try await self.change(cluster, to: "\(count)-\(change)", controller) } * 1e3)
            }
            times.sort()
            print(
                Figure.name("\(count)", 16) + Figure.text(times[times.count / 2], 29) + Figure.text(times.last ?? 0, 13)
                    + Figure.text(filling, 18, digits: 2) + Figure.text(Self.mebibytes(controller), 18, digits: 2))
        }
        let filling = try await seconds { try await fill(cluster, upTo: objects, controller) }
        print(
            "\(objects) policies: \(Figure.text(filling, 0, digits: 2)) s to the last status, "
                + "\(Figure.text(Self.mebibytes(controller), 0, digits: 2)) MiB in the controller")
    }

    /// Creates what is missing up to a number, at once, and waits until all of it decides.
    private func fill(_ cluster: FakeCluster, upTo count: Int, _ controller: ControllerUnderTest) async throws {
        let present = try cluster.objects(Self.kind).count
        for number in present..<max(present, count) { try cluster.create(Self.policy(number)) }
        // Who looks at ten thousand objects all the time takes from the controller what is measured.
        try await wait(for: controller, lookingEvery: .milliseconds(20 + count / 10)) {
            try cluster.objects(Self.kind).allSatisfy(Self.isProgrammed)
        }
    }

    private func change(_ cluster: FakeCluster, to tag: String, _ controller: ControllerUnderTest) async throws {
        try cluster.patch(
            Self.kind, Self.namespace(0), "policy-0",
            ["spec": ["match": ["resources": [.string("\(Self.namespace(0))/keys/\(tag)")]]]])
        try await wait(for: controller, lookingEvery: .milliseconds(1)) {
            try cluster.object(Self.kind, Self.namespace(0), "policy-0").map(Self.isProgrammed) ?? false
        }
    }

    private func wait(
        for controller: ControllerUnderTest, lookingEvery interval: Duration, _ isDone: () throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(patience)
        while try !isDone() {
            guard controller.isRunning else { throw BenchError("The controller has ended; what it said is above.") }
            guard ContinuousClock.now < end else {
                throw BenchError("Not every policy was Programmed within \(patience) s.")
            }
            try await Task.sleep(for: interval)
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
        [
            "apiVersion": "claviger.dev/v1alpha1", "kind": .string(kind),
            "metadata": ["name": .string("policy-\(number)"), "namespace": .string(namespace(number))],
            "spec": [
                "match": ["resources": [.string("\(namespace(number))/keys/\(number)")], "operations": ["get"]],
                "require": ["tees": ["sample"]],
                "validations": [["expression": "claims.sample.svn != ''", "message": "no svn, no key"]],
            ],
        ]
    }

    private static func mebibytes(_ controller: ControllerUnderTest) -> Double {
        Double(controller.usage?.residentBytes ?? 0) / 1_048_576
    }
}
