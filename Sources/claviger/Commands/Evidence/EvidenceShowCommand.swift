import ArgumentParser
import Encodings
import RATS
import RecordedEvidence

struct EvidenceShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what evidence says, also evidence that no broker would believe.",
        discussion: """
            What can be let in by settings is let in here: debug guests, old reports, any privilege level. Signatures \
            must hold all the same; where they do not, nothing is shown but why.
            """)

    @Argument(
        help:
            "The evidence: a guest's JSON document, a raw SEV-SNP report or a raw SGX or TDX quote; - for standard input."
    )
    var file: String

    @OptionGroup var options: EvidenceOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let evidence = try options.evidence(in: file)
        let verdict = await EvidenceVerdict(
            on: evidence, by: OfflineVerifiers.all(.lenient, allowSample: true), reportData: nil,
            context: try options.context())
        let report = EvidenceReport(evidence, verdict, isJudged: false, at: options.date)
        output.print(report.json()) { report.text() }
        guard report.claims != nil else { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }
}
