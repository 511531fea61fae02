import FoundationEssentials

/// Counts releases for policies with limits.
///
/// A release is counted in the transaction that writes its decision, and only while the limits still hold: of any number of
/// racing callers, on any number of brokers, no more get through than there may.
public struct ReleaseCountRepository: Sendable {
    private let database: Database

    /// A repository over a migrated database.
    public init(_ database: Database) { self.database = database }

    /// How far limits are used now. It decides nothing: the next release may come in between.
    ///
    /// - Parameter now: The time by which windows and leases have ended.
    public func usage(of count: ReleaseCount, now: Date) async throws(StorageError) -> ReleaseUsage {
        let rows = try await database.read(
            SQLStatement(
                Self.select,
                [
                    .text(count.policy), count.countedPath, .text(orNull: count.releases?.instance),
                    .text(orNull: count.releases?.tenant), Self.windowStart(count, now),
                    .int(count.releases?.maximum ?? 0), .text(orNull: count.isOnce ? count.instance : nil),
                    .text(count.heldPath), .text(orNull: count.holds?.holder), .date(now),
                ]))
        guard let row = rows.first else { throw .internal("a statement had no result") }
        return ReleaseUsage(
            releases: try row.int(0), firstReleaseAt: try row.optionalDate(1), onceAt: try row.optionalDate(2),
            otherHolders: try row.int(3), firstHoldEndsAt: try row.optionalDate(4))
    }

    /// Counts a release under each policy and stores the decision that allowed it, in one transaction: all or nothing.
    ///
    /// - Parameters:
    ///   - decision: The record of the decision; its time is the release's.
    ///   - now: The time by which windows and leases have ended.
    /// - Throws: `conflict` when somebody else was faster and a limit does not hold any more: nothing is stored then. Any
    ///   other error: it may be that the release was counted, and nothing may be released.
    public func grant(
        _ grants: [ReleaseGrant], decision: DecisionRecord, now: Date
    ) async throws(StorageError) {
        var statements = [
            try SQLStatement(
                Self.lock, [.texts(grants.map(\.count.lock)), .texts(grants.compactMap(\.count.sharedLock))])
        ]
        for grant in grants {
            statements += try requirements(grant.count, now)
            if !grant.approvals.isEmpty { statements.append(try approvals(grant, decision)) }
            if grant.count.releases != nil || grant.count.isOnce { statements.append(try use(grant.count, decision)) }
            if let holds = grant.count.holds { statements.append(try hold(grant.count, holds, decision)) }
        }
        statements.append(try DecisionRepository.insertion(of: [decision]))
        _ = try await database.transaction(statements)
    }

    /// The limits once more, now that nobody else can change what is counted.
    private func requirements(_ count: ReleaseCount, _ now: Date) throws(StorageError) -> [SQLStatement] {
        var statements: [SQLStatement] = []
        if let releases = count.releases {
            statements.append(
                try SQLStatement(
                    Self.requireRoom,
                    [
                        .text(count.policy), count.countedPath, .text(orNull: releases.instance),
                        .text(orNull: releases.tenant), Self.windowStart(count, now), .int(releases.maximum),
                    ]))
        }
        if count.isOnce {
            statements.append(
                try SQLStatement(
                    Self.requireFirst, [.text(count.policy), count.countedPath, .text(orNull: count.instance)]))
        }
        if let holds = count.holds {
            statements.append(
                try SQLStatement(
                    Self.requireFreeHold,
                    [
                        .text(count.policy), .text(count.heldPath), .text(holds.holder), .date(now),
                        .int(holds.maximum),
                    ]))
        }
        return statements
    }

    private func approvals(_ grant: ReleaseGrant, _ decision: DecisionRecord) throws(StorageError) -> SQLStatement {
        try SQLStatement(
            grant.spendsApprovals ? Self.spendApprovals : Self.requireApprovals,
            [
                .texts(grant.approvals), .text(grant.count.policy), .text(grant.count.path), .date(decision.at),
                .int(Int64(grant.approvals.count)), .text(decision.id),
            ])
    }

    private func use(_ count: ReleaseCount, _ decision: DecisionRecord) throws(StorageError) -> SQLStatement {
        // What only a window asks for can go some time after it; what a limit without one asks for must stay.
        let window = count.isOnce ? nil : count.releases?.window
        let keepUntil = window.map { decision.at.addingTimeInterval(Double($0) + Self.keptAfterWindow) }
        return try SQLStatement(
            Self.insertUse,
            [
                .text(count.policy), .text(count.path), .text(count.tenant), .text(orNull: count.instance),
                .date(decision.at), .text(decision.id), .date(orNull: keepUntil),
            ])
    }

    private func hold(
        _ count: ReleaseCount, _ holds: ReleaseCount.Holds, _ decision: DecisionRecord
    ) throws(StorageError) -> SQLStatement {
        try SQLStatement(
            Self.upsertHold,
            [
                .text(count.policy), .text(count.heldPath), .text(holds.holder), .text(count.instance ?? ""),
                .date(decision.at), .date(decision.at.addingTimeInterval(Double(holds.lease))), .text(decision.id),
            ])
    }

    /// A window that is made longer later still finds releases of the day before it.
    private static let keptAfterWindow: TimeInterval = 86_400

    private static func windowStart(_ count: ReleaseCount, _ now: Date) -> SQLValue {
        .date(orNull: count.releases?.window.map { now.addingTimeInterval(-Double($0)) })
    }

    /// Forgets what was counted for one instance under a policy, of one path where named, and stores the record of that, in
    /// one transaction.
    ///
    /// - Returns: how many releases and how many holds were forgotten.
    /// - Throws: `notFound` when nothing is counted; nothing is stored then.
    public func reset(
        policy: String, instance: String, path: String?, record: DecisionRecord
    ) async throws(StorageError) -> (releases: Int64, holds: Int64) {
        let removal = try SQLStatement(
            Self.removeOfInstance, [.text(policy), .text(instance), .text(orNull: path)])
        do throws(StorageError) {
            let results = try await database.transaction([removal, try DecisionRepository.insertion(of: [record])])
            guard let row = results.first?.first else { throw .internal("a statement had no result") }
            return (try row.int(0), try row.int(1))
        } catch {
            guard error.code == .conflict else { throw error }
            throw StorageError(
                code: .notFound, message: "nothing is counted for this instance under this policy")
        }
    }

    /// Removes up to `limit` rows of each kind that ended before `time`; returns how many rows went.
    public func sweep(endedBefore time: Date, limit: Int = 1000) async throws(StorageError) -> Int {
        let rows = try await database.write(SQLStatement(Self.removeEnded, [.date(time), .int(Int64(limit))]))
        guard let row = rows.first else { return 0 }
        return Int(try row.int(0))
    }
}
