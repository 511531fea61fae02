import Encodings
import FoundationEssentials
import RATS
import Verification
import X509Trust

/// Recorded evidence of confidential VMs on Azure.
enum AzureEntry {
    static func examine(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder, _ collateral: RecordedCollateral,
        _ findings: inout EntryFindings
    ) async throws(RecordedEvidenceError) {
        let isTDX = entry.group == TEE.azTDXvTPM.rawValue
        let documents = try folder.documents(entry, tee: isTDX ? .azTDXvTPM : .azSNPvTPM)
        guard !documents.isEmpty else { return try examineCertificates(entry, folder, &findings) }
        let date = entry.date ?? WallClock.system.now()
        let atHand = isTDX ? collateral.inForce(at: date) : try SNPEntry.revocationLists(folder)
        let examination = EntryExamination(
            forms: documents, reportData: entry.claims["nonce"]?.hexBytes,
            careful: isTDX ? OfflineVerifiers.azureTDX(.careful) : OfflineVerifiers.azureSNP(.careful),
            lenient: isTDX ? OfflineVerifiers.azureTDX(.lenient) : OfflineVerifiers.azureSNP(.lenient),
            collateral: atHand, readings: readings)
        guard isTDX, await isWithoutCollateral(documents, atHand, at: date) else {
            return await examination.examine(entry, &findings)
        }
        findings.gap("no collateral of its day is in the folder: only the quote of the trust domain was verified")
        if entry.expectation == .reject { findings.undecided("without collateral nothing refuses it") }
        try examineQuote(entry, folder, at: date, &findings)
    }

    private static let readings: [FactReading] = [
        FactReading("nonce", claim: "report_data"), FactReading("measurement", claim: "snp", "measurement"),
        FactReading("pcr00", claim: "tpm", "pcr00"), FactReading("pcr08", claim: "tpm", "pcr08"),
        FactReading("pcr11", claim: "tpm", "pcr11"),
    ]

    private static func isWithoutCollateral(
        _ documents: [Evidence], _ collateral: FixedCollateral, at date: Date
    ) async -> Bool {
        guard let evidence = documents.first else { return true }
        let verdict = await EvidenceVerdict(
            on: evidence, by: [OfflineVerifiers.azureTDX(.lenient)], reportData: nil,
            context: VerificationContext(clock: .fixed(date), collateral: collateral))
        guard case .failure(let error) = verdict.result else { return false }
        return ["collateral_unavailable", "revocation_unknown"].contains(error.code)
    }

    private static func examineQuote(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder, at date: Date, _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        guard let file = entry.file("td_quote.bin") else { return findings.differs("it has no raw quote") }
        let quote = try folder.bytes(file)
        do throws(VerificationError) {
            let inspection = try QuoteInspection(quote: quote, at: date)
            findings.verdict("quote of the trust domain good")
            findings.compare(QuoteFacts.comparisons(of: entry.claims, in: inspection, trailing: nil))
        } catch {
            findings.differs("its quote is refused: \(error.message)")
        }
    }

    /// A processor's certificate with its chain, as the cloud serves them.
    private static func examineCertificates(
        _ entry: EvidenceManifest.Entry, _ folder: EvidenceFolder, _ findings: inout EntryFindings
    ) throws(RecordedEvidenceError) {
        try AnchorEntry.examineKey(entry, folder, &findings)
    }
}
