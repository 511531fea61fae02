/// What came of one entry of a manifest.
public struct EntryResult: Sendable, Hashable {
    /// Whether it is what the manifest expects.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        /// Verdict and facts are those of the manifest.
        case agrees = "ok"
        /// Something else came out.
        case differs = "DIFFERS"
        /// Input of a kind that is not verified here, or that has no verdict.
        case notCovered = "not covered"
    }

    /// The entry.
    public let entry: EvidenceManifest.Entry
    /// Whether it came out as expected.
    public let outcome: Outcome
    /// What came out, in few words: `accepted` or `refused: ` and the code, for each way in which it was verified.
    public let verdict: String
    /// How many facts of the manifest were compared with what the verifier found.
    public let comparedFacts: Int
    /// What differs.
    public let differences: [String]
    /// What could not be checked, and why.
    public let gaps: [String]
}

/// The findings about an entry while it is examined.
struct EntryFindings {
    private(set) var verdicts: [String] = []
    private(set) var comparedFacts = 0
    private(set) var differences: [String] = []
    private(set) var gaps: [String] = []
    private var isUndecided = false

    /// Something that the manifest asks could not be answered, so that the entry must not count as agreeing.
    mutating func undecided(_ text: String) {
        gap(text)
        isUndecided = true
    }

    mutating func verdict(_ text: String) {
        if !verdicts.contains(text) { verdicts.append(text) }
    }

    mutating func gap(_ text: String) {
        if !gaps.contains(text) { gaps.append(text) }
    }

    mutating func differs(_ text: String) {
        differences.append(text)
    }

    mutating func compare(_ facts: [FactComparison]) {
        comparedFacts += facts.count
        for fact in facts where !fact.agrees {
            differs("\(fact.name) is \(fact.foundText), not \(fact.expected.serializedString())")
        }
    }

    private var outcome: EntryResult.Outcome {
        guard differences.isEmpty else { return .differs }
        return isUndecided || verdicts.isEmpty ? .notCovered : .agrees
    }

    func result(for entry: EvidenceManifest.Entry) -> EntryResult {
        EntryResult(
            entry: entry, outcome: outcome,
            verdict: verdicts.joined(separator: "; "), comparedFacts: comparedFacts, differences: differences,
            gaps: gaps)
    }
}
