import AdminClient
import ArgumentParser
import FoundationEssentials

struct KubectlDecisionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decisions",
        abstract: "List what was decided about the resources of a namespace, the newest first.",
        discussion: """
            Decisions are the namespace's by the resource that was asked for. An attestation that was refused asks for none: \
            claviger decisions list has those.
            """)

    @Flag(help: "Only denied ones.")
    var denied = false

    @Option(help: "Only those of this long: 30m, 8h, 7d.")
    var since: DurationArgument?

    @Option(help: "How many at most.")
    var limit = 20

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100_000).contains(limit) else { throw ValidationError("--limit is from 1 to 100000") }
    }

    func run() async throws {
        let namespace = try cluster.namespaceName()
        let filter = AdminClient.DecisionFilter(tenant: namespace, allowed: denied ? false : nil)
        let start = since.map { Date().addingTimeInterval(-TimeInterval($0.duration.components.seconds)) }
        let ledger = LedgerPages(client: try broker.adminClient(), filter: filter)
        let (records, isCut) = try await ledger.decisions(since: start, limit: limit)
        let which = (denied ? "denied " : "") + "decision about resources of the namespace \(namespace)"
        output.print(
            records, empty: "no \(which)" + (start == nil ? " yet" : " in this time"), columns: DecisionTable.columns)
        if isCut { Terminal.note("there are more: --limit \(limit)") }
    }
}
