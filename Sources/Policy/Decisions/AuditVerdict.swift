/// What policies of the mode Audit would have changed about a decision.
public enum AuditVerdict: String, Sendable, Hashable, CaseIterable {
    /// A guardrail of the mode Audit objects to what was allowed.
    case wouldDeny = "would_deny"
    /// A policy of the mode Audit allows what was denied, and no guardrail of either mode objects.
    case wouldAllow = "would_allow"
}

extension Decision {
    /// The decision with the traces of the policies that are only shown; the verdict stays what it is.
    ///
    /// - Parameters:
    ///   - audits: How the policies of the mode Audit came out.
    ///   - guardrailsHold: Whether no guardrail that decides objects.
    func audited(_ audits: [PolicyTrace], guardrailsHold: () -> Bool) -> Decision {
        guard !audits.isEmpty else { return self }
        let objects = audits.contains { $0.effect == .guardrail && !$0.passed }
        let allows = audits.contains { $0.effect == .allow && $0.passed }
        var verdict: AuditVerdict?
        if allowed, objects { verdict = .wouldDeny }
        if !allowed, allows, !objects, guardrailsHold() { verdict = .wouldAllow }
        return Decision(
            allowed: allowed, reason: reason, message: message, request: request, trace: trace + audits,
            nearest: nearest, bundleDigest: bundleDigest, audit: verdict, notes: notes, demands: demands,
            charges: charges)
    }
}
