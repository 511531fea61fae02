import AdminClient
import ArgumentParser
import Encodings

struct PlatformsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "platforms", abstract: "The newest firmware that each machine was accepted with.",
        discussion: "See docs/verifiers.md.",
        subcommands: [PlatformsListCommand.self, PlatformsForgetCommand.self],
        defaultSubcommand: PlatformsListCommand.self)
}

struct PlatformsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the machines, those that were seen last first.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let platforms = try await broker.adminClient().platforms()
        output.print(.array(platforms.map { .object($0) })) { Self.text(platforms) }
    }

    static func text(_ platforms: [JSONObject]) -> String {
        var table = Table(["ID", "MAKER", "LAST SEEN", "LAST RAISED", "LEVELS"])
        for platform in platforms.sorted(by: { $0.cell("lastSeen") > $1.cell("lastSeen") }) {
            let levels = (platform["levels"]?.objectValue ?? [:]).map { "\($0.name)=\($0.value.serializedString())" }
            table.add([
                platform.cell("id"), platform.cell("maker"), platform.cell("lastSeen"), platform.cell("raisedAt"),
                platform["authentic"] == true
                    ? levels.joined(separator: " ") : "changed by somebody else than a broker: forget it",
            ])
        }
        return table.text()
    }
}

struct PlatformsForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Forget what firmware a machine had; what it shows next counts from then on.",
        discussion: """
            For firmware that you rolled back yourself. claviger explain DECISION of a denied request, or of the event \
            tcb_rollback, shows the machine. Who did it and why stands in the ledger.
            """)

    @Argument(help: "The machine (64 hex digits, as claviger platforms list shows it).")
    var id: String

    @Option(help: "Why; kept in the ledger.")
    var reason: String

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await broker.adminClient().forgetPlatform(id, reason: reason)
        output.print(answer) {
            let object = answer.objectValue ?? [:]
            return Terminal.printable("forgot \(object.cell("platform")): \(object.cell("decision"))") + "\n"
        }
    }
}
