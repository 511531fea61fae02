import Encodings
import RATS

extension PolicyBundle {
    /// How many policies that are not about a denied request are shown, to hint at the one that was meant.
    private static let shownUnmatched = 5
    private static let shownMatched = 32

    /// Decides about a request: allowed when at least one matching policy allows it and no matching guardrail objects.
    ///
    /// Never fails: whatever cannot be evaluated denies, and the trace says what it was.
    ///
    /// What was released and approved before is not known here. A decision whose ``Decision/demands`` are not empty is one
    /// on the assumption that there was nothing; count what it demands, and decide again with that as `usage`.
    public func decide(_ request: ReleaseRequest, usage: [String: LimitUsage] = [:]) -> Decision {
        let decision = enforced(request, usage)
        return hasAudits ? audited(decision, request) : decision
    }

    /// Whether there is a policy that could ever allow a release of this path, to somebody, by the resource plugin.
    public func couldRelease(_ path: [String]) -> Bool {
        releaseIndex.candidates(for: path).contains { number in
            let release = releases[number]
            return release.spec.mode == .enforce && release.spec.effect == .allow
                && release.isAbout(path: path, operation: "get", plugin: "resource")
        }
    }

    private func enforced(_ request: ReleaseRequest, _ usage: [String: LimitUsage]) -> Decision {
        guard allowsAnything else {
            return deny(request, .noPolicies, "There is no policy that could allow a release.")
        }
        let matching = matching(request, .enforce)
        guard let primary = request.attestation.primary else {
            return deny(request, .noAttester, "The attestation result says nothing about a confidential VM or enclave.")
        }
        let allowing = matching.filter { $0.spec.effect == .allow }
        let evaluation = ReleaseEvaluation(request, primary: primary, references: references)
        guard !allowing.isEmpty else {
            return deny(
                request, .noMatchingPolicy, "No policy that allows is about \(request.summary).",
                trace: unmatched(request))
        }
        var traces: [PolicyTrace] = []
        var tally = LimitTally(usage: usage)
        // Whatever allows without being charged goes first; then what is charged, by name.
        for policy in allowing where policy.spec.limits == nil {
            traces.append(evaluation.trace(policy))
            if traces.last?.passed == true { break }
        }
        if traces.last?.passed != true {
            for policy in allowing where policy.spec.limits != nil { traces.append(evaluation.trace(policy, &tally)) }
        }
        let guardrails = matching.filter { $0.spec.effect == .guardrail }.map { evaluation.trace($0, &tally) }
        return conclude(request, allowing: traces, guardrails: guardrails, tally)
    }

    func matching(_ request: ReleaseRequest, _ mode: PolicyMode) -> [CompiledRelease] {
        releaseIndex.candidates(for: request.path).compactMap { number in
            releases[number].spec.mode == mode && releases[number].isAbout(request) ? releases[number] : nil
        }
    }

    private func conclude(
        _ request: ReleaseRequest, allowing: [PolicyTrace], guardrails: [PolicyTrace], _ tally: LimitTally
    ) -> Decision {
        let nearest = allowing.min { $0.failures.count < $1.failures.count }
        let objections = guardrails.filter { !$0.passed }
        let trace =
            Self.shown(allowing, nearest: nearest)
            + (objections + guardrails.filter(\.passed)).prefix(Self.shownMatched)
        guard let granting = allowing.first(where: \.passed) else {
            let failure = nearest?.failures.first
            return deny(
                request, failure?.reason ?? .conditionFalse,
                "\(nearest?.policy ?? ""): \(failure?.message ?? "a condition is not met.")", trace: trace,
                nearest: nearest?.policy, demands: tally.demands)
        }
        if let objecting = objections.first {
            let failure = objecting.failures.first
            return deny(
                request, .guardrailDenied, "\(objecting.policy): \(failure?.message ?? "a condition is not met.")",
                trace: trace, nearest: granting.policy, demands: tally.demands)
        }
        return Decision(
            allowed: true, reason: .allowed, message: "\(granting.policy) allows it.", request: request.summary,
            trace: trace, nearest: nil, bundleDigest: digest, notes: request.notes,
            demands: tally.demands, charges: tally.charges(granting: granting, guardrails: guardrails))
    }

