import AdminClient
import ArgumentParser

struct DecisionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decisions", abstract: "The broker's ledger of decisions.",
        subcommands: [DecisionsListCommand.self], defaultSubcommand: DecisionsListCommand.self)
}

struct DecisionsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List decisions, the newest first.")

    @Option(help: "How many at most.")
    var limit = 20

    @Option(help: "Only those about this resource (REPOSITORY/TYPE/TAG).")
    var path: String?

    @Flag(help: "Only denied ones.")
    var denied = false

    @Flag(help: "Only allowed ones.")
    var allowed = false

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if denied, allowed { throw ValidationError("--denied and --allowed exclude each other") }
    }

    func run() async throws {
        let filter = AdminClient.DecisionFilter(
            limit: limit, path: path, allowed: denied ? false : allowed ? true : nil)
        let decisions = try await broker.adminClient().decisions(filter)
        output.print(decisions, empty: "no decision yet", columns: DecisionTable.columns)
    }
}
