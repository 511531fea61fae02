import ArgumentParser
import Encodings
import FoundationEssentials
import Policy
import RATS
import RecordedEvidence

struct EvidenceVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verify evidence as a broker does, and say what was checked.",
        discussion: """
            Give a FILE, or --manifest for a list of recorded evidence with what must come of it. Without --nonce or \
            --report-data whatever the evidence is bound to is taken, and the output says so. The exit status is 0 when \
            it is believed and, with --reference, not contraindicated; for a manifest when everything comes out as it says.
            """)

    @Argument(
        help: """
            The evidence: a guest's JSON document, a raw SEV-SNP report or a raw SGX or TDX quote; - for standard input.
            """)
    var file: String?

    @Option(help: "What the evidence must be bound to, in hexadecimal digits, without the zeros that fill its field.")
    var reportData: String?

    @Option(help: "The same for kinds of evidence that call it a nonce.")
    var nonce: String?

    @Option(help: "The SHA-256, -384 or -512 of the guest's init-data document, in hexadecimal digits.")
    var initDataDigest: String?

    @Option(
        parsing: .upToNextOption,
        help: "YAML files with ReferenceValues: appraises the claims with them under the default policies.")
    var reference: [String] = []

    @Flag(help: "Let in evidence that comes from no hardware.")
    var allowSample = false

    @Option(help: "A manifest of recorded evidence (JSON); prints a line for each entry and the totals.")
    var manifest: String?

    @OptionGroup var options: EvidenceOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (file == nil) != (manifest == nil) else { throw ValidationError("give either a FILE or --manifest") }
        guard nonce == nil || reportData == nil else { throw ValidationError("--nonce and --report-data are the same") }
        for text in [nonce, reportData, initDataDigest].compactMap(\.self)
        where (try? Hex.decode(text))?.isEmpty ?? true {
            throw ValidationError("'\(text)' is not hexadecimal digits")
        }
    }

    func run() async throws {
        if let manifest { return try await review(manifest) }
        guard let file else { return }
        let evidence = try options.evidence(in: file)
        let expected = (nonce ?? reportData).flatMap { try? Hex.decode($0) }
        let verdict = await EvidenceVerdict(
            on: evidence, by: OfflineVerifiers.all(.careful, allowSample: allowSample), reportData: expected,
            initDataDigest: initDataDigest.flatMap { try? Hex.decode($0) }, context: try options.context())
        let appraisals = try appraisals(verdict)
        let report = EvidenceReport(evidence, verdict, appraisals: appraisals, at: options.date)
        output.print(report.json()) { report.text() }
        let isContraindicated = appraisals.contains { $0.vector.status == .contraindicated }
        if case .success = verdict.result, !isContraindicated { return }
        throw ExitCode(CommandFailure.Status.denied.rawValue)
    }

    private func appraisals(_ verdict: EvidenceVerdict) throws -> [Appraisal] {
        guard !reference.isEmpty, case .success(let claims) = verdict.result else { return [] }
        var documents = try PolicyParser.parse(DefaultPolicies.text, source: "default policies")
        for path in reference {
            documents += try PolicyParser.parse(
                InputFile.text(path, limit: PolicyParser.maximumBytes), source: path)
        }
        let inputs = claims.map { AppraisalInput(claims: $0, runtimeDataClaims: .null, initDataClaims: nil) }
        switch try PolicyBundle(documents).appraise(inputs, now: options.date) {
        case .success(let appraisals): return appraisals
        case .failure(let failure): throw CommandFailure(failure.message)
        }
    }

    private func review(_ path: String) async throws {
        let manifest = try EvidenceManifest(parsing: InputFile.read(path, limit: 16 * 1024 * 1024))
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let review = try ManifestReview(folder: EvidenceFolder(path: folder.isEmpty ? "/" : folder))
        var results: [EntryResult] = []
        for entry in manifest.entries { results.append(await review.result(for: entry)) }
        let report = ManifestReport(results: results)
        output.print(report.json()) { report.text() }
        guard report.differing == 0 else { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }
}
