import ArgumentParser

struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Register, list and delete reference values.",
        subcommands: [
            ReferencePutCommand.self, ReferenceListCommand.self, ReferenceHistoryCommand.self,
            ReferenceDeleteCommand.self,
        ])
}
