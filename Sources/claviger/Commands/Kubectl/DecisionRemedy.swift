import Encodings
import Policy

/// What would have to change for a denied request to be allowed, a sentence each.
struct DecisionRemedy {
    let record: JSONObject

    func sentences() -> [String] {
        guard record["allowed"]?.boolValue != true else { return [] }
        if record.cell("operation") == "attest" {
            let stage = record["trace"]?["stage"]?.stringValue ?? "unknown"
            return ["the evidence must be believed; it was refused in the stage \(stage): \(record.cell("reason"))"]
        }
        if record.cell("code") == "resource_not_found" {
            return ["the resource must exist: claviger resource put \(record.cell("path"))"]
        }
        guard let trace = record["trace"], let decision = try? Decision(json: trace) else {
            return [record.cell("reason")]
        }
        // The policies allow it, and something else does not.
        guard !decision.allowed else { return [record.cell("reason")] }
        let sentences = decision.trace.filter { concerns($0, decision) }.flatMap(Self.sentences)
        return sentences.isEmpty ? [missingPolicy(decision)] : sentences
    }

    /// Whether it is one of those that would have to let the request pass.
    private func concerns(_ policy: PolicyTrace, _ decision: Decision) -> Bool {
        guard policy.matched, policy.mode == .enforce, !policy.passed else { return false }
        return policy.effect == .guardrail || policy.policy == decision.nearest
    }

    private static func sentences(_ policy: PolicyTrace) -> [String] {
        policy.failures.map { failure in
            let measured = failure.measured.map { "\($0.name) was \($0.value)" }.joined(separator: ", ")
            let told = [measured, failure.message ?? ""].filter { !$0.isEmpty }.joined(separator: "; ")
            return "\(policy.policy), \(failure.path): required \(failure.required)" + (told.isEmpty ? "" : "; \(told)")
        }
    }

    private func missingPolicy(_ decision: Decision) -> String {
        guard [.noPolicies, .noMatchingPolicy].contains(decision.reason) else { return decision.message }
        let (path, tenant) = (record.cell("path"), record.cell("tenant"))
        return """
            a ReleasePolicy in the namespace \(tenant), or a ClusterReleasePolicy, must name \(path) in \
            spec.match.resources: none does
            """
    }
}
