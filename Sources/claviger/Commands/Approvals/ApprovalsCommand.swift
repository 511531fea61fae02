import AdminClient
import ArgumentParser

struct ApprovalsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approvals", abstract: "The approvals that people gave.",
        subcommands: [ApprovalsListCommand.self, ApprovalsRevokeCommand.self],
        defaultSubcommand: ApprovalsListCommand.self)
}

struct ApprovalsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List approvals, the newest first.")

    @Option(help: "Only those of this resource (REPOSITORY/TYPE/TAG).")
    var resource: String?

    @Flag(help: "Only those that stand: neither spent, nor taken back, nor over.")
    var standing = false

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        output.print(
            try await broker.adminClient().approvals(resource: resource, standing: standing), empty: "no approval",
            columns: [
                ("ID", { $0.cell("id") }), ("STATE", { $0.cell("state") }), ("RESOURCE", { $0.cell("resource") }),
                ("POLICY", { $0.cell("policy") }), ("APPROVED BY", { $0.cell("approvedBy") }),
                ("ROLE", { $0.cell("role") }), ("UNTIL", { $0.cell("expiresAt") }), ("REASON", { $0.cell("reason") }),
            ])
    }
}

struct ApprovalsRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take an approval back before it is spent.")

    @Argument(help: "The approval's id.")
    var id: String

    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        try await broker.adminClient().revokeApproval(id)
        Terminal.note("approval \(id) taken back")
    }
}
