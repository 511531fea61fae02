import AdminClient
import ArgumentParser

struct LimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "What policies with limits have counted.",
        subcommands: [LimitsResetCommand.self])
}

struct LimitsResetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Make a policy forget the releases and holds of one instance.",
        discussion: """
            For a guest that lost what it got, or a machine that was given away. claviger explain DECISION of the denied \
            request shows policy and instance. Who did it and why stands in the ledger.
            """)

    @Option(help: "The policy that counts, KIND/NAMESPACE/NAME.")
    var policy: String

    @Option(help: "The instance (64 hex digits, as claviger explain shows it).")
    var instance: String

    @Option(help: "Only what was counted for this resource, REPOSITORY/TYPE/TAG.")
    var resource: String?

    @Option(help: "Why; kept in the ledger.")
    var reason: String

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await broker.adminClient().resetLimits(
            policy: policy, instance: instance, resource: resource, reason: reason)
        output.print(answer) {
            let object = answer.objectValue ?? [:]
            return Terminal.printable(
                "forgot \(object.cell("releases")) releases and \(object.cell("holds")) holds: \(object.cell("decision"))"
            )
                + "\n"
        }
    }
}
