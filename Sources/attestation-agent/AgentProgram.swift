import ArgumentParser
import FoundationEssentials
import Glibc
import Guest
import Logging
import Telemetry

/// A run of the program, from its options to its exit status.
enum AgentProgram {
    static func run(_ options: AgentOptions, as role: AgentRole) async throws {
        try await prepare(options, as: role) { agent, settings in
            let status = settings.once ? await agent.runOnce() : try await agent.serve()
            if status != 0 { throw ExitCode(status) }
        }
    }

    /// Does one piece of work with the agent's parts, without serving anything.
    static func run(
        _ options: AgentOptions, as role: AgentRole, _ work: (Agent) async throws -> Void
    ) async throws {
        try await prepare(options, as: role) { agent, _ in
            do {
                try await work(agent)
            } catch let error as GuestError {
                throw AgentFailure(1, "[\(error.code.rawValue)] \(error)")
            }
        }
    }

    private static func prepare(
        _ options: AgentOptions, as role: AgentRole, _ work: (Agent, AgentSettings) async throws -> Void
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
            try await work(agent, settings)
        } catch let failure as AgentFailure {
            throw end(failure)
        }
    }

    private static func end(_ failure: AgentFailure) -> ExitCode {
        Logger(label: "attestation-agent").critical("\(failure.message)")
        return ExitCode(failure.status)
    }
}
