import ArgumentParser
import Encodings

struct PolicyApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Check policies and store them in the broker: all of them or none.")

    @Option(
        name: [.short, .long], parsing: .upToNextOption,
        help: "YAML files, folders with such, signed bundles, or - for standard input."
    )
    var file: [String]

    @Flag(help: "Only check against what the broker has.")
    var dryRun = false

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (bundles, rest) = try PolicyFiles(file).separatingBundles()
        let client = try broker.adminClient()
        var answers: [JSONValue] = []
        for bundle in bundles {
            answers.append(try await client.applyBundle(Array(bundle.text.utf8), dryRun: dryRun))
        }
        if let rest {
            let yaml = try rest.documents().map(\.tidyText).joined(separator: "---\n")
            answers.append(try await client.applyPolicies(yaml: yaml, dryRun: dryRun))
        }
        for answer in answers { output.print(answer) { Self.text(answer, dryRun: dryRun) } }
    }

    private static func text(_ answer: JSONValue, dryRun: Bool) -> String {
        let suffix = dryRun ? " (dry run)" : ""
        var lines: [String] = []
        if let bundle = answer["bundle"]?.objectValue {
            lines.append(
                "PolicyBundle/\(bundle.cell("name")) serial \(bundle.cell("serial")) \(bundle.cell("change"))")
        }
        for entry in (answer["policies"]?.arrayValue ?? []).compactMap(\.objectValue) {
            lines.append("\(entry.cell("policy")) \(entry.cell("change"))")
        }
        return lines.map { ($0 + suffix).printable + "\n" }.joined()
    }
}
