import ArgumentParser
import Policy

struct CRDCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crd", abstract: "Print the CustomResourceDefinitions for Kubernetes.",
        discussion: "To install them: claviger crd | kubectl apply --server-side -f -")

    @Argument(help: "A kind such as ReleasePolicy, or its short name. Default: all.")
    var kind: ResourceKind?

    @Option(name: .customLong("out"), help: "Write one file for each kind into this folder, which must exist.")
    var folder: String?

    func run() throws {
        let definitions = kind.map { [CustomResourceDefinition($0)] } ?? CustomResourceDefinition.all
        guard let folder else {
            return Terminal.write(definitions.map(\.yaml).joined(separator: "---\n"))
        }
        for definition in definitions {
            try PrivateFile.replace("\(folder)/\(definition.fileName)", Array(definition.yaml.utf8), mode: 0o644)
        }
    }
}

extension ResourceKind: ExpressibleByArgument {
    /// The kind that somebody named on a command line.
    public init?(argument: String) {
        self.init(named: argument)
    }
}
