import ArgumentParser
import Processes

/// Chooses which of the guest components' programs this one stands in for: by the name under which it is started, or by
/// the first argument.
///
/// The further commands are chosen in the same way, since they take the agent's options too.
///
/// These are no subcommands to ArgumentParser, because there a command's options also count behind its subcommand's name,
/// and `-c` means something else to each of the programs.
@main
struct Program {
    private static let standIns: [any AsyncParsableCommand.Type] = [
        ConfidentialDataHubCommand.self, APIServerRESTCommand.self, LayerDecoderCommand.self, KeyProviderCommand.self,
        VolumeCommand.self,
    ]
    /// The agent's own commands, whose options would count for the agent otherwise.
    private static let commands: [any AsyncParsableCommand.Type] = [
        ExecCommand.self, InitCommand.self, WaitCommand.self,
    ]

    static func main() async {
        ReplacedProcess.noteStart()
        let arguments = CommandLine.arguments
        let name = arguments.first?.split(separator: "/").last.map(String.init)
        for standIn in standIns {
            switch standIn.configuration.commandName {
            case name: return await standIn.main(Array(arguments.dropFirst()))
            case arguments.dropFirst().first: return await standIn.main(Array(arguments.dropFirst(2)))
            default: continue
            }
        }
        for command in commands where command.configuration.commandName == arguments.dropFirst().first {
            return await command.main(Array(arguments.dropFirst(2)))
        }
        await AttestationAgent.main()
    }
}
