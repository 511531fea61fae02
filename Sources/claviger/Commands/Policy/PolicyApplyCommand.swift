import ArgumentParser
import Encodings

struct PolicyApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Check policies and store them in the broker: all of them or none.")

    @Option(
        name: [.short, .long], parsing: .upToNextOption, help: "YAML files, folders with such, or - for standard input."
    )
    var file: [String]

    @Flag(help: "Only check against what the broker has.")
    var dryRun = false

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let documents = try PolicyFiles(file).documents()
        let yaml = documents.map(\.tidyText).joined(separator: "---\n")
        let answer = try await broker.adminClient().applyPolicies(yaml: yaml, dryRun: dryRun)
        output.print(answer) {
            (answer["policies"]?.arrayValue ?? []).compactMap(\.objectValue).map { entry in
                "\(entry.cell("policy")) \(entry.cell("change"))\(dryRun ? " (dry run)" : "")".printable + "\n"
            }.joined()
        }
    }
}
