import ArgumentParser

struct ReferenceManifestsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifests", abstract: "List the signed manifests whose values were taken over.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        output.print(
            try await broker.adminClient().referenceManifests(), empty: "no manifest was imported",
            columns: [
                ("SIGNER", { $0.cell("signer") }), ("MANIFEST", { $0.cell("manifest").printable }),
                ("VERSION", { $0.cell("version") }), ("FORMAT", { $0.cell("format") }),
                ("SIGNED", { $0.cell("signedAt") }), ("UNTIL", { $0.cell("validUntil") }),
                ("IMPORTED", { $0.cell("importedAt") }), ("BY", { $0.cell("importedBy") }),
                ("NAMES", { ReferenceNames.text($0["names"]) }),
            ])
    }
}
