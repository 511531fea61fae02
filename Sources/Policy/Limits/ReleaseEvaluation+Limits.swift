import CEL
import RATS

/// What the policies with limits that were looked at for one request ask for.
struct LimitTally {
    /// What was counted so far, by policy.
    let usage: [String: LimitUsage]
    /// What has to be counted, of policies that do not fail whatever it is.
    private(set) var demands: [LimitDemand] = []
    /// What is charged when the verdict of a policy that holds is used.
    private var charges: [LimitCharge] = []

    init(usage: [String: LimitUsage]) {
        self.usage = usage
    }

    mutating func add(_ demand: LimitDemand, charge: LimitCharge?) {
        demands.append(demand)
        if let charge { charges.append(charge) }
    }

    /// What a release is charged with: by the one policy that grants it, and by every guardrail that lets it pass.
    func charges(granting: PolicyTrace, guardrails: [PolicyTrace]) -> [LimitCharge] {
        guard !charges.isEmpty else { return [] }
        let names = Set(([granting] + guardrails).map(\.policy))
        return charges.filter { names.contains($0.demand.policy) }
    }
}

extension ReleaseEvaluation {
    /// Evaluates a policy together with its limits. When another condition fails already, the limits are not looked at.
    func trace(_ policy: CompiledRelease, _ tally: inout LimitTally) -> PolicyTrace {
        let trace = trace(policy)
        guard let limits = policy.spec.limits, trace.passed else { return trace }
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
            return trace.adding([condition])
        }
        let evaluation = LimitEvaluation(
            demand: demand, usage: tally.usage[policy.identifier] ?? LimitUsage(), now: request.now)
        let complete = trace.adding(evaluation.conditions())
        let charge = LimitCharge(demand: demand, approvals: evaluation.countedApprovals().map(\.id))
        tally.add(demand, charge: complete.passed ? charge : nil)
        return complete
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
