import FoundationEssentials

/// Compares what was counted with what the limits of one policy ask for.
struct LimitEvaluation {
    let demand: LimitDemand
    let usage: LimitUsage
    let now: Date

    private var limits: ReleaseLimits { demand.limits }
    private var counted: String { limits.scope == .resource ? "of \(demand.resource)" : "under this policy" }

    func conditions() -> [ConditionTrace] {
        var traces: [ConditionTrace] = []
        if let count = limits.releases { traces.append(releases(count)) }
        if limits.isOncePerInstance { traces.append(once()) }
        if let holders = limits.holders { traces.append(self.holders(holders)) }
        if let approvals = limits.approvals { traces.append(self.approvals(approvals)) }
        return traces
    }

    /// The approvals that meet the limit: one of each person, those that end first.
    func countedApprovals() -> [LimitUsage.Approval] {
        guard let wanted = limits.approvals else { return [] }
        var people: Set<String> = []
        let usable = usage.approvals.filter { isUsable($0, wanted) }
            .sorted { ($0.expiresAt, $0.id) < ($1.expiresAt, $1.id) }
        return Array(usable.filter { people.insert($0.approver.name).inserted }.prefix(wanted.required))
    }

    private func isUsable(_ approval: LimitUsage.Approval, _ wanted: ReleaseLimits.Approvals) -> Bool {
        guard wanted.accepts(approval.approver), now < end(of: approval, wanted) else { return false }
        return approval.instance == nil || approval.instance == demand.instance
    }

    private func end(of approval: LimitUsage.Approval, _ wanted: ReleaseLimits.Approvals) -> Date {
        min(approval.expiresAt, approval.givenAt.addingTimeInterval(TimeInterval(wanted.validFor)))
    }

    private func condition(
        _ field: String, _ required: String, _ measured: [MeasuredValue], met: Bool, reason: DecisionReason,
        _ message: @autoclosure () -> String
    ) -> ConditionTrace {
        var measured = measured
        if let instance = demand.instance { measured.append(MeasuredValue(name: "instance", value: instance)) }
        return ConditionTrace(
            path: "spec.limits.\(field)", required: required, measured: measured, outcome: met ? .met : .notMet,
            reason: met ? nil : reason, message: met ? nil : message())
    }

    private func releases(_ count: ReleaseLimits.Count) -> ConditionTrace {
        let whose =
            switch count.subject {
            case .all: ""
            case .instance: " per instance"
            case .tenant: " for the tenant \(demand.tenant)"
            }
        let period = count.window.map { " within \(DurationText.text($0))" } ?? ""
        let first = usage.firstReleaseAt.map { ", first at \(TimestampText.text($0))" } ?? ""
        let used = "\(usage.releases) of \(count.maximum) releases used\(first)"
        var message = "\(used)."
        if let window = count.window, let first = usage.firstReleaseAt {
            let next = first.addingTimeInterval(TimeInterval(window) + usage.clockTolerance)
            message = "\(used); the next is possible at \(TimestampText.text(next))."
        }
        return condition(
            "maxReleases", "at most \(count.maximum) releases \(counted)\(whose)\(period)",
            [MeasuredValue(name: "releases", value: used)], met: usage.releases < count.maximum, reason: .limitReached,
            message)
    }

    private func once() -> ConditionTrace {
        let time = usage.onceAt.map(TimestampText.text)
        return condition(
            "oncePer", "one release \(counted) per instance",
            [MeasuredValue(name: "released", value: time.map { "at \($0)" } ?? "never")], met: usage.onceAt == nil,
            reason: .limitReached, "This instance had its one release at \(time ?? "").")
    }

    private func holders(_ holders: ReleaseLimits.Holders) -> ConditionTrace {
        let held = "\(usage.otherHolders) of \(holders.maximum) held by others"
        let end =
            usage.firstHoldEndsAt.map {
                ", the first until \(TimestampText.text($0.addingTimeInterval(usage.clockTolerance)))"
            } ?? ""
        return condition(
            "concurrentHolders",
            "at most \(holders.maximum) holders \(counted) at a time, each for \(DurationText.text(holders.lease))",
            [MeasuredValue(name: "holders", value: held + end)], met: usage.otherHolders < holders.maximum,
            reason: .holdersExceeded, "\(held)\(end).")
    }

    private func approvals(_ wanted: ReleaseLimits.Approvals) -> ConditionTrace {
        let counted = countedApprovals()
        let people = counted.map { approval in
            "\(approval.approver.name) (\(approval.approver.role), until \(TimestampText.text(end(of: approval, wanted))))"
        }
        let ignored = Int64(usage.approvals.count - counted.count) + usage.outdatedApprovals
        var measured = [MeasuredValue(name: "approvals", value: "\(counted.count) of \(wanted.required)")]
        if !people.isEmpty {
            measured.append(MeasuredValue(name: "approved by", value: people.joined(separator: ", ")))
        }
        if usage.outdatedApprovals > 0 {
            measured.append(
                MeasuredValue(name: "given for another content of the policy", value: "\(usage.outdatedApprovals)"))
        }
        let whose = (wanted.roles.map { "role \($0)" } + wanted.principals).joined(separator: ", ")
        return condition(
            "approvals",
            "approvals of \(demand.resource) by \(wanted.required) different people"
                + (whose.isEmpty ? "" : " (\(whose))") + ", not older than \(DurationText.text(wanted.validFor))",
            measured, met: counted.count >= wanted.required, reason: .approvalRequired,
            "\(counted.count) of \(wanted.required) approvals are there"
                + (ignored > 0 && counted.count < wanted.required ? "; \(ignored) others do not count" : "")
                + ": claviger approve --resource \(demand.resource) --policy \(demand.policy)"
                + " --policy-digest \(demand.policyDigest).")
    }
}
