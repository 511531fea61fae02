import Encodings
import Policy
import RATS

/// Reads what a case expects.
enum ExpectationReader {
    private enum Verdict: String, CaseIterable { case allow = "Allow", deny = "Deny" }

    private static let submoduleFields = ["status", "trust", "extensions"]

    static func read(_ field: Field) -> PolicyTestExpectation? {
        let fields = ["verdict", "reason", "policy", "explainContains", "submods"] + submoduleFields
        guard let object = ObjectReader(field, fields: fields) else { return nil }
        guard !object.isEmpty else {
            field.report("invalid_value", "Nothing is expected here.", hint: "name a verdict, a reason, or grades")
            return nil
        }
        var result = PolicyTestExpectation()
        result.allowed = object["verdict"]?.word(Verdict.self).map { $0 == .allow }
        result.reason = object["reason"].flatMap(readReason)
        result.policy = object["policy"].flatMap { $0.nonEmptyText(maximum: 600) }
        result.explanations = (object["explainContains"]?.items(maximum: 32) ?? []).compactMap {
            $0.nonEmptyText(maximum: 4096)
        }
        let primary = readSubmodule(object)
        if !primary.isEmpty { result.submodules["cpu0"] = primary }
        for member in object["submods"]?.members() ?? [] {
            guard let inner = ObjectReader(member.value, fields: submoduleFields) else { continue }
            if member.key == "cpu0", !primary.isEmpty {
                member.name.report(
                    "duplicate_name", "What is expected of cpu0 stands beside 'submods' already.",
                    hint: "keep one of the two")
            }
            result.submodules[member.key] = readSubmodule(inner)
        }
        if let allowed = result.allowed, let reason = result.reason,
            allowed != (reason == DecisionReason.allowed.rawValue)
        {
            object["reason"]?.report("invalid_value", "The reason '\(reason)' contradicts the verdict.")
        }
        return result
    }

    private static func readReason(_ field: Field) -> String? {
        guard let text = field.text(maximum: 63) else { return nil }
        let known = DecisionReason.allCases.map(\.rawValue) + ["no_appraisal_policy", "no_evidence"]
        if known.contains(text) { return text }
        field.report("invalid_value", "There is no reason '\(text)'.", hint: NearestName.hint(for: text, among: known))
        return nil
    }

    private static func readSubmodule(_ object: ObjectReader) -> PolicyTestExpectation.Submodule {
        var result = PolicyTestExpectation.Submodule()
        result.status = object["status"]?.word(TrustTier.self)
        for member in object["trust"]?.members() ?? [] {
            guard let claim = readTrustClaim(member.name), let grade = readGrade(member.value) else { continue }
            result.trust[claim] = grade
        }
        result.extensions = object["extensions"].flatMap { $0.jsonObject() } ?? JSONObject()
        return result
    }

    private static func readGrade(_ field: Field) -> PolicyTestExpectation.Grade? {
        if field.isText { return field.word(TrustTier.self).map { .tier($0) } }
        return field.integer(in: -128...127).flatMap { Int8(exactly: $0) }.map { .value($0) }
    }
}
