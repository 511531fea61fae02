import ArgumentParser

struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Register, import, list and delete reference values.",
        subcommands: [
            ReferencePutCommand.self, ReferenceImportCommand.self, ReferenceListCommand.self,
            ReferenceShowCommand.self, ReferenceWhoUsesCommand.self, ReferenceHistoryCommand.self,
            ReferenceSeenCommand.self, ReferenceManifestsCommand.self, ReferenceSignCommand.self,
            ReferenceVerifyCommand.self,
            ReferenceDeleteCommand.self,
        ])
}
