import ArgumentParser
import Encodings
import FoundationEssentials
import HTTPTransport
import KBSProtocol

/// Measures the agent in front of a real broker.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Prints start time, memory and speed of the attestation-agent.",
        discussion: """
            The agent attests with sample evidence to a broker on this machine. Ready is the time from the start of the \
            process to the first 200 of /readyz, so it includes one attestation. Warm resources are in the agent's memory; \
            cold ones are fetched from the broker each time. Idle memory is that three seconds after readiness. "CPU us" is the agent's own processor time per request.
            """)

    @Option(help: "Seconds of each run.")
    var seconds = 5

    @Option(help: "Requests in flight.")
    var callers = 8

    @Option(help: "The folder of the programs; default: that of this one.")
    var programs: String?

    private static let path = "bench/keys/first"
    /// Enough starts for a middle one that means something.
    private static let starts = 9
    /// After this the agent has given back what only its start needed.
    private static let rest: Duration = .seconds(3)

    func run() async throws {
        let own = CommandLine.arguments[0]
        let folder =
            programs ?? own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let broker = try await BrokerUnderTest.start(program: folder + "/claviger-broker", core: 0, port: 18_444)
        do {
            let policies = try String(contentsOfFile: "Policies/default-cpu.yaml", encoding: .utf8)
            _ = try await broker.admin.applyPolicies(yaml: policies + "\n---\n" + BrokerCommand.policy)
            try await broker.admin.putResource(try ResourcePath(Self.path), SecretBytes.random(count: 32))
            try await starts(folder + "/attestation-agent", broker)
            print(LoadReport.heading)
            try await load(folder + "/attestation-agent", broker, isWarm: true)
            try await load(folder + "/attestation-agent", broker, isWarm: false)
        } catch {
            await broker.stop()
            throw error
        }
        await broker.stop()
    }

    private func starts(_ program: String, _ broker: BrokerUnderTest) async throws {
        var times: [Double] = []
        var (atStart, idle) = (0, 0)
        for _ in 0..<Self.starts {
            let agent = try await AgentUnderTest.start(program: program, broker: broker, cacheSeconds: 600)
            times.append(agent.secondsToReadiness * 1000)
            atStart = max(atStart, agent.usage?.residentBytes ?? 0)
            if times.count == Self.starts {
                try await Task.sleep(for: Self.rest)
                idle = agent.usage?.residentBytes ?? 0
            }
            await agent.stop()
        }
        times.sort()
        print(
            "start to ready (one sample attestation): median \(Figure.text(times[Self.starts / 2], 0)) ms, slowest "
                + "\(Figure.text(times[Self.starts - 1], 0)) ms of \(Self.starts) (target 300 ms)")
        print("resident memory when ready: \(mebibytes(atStart)) MiB")
        print("resident memory, idle: \(mebibytes(idle)) MiB (target 25 MiB)")
    }

    private func mebibytes(_ bytes: Int) -> String { Figure.text(Double(bytes) / 1_048_576, 0, digits: 1) }

    private func load(_ program: String, _ broker: BrokerUnderTest, isWarm: Bool) async throws {
        let agent = try await AgentUnderTest.start(program: program, broker: broker, cacheSeconds: isWarm ? 600 : 0)
        let state = isWarm ? "warm" : "cold"
        let report = LoadReport(process: agent.process, callers: callers, seconds: seconds)
        do {
            let http = try HTTPClient(configuration: .init(systemTrust: false, insecureHTTPAllowed: true))
            let url = "\(agent.url)/cdh/resource/\(Self.path)"
            try await report.line("REST, \(state)") { _ in
                guard let answer = try? await http.send(.init(method: "GET", url: url)) else { return "no answer" }
                return answer.status == 200 && answer.body.count == 32 ? nil : "status \(answer.status)"
            }
            let connections = try (0..<callers).map { _ in try TTRPCLoad(path: agent.hubSocket) }
            try await report.line("ttrpc, \(state)") { caller in
                await connections[caller].resource("kbs:///\(Self.path)") == 32 ? nil : "no resource"
            }
            if let usage = agent.usage {
                print("resident memory after these: \(usage.residentBytes / 1_048_576) MiB")
            }
        } catch {
            await agent.stop()
            throw error
        }
        await agent.stop()
    }
}
