import ArgumentParser
import Encodings

struct ReferenceHistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "What became of a reference value: who changed it, and when.")

    @Argument(help: "The value's name.")
    var name: String

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        output.print(
            try await broker.adminClient().referenceValueHistory(name), empty: "no change",
            columns: [
                ("TIME", { $0.cell("changedAt") }), ("BY", { $0.cell("changedBy") }),
                ("CHANGE", { $0.cell("change") }),
                ("WHERE", { $0["document"] == nil ? "registered" : $0.cell("document") }),
                ("BEFORE", { Self.states($0["before"]) }), ("AFTER", { Self.states($0["after"]) }),
            ])
    }

    /// `accepted until 2027-01-31T12:00:00Z, revoked`
    private static func states(_ entries: JSONValue?) -> String {
        (entries?.arrayValue ?? []).compactMap(\.objectValue).map { entry in
            let end = entry.cell("validUntil")
            return entry.cell("state") + (end.isEmpty ? "" : " until \(end)")
        }.joined(separator: ", ")
    }
}
