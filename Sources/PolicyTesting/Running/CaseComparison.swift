import Encodings
import Policy
import RATS

extension CaseOutcome {
    typealias Difference = PolicyTestResult.Difference

    /// Everything that is not as expected.
    func differences(from expected: PolicyTestExpectation) -> [Difference] {
        var differences: [Difference] = []
        func compare(_ field: String, _ wanted: String?, _ found: String) {
            guard let wanted, wanted != found else { return }
            differences.append(Difference(field: field, expected: wanted, actual: found))
        }
        if expected.concernsDecision {
            compare("verdict", expected.allowed.map(Self.verdict), Self.verdict(decision?.allowed ?? false))
            compare("reason", expected.reason, reason)
            compare("policy", expected.policy, decidingPolicy ?? "none")
            differences += missingExplanations(expected.explanations)
        } else if case .failure(let refusal) = appraisals {
            compare("appraisal", "grades", "\(refusal.code): \(refusal.message)")
        }
        for (name, submodule) in expected.submodules.sorted(by: { $0.key < $1.key }) {
            differences += self.differences(from: submodule, of: name)
        }
        return differences
    }

    private static func verdict(_ allowed: Bool) -> String { allowed ? "Allow" : "Deny" }

    private var reason: String {
        if case .failure(let refusal) = appraisals { return refusal.code }
        return decision?.reason.rawValue ?? "none"
    }

    /// The policy that allowed, the guardrail that objected, or the one that came nearest.
    private var decidingPolicy: String? {
        guard let decision else { return nil }
        if decision.allowed { return decision.trace.first { $0.effect == .allow && $0.passed }?.policy }
        if decision.reason == .guardrailDenied {
            return decision.trace.first { $0.effect == .guardrail && $0.matched && !$0.passed }?.policy
        }
        return decision.nearest
    }

    private func missingExplanations(_ wanted: [String]) -> [Difference] {
        let text = decision?.explanation() ?? ""
        return wanted.filter { !text.contains($0) }.map {
            Difference(
                field: "explainContains", expected: $0, actual: text.isEmpty ? "no explanation" : "another explanation")
        }
    }

    private func differences(from expected: PolicyTestExpectation.Submodule, of name: String) -> [Difference] {
        guard case .success(let appraisals) = appraisals else {
            return [Difference(field: "submods.\(name)", expected: "an appraisal", actual: "none")]
        }
        guard let found = appraisals.first(where: { $0.name == name }) else {
            let names = appraisals.map(\.name).joined(separator: ", ")
            return [Difference(field: "submods.\(name)", expected: "an appraisal", actual: "only \(names)")]
        }
        let prefix = name == "cpu0" ? "" : "submods.\(name)."
        var differences: [Difference] = []
        if let status = expected.status, status != found.status {
            differences.append(
                Difference(field: "\(prefix)status", expected: status.rawValue, actual: found.status.rawValue))
        }
        for claim in TrustClaim.allCases {
            guard let grade = expected.trust[claim], !grade.accepts(found.vector, claim) else { continue }
            let value = found.vector[claim].map { "\($0) (\(TrustTier(value: $0).rawValue))" } ?? "absent"
            differences.append(
                Difference(field: "\(prefix)trust.\(claim.rawValue)", expected: grade.description, actual: value))
        }
        for (extensionName, value) in expected.extensions where found.extensions[extensionName] != value {
            differences.append(
                Difference(
                    field: "\(prefix)extensions.\(extensionName)", expected: value.serializedString(),
                    actual: found.extensions[extensionName]?.serializedString() ?? "absent"))
        }
        return differences
    }
}

extension PolicyTestExpectation.Grade: CustomStringConvertible {
    func accepts(_ vector: TrustVector, _ claim: TrustClaim) -> Bool {
        switch self {
        case .value(let value): vector[claim] == value
        case .tier(let tier): vector.tier(of: claim) == tier
        }
    }

    /// The number, or the tier's name.
    public var description: String {
        switch self {
        case .value(let value): "\(value) (\(TrustTier(value: value).rawValue))"
        case .tier(let tier): tier.rawValue
        }
    }
}
