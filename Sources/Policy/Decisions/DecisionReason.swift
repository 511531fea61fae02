/// Why a release was allowed or denied; the raw values are stable.
public enum DecisionReason: String, Sendable, Hashable, CaseIterable {
    /// A policy allows it and no guardrail objects.
    case allowed
    /// There is no policy that could allow anything.
    case noPolicies = "no_policies"
    /// No policy that allows is about this request.
    case noMatchingPolicy = "no_matching_policy"
    /// A condition of the nearest policy is not met.
    case conditionFalse = "condition_false"
    /// A condition of the nearest policy could not be evaluated.
    case conditionError = "condition_error"
    /// A policy allows it, but a guardrail does not.
    case guardrailDenied = "guardrail_denied"
    /// A reference value that is compared with is missing, not yet or no longer valid, or revoked.
    case missingReferenceValue = "missing_reference_value"
    /// The attestation is older than the policy accepts.
    case staleEvidence = "stale_evidence"
    /// The state of the guest or its machine is not what the policy requires.
    case postureNotMet = "posture_not_met"
    /// The evidence does not say what state the guest or its machine is in, or the policy not what would do.
    case postureUnknown = "posture_unknown"
    /// An evaluation took more steps than it may.
    case costExceeded = "cost_exceeded"
    /// The policy holds only at other times.
    case outsideSchedule = "outside_schedule"
    /// As many releases as the policy allows were made.
    case limitReached = "limit_reached"
    /// As many guests as the policy allows hold the resource.
    case holdersExceeded = "holders_exceeded"
    /// Not enough people have approved the release.
    case approvalRequired = "approval_required"
    /// Releases are counted by instance, and it cannot be told which instance asks.
    case instanceUnknown = "instance_unknown"
    /// The attestation result says nothing about a confidential VM or enclave.
    case noAttester = "no_attester"
    /// The policies could not be loaded; the caller of this target reports it.
    case policiesUnavailable = "policies_unavailable"
}
