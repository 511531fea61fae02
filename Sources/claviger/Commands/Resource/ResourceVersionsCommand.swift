import ArgumentParser

struct ResourceVersionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions", abstract: "List the versions of a resource.")

    @Argument(help: "REPOSITORY/TYPE/TAG")
    var resource: ResourceArgument

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let versions = try await broker.adminClient().resourceVersions(resource.path)
        output.print(
            versions, empty: "\(resource.uri) has no version",
            columns: [
                ("VERSION", { $0.cell("version") }), ("CREATED", { $0.cell("createdAt") }),
                ("BY", { $0.cell("createdBy") }),
                ("DESTROYED", { $0.cell("destroyedAt") }),
            ])
    }
}
