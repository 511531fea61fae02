import Policy

/// What can be said of a past request under other policies.
///
/// What was counted and approved at that time is not known any more. A policy with limits that is the same as then, to the
/// letter, would have said of its limits what it said then; of any other it is not known.
enum ReplayVerdict {
    case allowed
    case denied
    /// It depends on limits; the sentence says whose.
    case undetermined(String)

    /// - Parameters:
    ///   - decision: the decision under other policies, made as if nothing had been released or approved before.
    ///   - past: the decision of that time.
    init(_ decision: Decision?, after past: Decision) {
        guard let decision else {
            self = .denied
            return
        }
        let evaluated = decision.trace.filter { $0.matched && $0.mode == .enforce }
        let limited = Set(decision.demands.map(\.policy))
        let verdicts = evaluated.map { policy in
            (effect: policy.effect, holds: policy.holds(isLimited: limited.contains(policy.policy), after: past))
        }
        let unknown = zip(evaluated, verdicts).filter { $1.holds == nil }.map(\.0.policy)
        let grants = Self.any(verdicts.filter { $0.effect == .allow }.map(\.holds))
        // All pass when none objects.
        let objects = Self.any(verdicts.filter { $0.effect == .guardrail }.map { $0.holds.map { !$0 } })
        switch (grants, objects) {
        case (false?, _), (_, true?): self = .denied
        case (true?, false?): self = .allowed
        default:
            self = .undetermined(
                "It depends on the limits of \(unknown.joined(separator: ", ")): what was counted and approved then is "
                    + "not known.")
        }
    }

    /// Whether one of them is true; `nil` when an unknown one would settle it.
    private static func any(_ values: [Bool?]) -> Bool? {
        if values.contains(true) { return true }
        return values.contains(nil) ? nil : false
    }
}

extension PolicyTrace {
    /// Whether all conditions hold, those of the limits included; `nil` when it is not known.
    fileprivate func holds(isLimited: Bool, after past: Decision) -> Bool? {
        guard failures.allSatisfy(\.isOfLimits) else { return false }
        guard isLimited || !failures.isEmpty else { return true }
        guard let then = past.trace.first(where: { $0.digest == digest && $0.matched && $0.mode == .enforce }),
            then.failures.allSatisfy(\.isOfLimits)
        else { return nil }
        return then.passed
    }
}

extension ConditionTrace {
    /// Whether the condition is one of the limits. The ledger does not keep a guest's key, by which holders are told apart.
    fileprivate var isOfLimits: Bool { path.hasPrefix("spec.limits") }
}
