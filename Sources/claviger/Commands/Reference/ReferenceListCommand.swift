import ArgumentParser
import Encodings

struct ReferenceListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the reference values, registered ones and those of documents.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let values = try await broker.adminClient().referenceValues()
        output.print(
            values, empty: "there is no reference value",
            columns: [
                ("NAME", { $0.cell("name") }), ("VALUE", { String($0.cell("value").prefix(100)) }),
                ("STATE", { $0.cell("state") }), ("COUNTS", { $0.cell("counts") }),
                ("EXPIRES", { $0.cell("expires") }), ("DAYS LEFT", { $0.cell("daysLeft") }),
                ("WHERE", { $0["document"] == nil ? "registered" : $0.cell("document") }),
                ("FROM", { Self.provenance($0["provenance"]) }),
            ])
    }

    private static func provenance(_ value: JSONValue?) -> String {
        let object = value?.objectValue ?? [:]
        return ["source", "builtBy", "signedBy", "date"].map(object.cell).filter { !$0.isEmpty }
            .joined(separator: ", ")
    }
}
