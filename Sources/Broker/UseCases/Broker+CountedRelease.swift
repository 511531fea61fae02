import FoundationEssentials
import Policy
import Storage

extension Broker {
    /// How often a release is decided anew because others were faster: each time a limit was reached meanwhile, so that the
    /// next decision denies or turns to another policy.
    private static let countedAttempts = 8

    /// Releases a secret under policies with limits: what was released and approved before is counted, the decision is made
    /// with it, and an allowed release is charged in the transaction that makes its decision durable.
    ///
    /// When it is not known whether that transaction took place nothing is released, though it may be charged.
    func releaseCounted(
        _ input: ReleaseInput, _ caller: Caller, _ read: DecidingRead.Answer, _ policies: CompiledPolicies,
        demands: [LimitDemand], now: Date
    ) async throws(BrokerError) -> [UInt8] {
        for _ in 0..<Self.countedAttempts {
            let usage = try await usage(of: demands, now: now)
            let decision = await decide(input, caller, policies, usage: usage, now: now)
            let id = DecisionRecord.makeID(at: now)
            let refusal = decision.allowed ? sealingRefusal(input, caller) : nil
            // Only what can be handed over is charged.
            guard decision.allowed, refusal == nil, let resource = read.resource else {
                try await record(
                    decision, id: id, input, caller, refusal: refusal, found: read.resource != nil, now: now)
                guard decision.allowed else { throw .releaseDenied(code: decision.reason.rawValue, decisionID: id) }
                if let refusal { throw .releaseDenied(code: refusal, decisionID: id) }
                throw .notFound("ResourceNotFound", "There is no resource of this name (decision: \(id))")
            }
            let message: [UInt8]
            do throws(BrokerError) {
                message = try await self.message(resource, to: caller, for: input)
            } catch {
                try await record(decision, id: id, input, caller, refusal: error.code, found: true, now: now)
                throw error
            }
            let record = ledgerRecord(decision, id: id, input, caller, refusal: nil, found: true, now: now)
            guard try await grant(decision.charges, record, now: now) else { continue }
            log(record)
            metrics.resourceReads.increment()
            return message
        }
        throw .unavailable("limits_contended", "Too many others ask for this at the same time; try again later")
    }

    private func usage(of demands: [LimitDemand], now: Date) async throws(BrokerError) -> [String: LimitUsage] {
        var result: [String: LimitUsage] = [:]
        for demand in demands {
            result[demand.policy] = try await storing { () async throws(StorageError) in
                var usage = LimitUsage(try await releaseCounts.usage(of: demand.count, now: counted(now)))
                usage.clockTolerance = configuration.session.clockTolerance.inSeconds
                if demand.limits.approvals != nil {
                    let standing = try await approvals.standing(
                        policy: demand.policy, policyDigest: demand.policyDigest, path: demand.resource, now: now)
                    usage.approvals = standing.approvals.map(LimitUsage.Approval.init)
                    usage.outdatedApprovals = standing.outdated
                }
                return usage
            }
        }
        return result
    }

    /// Charges a release and makes its decision durable; `false` when a limit does not hold any more.
    private func grant(
        _ charges: [LimitCharge], _ record: DecisionRecord, now: Date
    ) async throws(BrokerError) -> Bool {
        let grants = charges.map(ReleaseGrant.init)
        do throws(StorageError) {
            try await releaseCounts.grant(grants, decision: record, now: counted(now))
            return true
        } catch {
            guard error.code != .conflict else { return false }
            throw notDurable(error)
        }
    }

    /// The time by which windows and leases have ended, on every clock that may be asked.
    private func counted(_ now: Date) -> Date {
        now.addingTimeInterval(-configuration.session.clockTolerance.inSeconds)
    }
}

extension LimitDemand {
    var count: ReleaseCount {
        ReleaseCount(
            policy: policy, path: resource, tenant: tenant, isPerPath: limits.scope == .resource, instance: instance,
            releases: limits.releases.map { limit in
                ReleaseCount.Releases(
                    maximum: limit.maximum, instance: countedInstance, tenant: countedTenant, window: limit.window)
            }, isOnce: limits.isOncePerInstance,
            holds: limits.holders.flatMap { limit in
                holder.map { ReleaseCount.Holds(maximum: limit.maximum, holder: $0, lease: limit.lease) }
            })
    }
}

extension LimitUsage {
    fileprivate init(_ usage: ReleaseUsage) {
        self.init()
        releases = usage.releases
        firstReleaseAt = usage.firstReleaseAt
        onceAt = usage.onceAt
        otherHolders = usage.otherHolders
        firstHoldEndsAt = usage.firstHoldEndsAt
    }
}

extension LimitUsage.Approval {
    fileprivate init(_ stored: StoredApproval) {
        self.init(
            id: stored.id, approver: Approver(issuer: stored.issuer, subject: stored.subject, role: stored.role),
            instance: stored.instance, givenAt: stored.givenAt, expiresAt: stored.expiresAt)
    }
}

extension ReleaseGrant {
    fileprivate init(_ charge: LimitCharge) {
        self.init(
            count: charge.demand.count, approvals: charge.approvals,
            spendsApprovals: charge.demand.limits.approvals?.isSingleUse ?? false)
    }
}
