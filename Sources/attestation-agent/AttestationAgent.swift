import ArgumentParser
import FoundationEssentials
import Glibc
import Guest
import Logging
import Telemetry

@main
struct AttestationAgent: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "attestation-agent",
        abstract: "Proves what this guest is, fetches its keys once, and hands them to the pod.",
        discussion: """
            Every option can also be given as environment variable CLAVIGER_AGENT_ and the option's name in capitals, \
            with _ for -, as in CLAVIGER_AGENT_KBS_URL. Options on the command line come first. \
            CLAVIGER_AGENT_PROJECT takes several projections separated by spaces.

            Exit status: 0 ended as asked, or with --once everything was fetched and written; 1 with --once something \
            was not; 64 wrong usage; 69 no usable TEE; 71 an address cannot be bound; 78 a file or setting cannot be used.
            """,
        version: version, subcommands: [ProbeCommand.self])

    @OptionGroup var options: AgentOptions

    func run() async throws {
        // Sockets are born closed to others; what may be opened wider is opened afterwards.
        umask(0o077)
        // Where it is set, libcurl writes the keys of its TLS sessions to that file.
        unsetenv("SSLKEYLOGFILE")
        let settings = try AgentSettings(options, environment: ProcessInfo.processInfo.environment)
        let metrics = MetricsRegistry(
            descriptions: GuestMetrics.descriptions.mapValues { MetricsRegistry.Description($0) })
        Telemetry.bootstrap(level: settings.logLevel, metrics: metrics)
        let logger = Logger(label: "attestation-agent")
        do {
            let agent = try Agent(settings, metrics: metrics, logger: logger)
            let status = settings.once ? await agent.runOnce() : try await agent.serve()
            if status != 0 { throw ExitCode(status) }
        } catch let failure as AgentFailure {
            logger.critical("\(failure.message)")
            throw ExitCode(failure.status)
        }
    }
}
