import ArgumentParser
import Guest

/// The agent of an init container: everything is fetched and written, then it ends.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Fetches and writes the files of --project and --unseal, then ends.",
        discussion: """
            Exit status: 0 all files are in place; 1 one is not, and the log says why; 64 wrong usage; 69 no usable TEE; 78 a \
            file or setting cannot be used.
            """,
        version: AttestationAgent.version)

    @OptionGroup var waiting: PatienceOptions
    @OptionGroup var options: AgentOptions

    func run() async throws {
        try await AgentProgram.run(options, as: .command) { agent, settings in
            guard !settings.secrets.isEmpty || !settings.sealedSecrets.files.isEmpty else {
                throw ValidationError("init needs something to --project or to --unseal")
            }
            return try await agent.runOnce(waiting.patience)
        }
    }
}
