import Encodings
import FoundationEssentials
import RATS
import Verification
import X509Trust

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
            let strict = await Attempt(evidence, by: careful, reportData, collateral, at: entry.date)
            findings.verdict(strict.text)
            switch entry.expectation {
            case .accept: settle(strict, entry, &findings)
            case .acceptCrypto:
                settle(await Attempt(evidence, by: lenient, reportData, collateral, at: entry.date), entry, &findings)
            case .reject: await requireRefusal(strict, evidence, entry, &findings)
            default: findings.differs("'\(entry.expectation.rawValue)' asks nothing of evidence")
            }
        }
    }

    private func settle(_ attempt: Attempt, _ entry: EvidenceManifest.Entry, _ findings: inout EntryFindings) {
        switch attempt {
        case .refused(let error): findings.differs("it was refused: \(error.message)")
        case .accepted(let facts, let skipped):
            findings.compare(FactReading.comparisons(readings, of: entry.claims, in: facts))
            for gap in skipped { findings.gap(gap) }
        }
    }

    /// Refused evidence whose signatures are good must still state what the manifest says.
    private func requireRefusal(
        _ strict: Attempt, _ evidence: Evidence, _ entry: EvidenceManifest.Entry, _ findings: inout EntryFindings
    ) async {
        if case .accepted = strict { findings.differs("it was accepted") }
        guard entry.claims["crypto_ok"]?.boolValue == true else { return }
        settle(await Attempt(evidence, by: lenient, reportData, collateral, at: entry.date), entry, &findings)
    }
}

/// One verification of recorded evidence.
enum Attempt {
    case accepted(VerifiedFacts, skipped: [String])
    case refused(VerificationError)

    /// Verifies evidence as every door of the broker does; without `reportData` it is taken from the evidence itself.
    init(
        _ evidence: Evidence, by verifier: any EvidenceVerifier, _ reportData: [UInt8]?, _ collateral: FixedCollateral,
        at date: Date?
    ) async {
        let registry = VerifierRegistry(verifiers: [verifier])
        do throws(VerificationError) {
            let expected =
                if let reportData { reportData } else { try registry.statedReportData(in: evidence) }
            let binding = EvidenceBinding(reportData: [expected])
            let found = try await registry.verify(
                primary: evidence, binding: binding, deviceBinding: binding,
                context: VerificationContext(clock: date.map(WallClock.fixed) ?? .system, collateral: collateral))
            self = try Self.accepted(found)
        } catch {
            self = .refused(error)
        }
    }

    private static func accepted(_ found: [EvidenceClaims]) throws(VerificationError) -> Attempt {
        guard let first = found.first, let facts = try? VerifiedFacts(first) else {
            throw VerificationError(code: "malformed_chain", message: "The verified chain cannot be read.")
        }
        let skipped = found.flatMap(\.steps).filter { $0.outcome == .skipped && $0.name != "init-data" }
        return .accepted(facts, skipped: skipped.map { "\($0.name): \($0.detail)" })
    }

    var text: String {
        switch self {
        case .accepted: "accepted"
        case .refused(let error): "refused: \(error.code)"
        }
    }
}
