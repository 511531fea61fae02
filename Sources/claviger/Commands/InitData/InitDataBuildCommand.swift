import ArgumentParser
import Encodings
import KBSProtocol

struct InitDataBuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Make a document of files.",
        discussion: """
            Each file is known in the guest by its own name, or by NAME=PATH. aa.toml, cdh.toml and policy.rego mean something \
            to kata. The same files in the same order give the same bytes. Prints the TOML, or with --annotation the value \
            of the pod annotation \(InitDataDocument.annotation).
            """)

    @Argument(help: "Files, each PATH or NAME=PATH.")
    var files: [String]

    @Option(help: "sha256, sha384 or sha512. Guests with a TPM take sha256 only, and all others too.")
    var algorithm = "sha256"

    @Flag(help: "Print the annotation's value: base64 of gzip.")
    var annotation = false

    @Option(name: .long, help: "The file to write; one that exists is replaced. Default: standard output.")
    var output: String?

    func run() throws {
        guard let algorithm = InitData.commonAlgorithms.first(where: { $0.rawValue == algorithm }) else {
            throw ValidationError("--algorithm is sha256, sha384 or sha512")
        }
        let document = try InitData(entries: try files.map(entry), algorithm: algorithm)
        let text = annotation ? try InitDataDocument.annotationValue(document) : document.text
        if let output {
            try PrivateFile.replace(output, Array(text.utf8), mode: 0o644)
        } else {
            // The digest covers the bytes as they are: nothing is added at the end.
            Terminal.write(Array(text.utf8))
        }
        Terminal.note("\(document.algorithm.rawValue) \(Hex.encode(document.digest))")
    }

    private func entry(_ argument: String) throws -> (name: String, content: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        let path = parts.last ?? argument
        let name = parts.count == 2 ? parts[0] : String(path.split(separator: "/").last ?? "")
        let content = try InputFile.text(path, limit: InitData.maximumBytes)
        if name.hasSuffix(".toml") {
            do throws(TOMLError) {
                _ = try TOMLDocument.parse(content)
            } catch {
                throw CommandFailure("\(path) is no valid TOML: \(error.message) (line \(error.line))")
            }
        }
        return (name, content)
    }
}
