import ArgumentParser

/// Measures what one core does.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claviger-bench", abstract: "Prints what one core does.",
        subcommands: [
            BrokerCommand.self, PolicyCommand.self, EvidenceCommand.self, AgentCommand.self, ControllerCommand.self,
            APIServerCommand.self,
        ],
        defaultSubcommand: BrokerCommand.self)
}
