import ArgumentParser
import Encodings
import FoundationEssentials
import Policy
import PolicyTesting

struct PolicyLintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Check policies: what is wrong, what can never happen, what opens too much.",
        discussion: """
            Findings are printed as FILE:LINE:COLUMN: error: …; the exit status is 1 when there is an error, with \
            --strict also when there is a warning. Notes never fail. The files are looked at together, as one set.
            """)

    @Argument(help: "YAML files, folders with such, or - for standard input.")
    var files: [String]

    @Flag(help: "Fail for warnings as well.")
    var strict = false

    @Option(help: "A file of resources (REPOSITORY/TYPE/TAG, one a line) that the policies must be able to release.")
    var resources: String?

    @Flag(
        name: .customLong("broker"),
        help: "Take into account what the broker has: other policies, registered reference values, resources.")
    var asksBroker = false

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let parsed = try PolicyFiles(files).parseAll()
        let isReadable = parsed.diagnostics.allSatisfy { $0.severity != .error }
        let findings = parsed.diagnostics + (isReadable ? try await lint(parsed.documents).findings() : [])
        let text = FindingsText(
            findings: findings, documentCount: parsed.documents.count, otherCount: parsed.otherCount)
        output.print(text.json()) { text.text() }
        if findings.contains(where: { $0.severity == .error || strict && $0.severity == .warning }) {
            throw ExitCode.failure
        }
    }

    private func lint(_ documents: [PolicyDocument]) async throws -> PolicyLint {
        var expected = try resources.map(ResourceList.read) ?? []
        guard asksBroker else { return PolicyLint(documents, resources: expected, now: Date()) }
        let client = try broker.adminClient()
        let stored = try await BrokerPolicies(client)
        expected += try await client.resources().compactMap { object in
            object["path"]?.stringValue.map { PolicyLint.Resource(path: $0, source: "broker", line: 1) }
        }
        return PolicyLint(
            documents, beside: stored.documents, registered: stored.registered.map(\.value), resources: expected,
            now: Date())
    }
}

/// Names of resources in a file: one a line, blank lines and `#` comments aside.
enum ResourceList {
    static func read(_ path: String) throws -> [PolicyLint.Resource] {
        let lines = try InputFile.text(path, limit: 4 << 20).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { index, line in
            let name = line.prefix { $0 != "#" }.filter { !$0.isWhitespace }
            return name.isEmpty ? nil : PolicyLint.Resource(path: name, source: path, line: index + 1)
        }
    }
}

/// Findings about policies for people and programs.
struct FindingsText {
    let findings: [PolicyDiagnostic]
    let documentCount: Int
    /// How many documents that are no policies were looked at beside them.
    var otherCount = 0

    func text() -> String {
        let lines = findings.map { Terminal.printable($0.description) }
        guard findings.allSatisfy({ $0.severity == .note }) else { return lines.joined(separator: "\n") }
        let others = otherCount == 0 ? "" : " and \(otherCount) other \(otherCount == 1 ? "document" : "documents")"
        let count = "\(documentCount) \(documentCount == 1 ? "policy" : "policies")\(others)"
        return (lines + ["\(count), nothing to complain about"]).joined(separator: "\n")
    }

    func json() -> JSONValue {
        .array(
            findings.map { finding in
                var object: JSONObject = [
                    "severity": .string(finding.severity.rawValue), "code": .string(finding.code),
                    "source": .string(finding.source), "line": .int(Int64(finding.line)),
                    "column": .int(Int64(finding.column)), "path": .string(finding.path),
                    "message": .string(finding.message),
                ]
                object["hint"] = finding.hint.map { .string($0) }
                return .object(object)
            })
    }
}
