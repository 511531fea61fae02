import AdminClient
import ArgumentParser
import Policy

struct PolicyDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Compare policy files with what the broker has.",
        discussion: "The exit status is 1 when something differs. Comments and layout do not count.")

    @Option(
        name: [.short, .long], parsing: .upToNextOption, help: "YAML files, folders with such, or - for standard input."
    )
    var file: [String]

    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        let documents = try PolicyFiles(file).documents()
        let client = try broker.adminClient()
        var differs = false
        for document in documents {
            let stored = try await stored(document, client)
            guard stored?.digest != document.digest else { continue }
            differs = true
            Terminal.write(
                LineDifference(
                    old: stored?.text.map(PolicyDocument.tidy) ?? "", new: document.tidyText,
                    oldName: "broker: \(document.identifier)",
                    newName: "\(document.source):\(document.line)"
                ).text())
        }
        if differs { throw ExitCode.failure }
        Terminal.note("no differences")
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
