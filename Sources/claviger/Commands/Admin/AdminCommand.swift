import ArgumentParser

struct AdminCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Admin keys and tokens.",
        subcommands: [AdminInitCommand.self, AdminTokenCommand.self])
}
