import ArgumentParser

struct ReferenceDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Remove a reference value.")

    @Argument(help: "The value's name.")
    var name: String

    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        try await broker.adminClient().deleteReferenceValue(name)
        Terminal.note("reference value \(name) deleted")
    }
}
