import CEL
import RATS

/// How a policy came out, and what has to be counted for it.
struct LimitedTrace {
    var trace: PolicyTrace
    /// What has to be counted; `nil` when the policy has no limits, or fails whatever they say.
    var demand: LimitDemand?
    /// What is charged when the policy's verdict is used.
    var charge: LimitCharge?
}

extension ReleaseEvaluation {
    /// Evaluates a policy together with its limits. When another condition fails already, the limits are not looked at.
    func limitedTrace(_ policy: CompiledRelease, usage: [String: LimitUsage]) -> LimitedTrace {
        let trace = trace(policy)
        guard let limits = policy.spec.limits, trace.passed else { return LimitedTrace(trace: trace) }
        let instance = limits.namesInstance || limits.approvals != nil ? self.instance(policy) : nil
        let identity = try? instance?.get()
        let demand = LimitDemand(
            policy: policy.identifier, policyDigest: policy.digest, resource: request.path.joined(separator: "/"),
            tenant: request.tenant, instance: identity,
            holder: identity.flatMap { InstanceIdentity.holder($0, request.attestation) }, limits: limits)
        if let failure = unknown(demand, instance) {
            let condition = ConditionTrace(
                path: "spec.limits.instance", required: "an identity that hardware gives the instance", measured: [],
                outcome: .error, reason: failure.reason, message: failure.message)
            return LimitedTrace(trace: trace.adding([condition]))
        }
        let evaluation = LimitEvaluation(
            demand: demand, usage: usage[policy.identifier] ?? LimitUsage(), now: request.now)
        let complete = trace.adding(evaluation.conditions())
        let charge = LimitCharge(demand: demand, approvals: evaluation.countedApprovals().map(\.id))
        return LimitedTrace(trace: complete, demand: demand, charge: complete.passed ? charge : nil)
    }

    /// Why releases cannot be counted for whoever asks.
    private func unknown(
        _ demand: LimitDemand, _ instance: Result<String, ExpressionFailure>?
    ) -> ExpressionFailure? {
        guard demand.limits.namesInstance else { return nil }
        if case .failure(let failure) = instance { return failure }
        guard demand.limits.holders == nil || demand.holder != nil else {
            return InstanceIdentity.unknown("The attestation names no TEE key, so that holders cannot be told apart.")
        }
        return nil
    }

    private func instance(_ policy: CompiledRelease) -> Result<String, ExpressionFailure> {
        guard let expression = policy.spec.instance else { return InstanceIdentity.standard(primary) }
        switch evaluate(expression, for: policy) {
        case .success(let value): return InstanceIdentity.custom(value, primary)
        case .failure(let failure): return .failure(InstanceIdentity.unknown(failure.message))
        }
    }
}

extension PolicyTrace {
    /// The trace with further conditions at its end.
    func adding(_ more: [ConditionTrace]) -> PolicyTrace {
        PolicyTrace(
            policy: policy, digest: digest, effect: effect, mode: mode, matched: matched, note: note,
            conditions: conditions + more)
    }
}
