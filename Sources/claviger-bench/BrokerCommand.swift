import ArgumentParser
import Encodings
import FoundationEssentials
import KBSProtocol

/// Measures one core of the broker.
struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Prints what one core of the broker does, with a local PostgreSQL.",
        discussion: """
            The broker runs on one core; PostgreSQL and the load share the others. "CPU us" is the broker's own processor \
            time per request, which other work on the machine changes least.
            """)

    @Option(help: "Seconds of each run.")
    var seconds = 5

    @Option(help: "Requests in flight.")
    var callers = 64

    @Option(help: "The broker's program.")
    var broker: String?

    @Option(help: "The core that the broker runs on.")
    var core = 0

    @Option(help: "The port that the broker listens on.")
    var port = 18_443

    private static let path = "bench/keys/first"
    static let policy = """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: bench, namespace: bench}
        spec:
          match: {resources: ["bench/keys/*"], operations: [get]}
          require: {tees: [sample]}
          validations:
            - {expression: "claims.sample.debug == false", message: "debug guests get nothing"}
        """

    func run() async throws {
        let own = CommandLine.arguments[0]
        let program =
            broker ?? own.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/") + "/claviger-broker"
        let bound = try await CryptoBound.fetchesPerSecond(secretBytes: 32, seconds: max(2, seconds / 2))
        let tested = try await BrokerUnderTest.start(program: program, core: core, port: port)
        do {
            try await measure(tested, bound: bound)
        } catch {
            await tested.stop()
            throw error
        }
        await tested.stop()
    }

    private func measure(_ tested: BrokerUnderTest, bound: Double) async throws {
        let policies = try String(contentsOfFile: "Policies/default-cpu.yaml", encoding: .utf8)
        _ = try await tested.admin.applyPolicies(yaml: policies + "\n---\n" + Self.policy)
        let secret = SecretBytes.random(count: 32)
        try await tested.admin.putResource(try ResourcePath(Self.path), secret)
        let load = try GuestLoad(broker: tested)
        let cookie = try await load.attest()
        guard try await load.fetchAndOpen(Self.path, cookie: cookie) == secret else {
            throw BenchError("The fetched resource is not the stored one.")
        }

        print(LoadReport.heading)
        try await report("auth", tested) { _ in await Self.reason { _ = try await load.challenge() } }
        try await report("auth + attest (sample)", tested) { _ in await Self.reason { _ = try await load.attest() } }
        let fetches = try await report("fetch (P-256)", tested) { _ in
            await Self.reason { try await load.fetch(Self.path, cookie: cookie) }
        }
        print("crypto alone, fetch   \(Figure.text(bound, 8))")
        print("fetches per core reach \(Int(100 * fetches / bound)) % of the cryptography alone (target 50 %)")
        if let usage = ProcessUsage(of: tested.process) {
            print("resident memory of the broker after all runs: \(usage.residentBytes / 1_048_576) MiB")
        }
    }

    /// Makes one run, prints its line, and gives the requests per second of processor time.
    @discardableResult
    private func report(
        _ name: String, _ tested: BrokerUnderTest, _ request: @escaping @Sendable (Int) async -> String?
    ) async throws -> Double {
        try await LoadReport(process: tested.process, callers: callers, seconds: seconds).line(name, request)
    }

    private static func reason(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch {
            return "\(error)"
        }
    }
}
