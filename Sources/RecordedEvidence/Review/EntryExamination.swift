import Encodings
import RATS

/// What is tried with the evidence of one entry.
struct EntryExamination: Sendable {
    /// The evidence, in each form in which the entry has it; all must come to the same.
    let forms: [Evidence]
    /// What the evidence must be bound to; `nil` when the manifest does not say.
    let reportData: [UInt8]?
    /// A verifier as careful as a broker's, but content without revocation lists that are not at hand.
    let careful: any EvidenceVerifier
    /// A verifier that lets in what settings can let in, so that facts about refused evidence can be compared.
    let lenient: any EvidenceVerifier
    /// The collateral that is at hand.
    var collateral = FixedCollateral()
    /// The facts that can be compared.
    let readings: [FactReading]

    func examine(_ entry: EvidenceManifest.Entry, _ findings: inout EntryFindings) async {
        guard !forms.isEmpty else { return findings.differs("none of its files holds evidence") }
        if reportData == nil { findings.gap("the manifest names no report data, so any is taken") }
        for evidence in forms {
            let strict = await verdict(on: evidence, of: careful, entry)
            findings.verdict(strict.summary)
            switch entry.expectation {
            case .accept: settle(strict, entry, &findings)
            case .acceptCrypto:
                settle(await verdict(on: evidence, of: lenient, entry), entry, &findings)
            case .reject: await requireRefusal(strict, evidence, entry, &findings)
            default: findings.differs("'\(entry.expectation.rawValue)' asks nothing of evidence")
            }
        }
    }

    private func verdict(
        on evidence: Evidence, of verifier: any EvidenceVerifier, _ entry: EvidenceManifest.Entry
    ) async -> EvidenceVerdict {
        await EvidenceVerdict(
            on: evidence, by: [verifier], reportData: reportData,
            context: VerificationContext(
                clock: entry.date.map(WallClock.fixed) ?? .system, collateral: collateral))
    }

    private func settle(_ verdict: EvidenceVerdict, _ entry: EvidenceManifest.Entry, _ findings: inout EntryFindings) {
        switch verdict.result {
        case .failure(let error): findings.differs("it was refused: \(error.message)")
        case .success(let found):
            guard let first = found.first, let facts = try? VerifiedFacts(first) else {
                return findings.differs("the verified chain cannot be read")
            }
            findings.compare(FactReading.comparisons(readings, of: entry.claims, in: facts))
            for step in found.flatMap(\.steps) where step.outcome == .skipped && step.name != "init-data" {
                findings.gap("\(step.name): \(step.detail)")
            }
        }
    }

    /// Refused evidence whose signatures are good must still state what the manifest says.
    private func requireRefusal(
        _ strict: EvidenceVerdict, _ evidence: Evidence, _ entry: EvidenceManifest.Entry,
        _ findings: inout EntryFindings
    ) async {
        if case .success = strict.result { findings.differs("it was accepted") }
        guard entry.claims["crypto_ok"]?.boolValue == true else { return }
        settle(await verdict(on: evidence, of: lenient, entry), entry, &findings)
    }
}
