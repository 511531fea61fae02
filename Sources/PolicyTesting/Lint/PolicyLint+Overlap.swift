import Policy

extension PolicyLint {
    /// Policies whose conditions never matter, because another one allows the same with fewer.
    func overlapFindings() -> [PolicyDiagnostic] {
        let policies = all.compactMap(AllowingPolicy.init)
        let names = Set(subjects.map(\.document.identifier))
        return policies.indices.compactMap { index in
            guard names.contains(policies[index].identifier) else { return nil }
            return overlap(of: index, in: policies)
        }
    }

    private func overlap(of index: Int, in policies: [AllowingPolicy]) -> PolicyDiagnostic? {
        let policy = policies[index]
        var lesser: PolicyDiagnostic?
        for (place, other) in policies.enumerated() where place != index {
            guard other.meets(policy), other.isNoStricter(than: policy) else { continue }
            let isStricter = !policy.isNoStricter(than: other)
            if other.covers(policy), policy.hasLimits, !other.hasLimits {
                return policy.document.finding(
                    .warning, "limit_without_effect", at: "spec.limits",
                    "\(other.identifier) allows all of this under no more conditions and counts nothing: whoever "
                        + "would reach these limits is let in by it.",
                    hint: "give the other one limits as well, narrow it, or make these a guardrail")
            }
            if other.covers(policy), isStricter || !policy.covers(other) {
                return policy.document.finding(
                    .warning, "shadowed_policy", at: "spec",
                    "\(other.identifier) allows all of this under no more conditions: those of this policy never matter.",
                    hint: "narrow the other one, or remove this one")
            }
            if other.covers(policy), place < index {
                lesser = policy.document.finding(
                    .warning, "duplicate_policy", at: "spec", "\(other.identifier) says the same.",
                    hint: "remove one of them")
            } else if isStricter, lesser == nil {
                lesser = policy.document.finding(
                    .note, "overlapping_policy", at: "spec.match.resources",
                    "\(other.identifier) allows some of these resources under fewer conditions; there, those of this "
                        + "policy do not matter.")
            }
        }
        return lesser
    }
}

/// A policy that allows, for comparison with others.
private struct AllowingPolicy {
    let document: LintedDocument
    private let comparison: ReleaseComparison

    /// Nothing for documents that do not allow anything.
    init?(_ document: LintedDocument) {
        guard let comparison = ReleaseComparison(document.document), comparison.release.effect == .allow,
            !document.isAudit, !document.neverAllows
        else { return nil }
        self.document = document
        self.comparison = comparison
    }

    var identifier: String { comparison.identifier }
    var hasLimits: Bool { comparison.hasLimits }

    func covers(_ other: AllowingPolicy) -> Bool { comparison.covers(other.comparison) }
    func meets(_ other: AllowingPolicy) -> Bool { comparison.meets(other.comparison) }
    func isNoStricter(than other: AllowingPolicy) -> Bool { comparison.isNoStricter(than: other.comparison) }
}
