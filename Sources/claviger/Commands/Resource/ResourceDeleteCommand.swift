import ArgumentParser

struct ResourceDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a resource with all its versions.")

    @Argument(help: "REPOSITORY/TYPE/TAG")
    var resource: ResourceArgument

    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        try await broker.adminClient().deleteResource(resource.path)
        Terminal.note("\(resource.uri) deleted")
    }
}
