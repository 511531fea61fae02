import ArgumentParser
import Encodings
import Policy
import PolicyTesting

struct PolicyTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run test cases against policies, without a broker.",
        discussion: """
            A test file names the policies, and cases of evidence and requests with the verdict that is expected; see \
            docs/policy.md. The exit status is 1 when a case fails, when less is covered than asked for, and when there \
            was no case at all; 2 when a file cannot be used.
            """)

    @Argument(help: "Test files, or folders that are searched for *.test.yaml.")
    var files: [String]

    @Flag(help: "Show which conditions were never true, or never false.")
    var coverage = false

    @Option(help: "Fail when less than this many percent of the outcomes of all conditions were seen.")
    var minimumCoverage: Int?

    @Option(name: .customLong("junit"), help: "Write the results as JUnit XML into this file.")
    var junitFile: String?

    @OptionGroup var output: OutputOptions

    private static let unusable = ExitCode(2)

    func validate() throws {
        if let minimumCoverage, !(0...100).contains(minimumCoverage) {
            throw ValidationError("--minimum-coverage is a percentage from 0 to 100")
        }
    }

    func run() throws {
        let reports = try reports()
        var covered = PolicyCoverage()
        for report in reports { covered.add(report.coverage) }
        if let junitFile { try PrivateFile.replace(junitFile, Array(JUnitReport(reports).text().utf8), mode: 0o644) }
        let text = PolicyTestText(reports: reports, coverage: covered)
        output.print(text.json()) { text.text(showingCoverage: coverage) }
        let cases = reports.flatMap(\.results)
        if cases.isEmpty {
            Terminal.complain("no case was run: there is no test file in \(files.joined(separator: ", "))")
        }
        let isEnough = covered.percent >= minimumCoverage ?? 0
        if !isEnough { Terminal.complain("\(covered.percent) % are covered, not \(minimumCoverage ?? 0) %") }
        if cases.isEmpty || !isEnough || cases.contains(where: { !$0.passed }) { throw ExitCode.failure }
    }

    /// What came of all files; complains, and ends with the status for unusable files, about the first that cannot be used.
    private func reports() throws -> [PolicyTestReport] {
        do {
            return try PolicyTestFiles(files).suites().map {
                try PolicyTestRunner($0.suite, documents: $0.documents).run()
            }
        } catch {
            guard let failure = CommandFailure(describing: error) else { throw error }
            Terminal.complain(failure.message)
            throw Self.unusable
        }
    }
}
