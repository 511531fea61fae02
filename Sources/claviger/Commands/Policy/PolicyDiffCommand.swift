import AdminClient
import ArgumentParser
import Encodings
import Policy

struct PolicyDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Compare policy files with what the broker has.",
        discussion: """
            Shows the fields that differ; with --lines the lines of the texts. The exit status is 1 when something \
            differs. Comments and layout do not count.
            """)

    @Option(
        name: [.short, .long], parsing: .upToNextOption, help: "YAML files, folders with such, or - for standard input."
    )
    var file: [String]

    @Flag(help: "Show the lines of the texts that differ, with those around them.")
    var lines = false

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let documents = try PolicyFiles(file).documents()
        let client = try broker.adminClient()
        var differences: [Difference] = []
        for document in documents {
            let stored = try await stored(document, client)
            if stored?.digest != document.digest { differences.append(Difference(document: document, stored: stored)) }
        }
        output.print(.array(differences.map { $0.json() })) {
            differences.isEmpty ? "no differences" : differences.map { $0.text(showingLines: lines) }.joined()
        }
        if !differences.isEmpty { throw ExitCode.failure }
    }

    private func stored(_ document: PolicyDocument, _ client: AdminClient) async throws -> PolicyRecord? {
        do throws(AdminClientError) {
            return try await client.policy(
                kind: document.kind.rawValue, namespace: document.namespace, name: document.name)
        } catch  where error.code == .notFound {
            return nil
        }
    }
}

/// One document that is not what the broker has.
private struct Difference {
    let document: PolicyDocument
    let stored: PolicyRecord?

    /// What the broker has, when that can be read.
    private var storedContent: JSONValue? {
        guard let text = stored?.text else { return nil }
        return try? PolicyParser.parse(text, source: "broker").first?.content
    }

    private var fields: ValueDifference {
        ValueDifference(old: storedContent ?? .object([:]), new: document.content)
    }

    func text(showingLines: Bool) -> String {
        if showingLines || (stored != nil && storedContent == nil) {
            return LineDifference(
                old: stored?.text.map(PolicyDocument.tidy) ?? "", new: document.tidyText,
                oldName: "broker: \(document.identifier)", newName: "\(document.source):\(document.line)"
            ).text()
        }
        let title = Terminal.printable("\(document.identifier) (\(document.source):\(document.line))")
        guard stored != nil else { return "\(title): the broker does not have it\n" }
        return "\(title)\n" + fields.text()
    }

    func json() -> JSONValue {
        [
            "policy": .string(document.identifier), "source": .string(document.source),
            "line": .int(Int64(document.line)), "isNew": .bool(stored == nil), "changes": fields.json(),
        ]
    }
}
