import ArgumentParser

struct ReferenceListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the registered reference values.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let values = try await broker.adminClient().referenceValues()
        output.print(
            values, empty: "no reference value is registered",
            columns: [
                ("NAME", { $0.cell("name") }), ("VALUE", { String($0.cell("value").prefix(100)) }),
                ("EXPIRES", { $0.cell("expires") }),
            ])
    }
}
