import AdminClient
import ArgumentParser
import Encodings

struct CollateralCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collateral",
        abstract:
            "What manufacturers publish so that evidence can be verified: certificates, revocation lists, TCB info.",
        discussion: """
            Names are paths such as intel/tcb/tdx/00806f050000/standard, intel/crl/root or amd/crl/milan/vcek. \
            See docs/collateral.md.
            """,
        subcommands: [
            CollateralStatusCommand.self, CollateralFetchCommand.self, CollateralExportCommand.self,
            CollateralImportCommand.self,
        ], defaultSubcommand: CollateralStatusCommand.self)
}

struct CollateralStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say what is kept, how fresh it is, and who is not asked at this moment.",
        discussion: "The exit status is 1 when something has expired or was changed past the brokers.")

    @Option(help: "Only names that begin so.")
    var prefix: String?

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let status = try await broker.adminClient().collateral(prefix: prefix)
        output.print(.object(status)) { Self.text(status) }
        if Self.needsAttention(status) { throw ExitCode.failure }
    }

    static func needsAttention(_ status: JSONObject) -> Bool {
        (status["items"]?.arrayValue ?? []).contains {
            ["expired", "unauthentic"].contains($0["state"]?.stringValue)
        }
    }

    static func text(_ status: JSONObject) -> String {
        let sources = (status["sources"]?.arrayValue ?? []).compactMap(\.stringValue)
        var text = "network  \(status["network"] == true ? "on" : "off")\n"
        text += sources.map { "source   \($0.printable)\n" }.joined()
        var items = Table(["NAME", "STATE", "ISSUED", "NEXT UPDATE", "FETCHED", "SEQUENCE", "SOURCE"])
        for item in (status["items"]?.arrayValue ?? []).compactMap(\.objectValue) {
            items.add([
                item.cell("name"), item.cell("state"), item.cell("issuedAt"), item.cell("nextUpdate"),
                item.cell("fetchedAt"), item.cell("sequence"), item.cell("source"),
            ])
        }
        var pauses = Table(["NOT ASKED", "UNTIL", "WHY"])
        for pause in (status["pauses"]?.arrayValue ?? []).compactMap(\.objectValue) {
            pauses.add([pause.cell("subject"), pause.cell("until"), pause.cell("message")])
        }
        return [text, items.text(), pauses.text()].filter { !$0.isEmpty }.joined(separator: "\n")
    }
}

struct CollateralFetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Have the broker ask for something now.",
        discussion: "An origin that asked for patience is not asked before its time.")

    @Argument(help: "The name.")
    var name: String

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let item = try await broker.adminClient().fetchCollateral(name)
        output.print(.object(item)) {
            "\(item.cell("name")): \(item.cell("state")), issued \(item.cell("issuedAt")), from \(item.cell("source"))"
                .printable
        }
    }
}
