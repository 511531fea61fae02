import Policy
import RATS

extension PolicyLint {
    /// Rules of an appraisal policy that can never grade anything, and policies that are never asked for.
    func ruleFindings(_ document: LintedDocument) -> [PolicyDiagnostic] {
        guard let spec = document.appraisal else { return [] }
        var findings: [PolicyDiagnostic] = []
        if !document.document.name.hasSuffix("-\(spec.deviceClass.rawValue)") {
            findings.append(
                document.finding(
                    .warning, "never_chosen", at: "metadata.name",
                    "Nothing asks for this policy: evidence of class \(spec.deviceClass.rawValue) is graded by a policy "
                        + "whose name ends in '-\(spec.deviceClass.rawValue)'.",
                    hint: "call it default-\(spec.deviceClass.rawValue)"))
        }
        let rules = AppraisalRuleText.all(in: document.document)
        for (index, rule) in rules.enumerated() {
            if let earlier = Self.rule(hiding: rule, in: rules[..<index]) {
                let reason =
                    earlier.conditions.isEmpty ? "always holds" : "holds whenever this one does"
                findings.append(
                    document.finding(
                        .warning, "unreachable_rule", at: rule.path,
                        "This rule never grades \(rule.claim): \(earlier.path) comes first and \(reason).",
                        hint: "put the rule with more conditions first, or remove one"))
            }
        }
        return findings
    }

    /// The first earlier rule that holds for each of the rule's TEEs whenever the rule does.
    private static func rule(
        hiding rule: AppraisalRuleText, in earlier: ArraySlice<AppraisalRuleText>
    ) -> AppraisalRuleText? {
        let hiding = earlier.filter { $0.claim == rule.claim && $0.conditions.isSubset(of: rule.conditions) }
        let tees = hiding.reduce(into: Set<String>()) { $0.formUnion($1.tees) }
        return rule.tees.isSubset(of: tees) ? hiding.first : nil
    }
}

/// A rule as its author wrote it; conditions that are always true are left out.
private struct AppraisalRuleText {
    let path: String
    let tees: Set<String>
    let claim: String
    let conditions: Set<String>

    static func all(in document: PolicyDocument) -> [AppraisalRuleText] {
        (document.content["spec"]?["rules"]?.arrayValue ?? []).enumerated().map { index, rule in
            let tees =
                rule["tee"]?.stringValue.map { [$0] } ?? (rule["tees"]?.arrayValue ?? []).compactMap(\.stringValue)
            let conditions = (rule["when"]?.arrayValue ?? []).compactMap(\.stringValue)
            return AppraisalRuleText(
                path: "spec.rules[\(index)]", tees: Set(tees), claim: rule["claim"]?.stringValue ?? "",
                conditions: Set(conditions.filter { ExpressionFacts($0).constant() != true }))
        }
    }
}
