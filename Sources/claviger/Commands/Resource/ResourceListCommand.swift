import ArgumentParser

struct ResourceListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List resources: names and versions, never values.")

    @Argument(help: "Only resources whose path begins with this.")
    var prefix: String?

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let resources = try await broker.adminClient().resources(prefix: prefix)
        output.print(
            resources, empty: "no resource is stored\(prefix.map { " under \($0)" } ?? "")",
            columns: [
                ("RESOURCE", { $0.cell("path") }), ("VERSION", { $0.cell("version") }),
                ("CREATED", { $0.cell("createdAt") }), ("BY", { $0.cell("createdBy") }),
            ])
    }
}
