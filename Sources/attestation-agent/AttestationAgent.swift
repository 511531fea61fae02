import ArgumentParser
import Telemetry

struct AttestationAgent: AsyncParsableCommand {
    static let version = Release.version

    static let configuration = CommandConfiguration(
        commandName: "attestation-agent",
        abstract: "Proves what this guest is, fetches its keys once, and hands them to the pod.",
        discussion: """
            Every option can also be given as environment variable CLAVIGER_AGENT_ and the option's name in capitals, \
            with _ for -, as in CLAVIGER_AGENT_KBS_URL. Options on the command line come first. \
            Options that can be repeated take several values separated by spaces there. After the environment comes the \
            configuration file of --config.

            With any of --attestation_sock, --config-file, --initdata-toml and --initdata-digest, this is the \
            attestation-agent of the guest components: it serves ttrpc on that one's socket, and no other face unless \
            asked to. Started under the name confidential-data-hub or \
            api-server-rest, or with such a name as its first argument, it stands in for those.

            Further commands, each with its own --help: volume (open, close) for encrypted volumes; keyprovider, which \
            answers one request of ocicrypt from standard input; ctd-decoder, containerd's stream processor for encrypted \
            layers.

            Exit status: 0 ended as asked, or with --once everything was fetched and written; 1 with --once something \
            was not; 64 wrong usage; 69 no usable TEE; 71 an address cannot be bound; 75 a secret changed whose notice is \
            `exit`; 78 a file or setting cannot be used.
            """,
        version: version,
        subcommands: [ExecCommand.self, InitCommand.self, WaitCommand.self, ProbeCommand.self])

    @OptionGroup var reference: AttestationAgentFlags
    @OptionGroup var options: AgentOptions

    func run() async throws {
        try await AgentProgram.run(options, as: reference.role)
    }
}
