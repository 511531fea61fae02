import CEL
import Encodings
import Policy
import RATS

extension PolicyLint {
    /// Conditions that are always true or always false, policies without any, and variables that nothing uses.
    func conditionFindings(_ document: LintedDocument) -> [PolicyDiagnostic] {
        var findings: [PolicyDiagnostic] = []
        for (path, facts) in document.expressions where Self.isCondition(path) {
            switch facts.constant() {
            case true?:
                findings.append(
                    document.finding(
                        .warning, "constant_condition", at: path, "This is true whatever comes: it requires nothing.",
                        hint: "remove it, or say what was meant"))
            case false?: findings.append(Self.impossible(path, document))
            case nil: break
            }
        }
        guard let spec = document.release else { return findings }
        findings += unusedVariables(document)
        if spec.effect == .allow, !document.hasConditions {
            findings.append(
                document.finding(
                    .warning, "unconditional_allow", at: "spec",
                    "Every attested guest may have these resources, even one that was found contraindicated.",
                    hint: "add require: {status: affirming}"))
        }
        if let finding = neverTrueForRequiredTEEs(document, spec) { findings.append(finding) }
        return findings
    }

    private static func isCondition(_ path: String) -> Bool {
        path.hasPrefix("spec.validations[") && path.hasSuffix(".expression") || path.hasPrefix("spec.rules[")
    }

    private static func impossible(_ path: String, _ document: LintedDocument) -> PolicyDiagnostic {
        let (code, sentence): (String, String)
        switch document.release?.effect {
        case nil: (code, sentence) = ("never_holds", "This is never true: the rule never grades anything.")
        case .allow: (code, sentence) = ("never_allows", "This is never true: the policy never allows anything.")
        case .guardrail:
            (code, sentence) = (
                "nothing_passes", "This is never true: the guardrail lets nothing that it matches pass."
            )
        }
        return document.finding(.warning, code, at: path, sentence)
    }

    /// With `require.tees`, conditions about the TEE may contradict it.
    private func neverTrueForRequiredTEEs(_ document: LintedDocument, _ spec: ReleasePolicySpec) -> PolicyDiagnostic? {
        let tees = spec.require.tees
        guard !tees.isEmpty else { return nil }
        guard tees.contains(where: { $0.deviceClass == .cpu }) else {
            return document.finding(
                .warning, "never_allows", at: "spec.require.tees",
                "These are devices; the guest itself is never one of them.",
                hint: "look at devices with submods, or require.status")
        }
        for (path, facts) in document.expressions where Self.isCondition(path) && facts.constant() == nil {
            guard tees.allSatisfy({ facts.constant(["tee": .string($0.rawValue)]) == false }) else { continue }
            return document.finding(
                .warning, spec.effect == .allow ? "never_allows" : "nothing_passes", at: path,
                "This is false for each of \(tees.map(\.rawValue).joined(separator: ", ")), which spec.require.tees names."
            )
        }
        return nil
    }

    private func unusedVariables(_ document: LintedDocument) -> [PolicyDiagnostic] {
        let declared = (document.document.content["spec"]?["variables"]?.arrayValue ?? []).map {
            $0["name"]?.stringValue ?? ""
        }
        guard !document.expressions.contains(where: { $0.facts.usesAnyVariable }) else { return [] }
        let used = Set(document.expressions.flatMap(\.facts.variables))
        return declared.enumerated().filter { !used.contains($1) }.map { index, name in
            document.finding(
                .warning, "unused_variable", at: "spec.variables[\(index)].name", "Nothing uses variables.\(name).",
                hint: "remove it")
        }
    }
}

extension LintedDocument {
    /// The members of the spec that are no conditions.
    private static let descriptive: Set<String> = ["effect", "match", "variables", "mode"]

    /// Whether anything at all is required, in fields of any name.
    var hasConditions: Bool {
        (document.content["spec"]?.objectValue ?? [:]).contains { name, value in
            !Self.descriptive.contains(name) && !(value.arrayValue?.isEmpty ?? false)
        }
    }

    /// Whether the policy only reports what it would do.
    var isAudit: Bool { document.content["spec"]?["mode"]?.stringValue == "Audit" }

    /// Whether some condition is false whatever comes.
    var neverAllows: Bool {
        expressions.contains { path, facts in
            path.hasPrefix("spec.validations[") && path.hasSuffix("].expression") && facts.constant() == false
        }
    }
}
