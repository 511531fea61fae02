import ArgumentParser
import Policy

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print a JSON Schema of policy files and other documents, for editors and other checks.",
        discussion: """
            Without a kind, the schema is of documents of any kind; editors choose by the line
            # yaml-language-server: $schema=FILE
            """)

    @Argument(help: "A kind such as ReleasePolicy, or its short name. Default: any kind, told apart by the document.")
    var kind: ResourceKind?

    @Option(name: .customLong("out"), help: "Write a file for this kind, or all files, into this folder.")
    var folder: String?

    func run() throws {
        guard let folder else {
            return Terminal.write((kind.map { EditorSchema($0) } ?? .anyKind).text)
        }
        for schema in kind.map({ [EditorSchema($0)] }) ?? EditorSchema.all {
            try PrivateFile.replace("\(folder)/\(schema.fileName)", Array(schema.text.utf8), mode: 0o644)
        }
    }
}
