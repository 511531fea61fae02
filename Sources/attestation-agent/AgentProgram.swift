import ArgumentParser
import FoundationEssentials
import Glibc
import Guest
import Logging
import Telemetry

/// A run of the program, from its options to its exit status.
enum AgentProgram {
    /// What the agent does unless a command says something else.
    private static func standard(_ agent: Agent, _ settings: AgentSettings) async throws -> Int32 {
        settings.once ? await agent.runOnce() : try await agent.serve()
    }

    /// Sets the agent up and lets `work` do its part, which answers the exit status.
    static func run(
        _ options: AgentOptions, as role: AgentRole,
        _ work: (Agent, AgentSettings) async throws -> Int32 = standard
    ) async throws {
        // Sockets are born closed to others; what may be opened wider is opened afterwards.
        umask(0o077)
        // Where it is set, libcurl writes the keys of its TLS sessions to that file.
        unsetenv("SSLKEYLOGFILE")
        let metrics = MetricsRegistry(
            descriptions: GuestMetrics.descriptions.mapValues { MetricsRegistry.Description($0) })
        let settings: AgentSettings
        do {
            settings = try AgentSettings(options, role: role, environment: ProcessInfo.processInfo.environment)
        } catch let failure as AgentFailure {
            Telemetry.bootstrap(level: .info, metrics: metrics)
            throw end(failure)
        }
        Telemetry.bootstrap(level: settings.logLevel, metrics: metrics)
        do {
            let agent = try Agent(settings, metrics: metrics, logger: Logger(label: "attestation-agent"))
            let status = try await work(agent, settings)
            if status != 0 { throw ExitCode(status) }
        } catch let failure as AgentFailure {
            throw end(failure)
        }
    }

    private static func end(_ failure: AgentFailure) -> ExitCode {
        Logger(label: "attestation-agent").critical("\(failure.message)")
        return ExitCode(failure.status)
    }
}
