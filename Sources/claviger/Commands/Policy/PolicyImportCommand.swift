import ArgumentParser
import Policy
import RATS
import RegoImport

struct PolicyImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make policies of those of other key brokers.",
        subcommands: [PolicyImportRegoCommand.self])
}

struct PolicyImportRegoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rego", abstract: "Translate a Rego policy, as Trustee uses them, into YAML.",
        discussion: """
            The documents go to standard output, and what could not be carried over to standard error, with the exit \
            status 3. What cannot be translated is left out so that less is allowed, never more.
            """)

    @Argument(help: "A Rego file, a resource or an attestation policy, or - for standard input.")
    var file: String

    @Option(help: "The name of the policies; the file's name unless given.")
    var name: String?

    @Option(name: .customLong("class"), help: "The class of device that an attestation policy is for: cpu, gpu, …")
    var deviceClass: String?

    private static let incomplete = ExitCode(3)

    func validate() throws {
        guard let deviceClass, DeviceClass(rawValue: deviceClass) == nil else { return }
        let known = DeviceClass.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("there is no class \(deviceClass); known are \(known)")
    }

    func run() throws {
        let text = try InputFile.text(file, limit: 1 << 20)
        let isNamed = file != "-"
        let stem = isNamed ? file.split(separator: "/").last?.split(separator: ".").first.map(String.init) : nil
        let result = try RegoImport(
            text, source: isNamed ? file : "standard input", name: name ?? stem ?? "imported",
            deviceClass: deviceClass.flatMap(DeviceClass.init(rawValue:)))
        Terminal.write(result.yaml)
        for loss in result.losses { Terminal.note(Terminal.printable("\(file): \(loss)")) }
        if !result.losses.isEmpty { throw Self.incomplete }
    }
}
