import ArgumentParser
import Encodings
import Policy

struct PolicyLintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Check policies without a broker.",
        discussion: "Findings are printed as FILE:LINE:COLUMN: error: …; the exit status is 1 when there is an error.")

    @Argument(help: "YAML files, folders with such, or - for standard input.")
    var files: [String]

    @OptionGroup var output: OutputOptions

    func run() throws {
        let parsed = try PolicyFiles(files).parse()
        let findings = parsed.diagnostics.map { finding -> JSONValue in
            var object: JSONObject = [
                "severity": .string(finding.severity.rawValue), "code": .string(finding.code),
                "source": .string(finding.source), "line": .int(Int64(finding.line)),
                "column": .int(Int64(finding.column)), "path": .string(finding.path),
                "message": .string(finding.message),
            ]
            object["hint"] = finding.hint.map { .string($0) }
            return .object(object)
        }
        output.print(.array(findings)) {
            parsed.diagnostics.isEmpty
                ? "\(parsed.documents.count) \(parsed.documents.count == 1 ? "policy" : "policies"), nothing to complain about"
                : parsed.diagnostics.map { Terminal.printable($0.description) }.joined(separator: "\n")
        }
        if parsed.diagnostics.contains(where: { $0.severity == .error }) { throw ExitCode.failure }
    }
}
