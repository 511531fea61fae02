import ArgumentParser

struct ReferenceWhoUsesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "who-uses", abstract: "The policies that ask for a reference value, and whether they get one.")

    @Argument(help: "The value's name.")
    var name: String

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        output.print(
            try await broker.adminClient().referenceValueUsers(name), empty: "no policy asks for \(name)",
            columns: [
                ("POLICY", { $0.cell("policy") }),
                ("WHERE", { ($0["paths"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ") }),
                ("GETS", { $0.cell("missing").isEmpty ? "a value" : "nothing: " + $0.cell("missing") }),
            ])
    }
}
