import ArgumentParser

struct EvidenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence", abstract: "Verify and look at evidence in files, without a broker and a network.",
        subcommands: [EvidenceVerifyCommand.self, EvidenceShowCommand.self])
}