    private func deny(
        _ request: ReleaseRequest, _ reason: DecisionReason, _ message: String, trace: [PolicyTrace] = [],
        nearest: String? = nil, demands: [LimitDemand] = []
    ) -> Decision {
        Decision(
            allowed: false, reason: reason, message: message, request: request.summary, trace: trace, nearest: nearest,
            bundleDigest: digest, notes: request.notes, demands: demands)
    }

    /// The decision with what the policies of the mode Audit would have said. They are evaluated apart, with a budget of
    /// their own: whatever they do, the decision is the same.
    private func audited(_ decision: Decision, _ request: ReleaseRequest) -> Decision {
        let matching = matching(request, .audit).prefix(Self.shownMatched)
        guard !matching.isEmpty, let primary = request.attestation.primary else { return decision }
        let evaluation = ReleaseEvaluation(request, primary: primary, references: references)
        // Nothing is counted for them: their limits are those of somebody who comes first.
        var tally = LimitTally(usage: [:])
        return decision.audited(matching.map { evaluation.trace($0, &tally) }) {
            let guardrails = self.matching(request, .enforce).filter { $0.spec.effect == .guardrail }
            let evaluation = ReleaseEvaluation(request, primary: primary, references: references)
            return guardrails.allSatisfy { evaluation.trace($0, &tally).passed }
        }
    }

    /// The policies that are shown of those that could have allowed: not more than fit into a ledger row.
    private static func shown(_ allowing: [PolicyTrace], nearest: PolicyTrace?) -> [PolicyTrace] {
        guard allowing.count > shownMatched, let nearest else { return allowing }
        return [nearest] + allowing.filter { $0.policy != nearest.policy }.prefix(shownMatched - 1)
    }

    /// Policies of the same repository that are about something else.
    private func unmatched(_ request: ReleaseRequest) -> [PolicyTrace] {
        let related = releaseIndex.related(to: request.tenant).lazy.map { releases[$0] }
        let deciding = related.filter { $0.spec.effect == .allow && $0.spec.mode == .enforce }
        return deciding.prefix(Self.shownUnmatched).map { policy in
            PolicyTrace(
                policy: policy.identifier, digest: policy.digest, effect: policy.spec.effect, matched: false,
                note: policy.mismatch(with: request), conditions: [])
        }
    }
}

extension CompiledRelease {
    /// Whether the policy is about the request. A namespaced policy is never about another tenant's resources, whatever
    /// its patterns say.
    func isAbout(_ request: ReleaseRequest) -> Bool {
        isAbout(path: request.path, operation: request.operation, plugin: request.plugin)
    }

    func isAbout(path: [String], operation: String, plugin: String) -> Bool {
        if let namespace, !namespace.hasSameUTF8(as: path.first ?? "") { return false }
        return isAbout(operation: operation) && isAbout(plugin: plugin)
            && spec.match.resources.contains { $0.matches(path) }
    }

    private func isAbout(operation: String) -> Bool {
        spec.match.operations.contains { $0 == ReleaseMatch.any || $0.hasSameUTF8(as: operation) }
    }

    private func isAbout(plugin: String) -> Bool {
        spec.match.plugins.contains { $0 == ReleaseMatch.any || $0.hasSameUTF8(as: plugin) }
    }

    func mismatch(with request: ReleaseRequest) -> String {
        let match = spec.match
        if !match.resources.contains(where: { $0.matches(request.path) }) {
            return "it is about \(match.resources.map(\.description).joined(separator: ", "))"
        }
        if !isAbout(plugin: request.plugin) {
            return "it is about the plugins \(match.plugins.joined(separator: ", "))"
        }
        return "it is about the operations \(match.operations.joined(separator: ", "))"
    }
}
