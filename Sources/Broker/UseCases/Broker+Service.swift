public import Encodings
import FoundationEssentials
import Logging
public import ServiceLifecycle
import Storage

/// Whether the broker can do its work, part by part.
public struct ReadinessReport: Sendable, Hashable {
    /// Whether the database answers; its schema was checked when the broker was opened.
    public let database: Bool
    /// Whether policies are loaded, and the newest ones.
    public let policies: Bool
    /// Whether there is a key to sign tokens with.
    public let signingKey: Bool
    /// The generation of the policies that decide.
    public let policyGeneration: Int64
    /// The digest of the policies that decide.
    public let policyDigest: String

    /// Whether all parts are well.
    public var isReady: Bool { database && policies && signingKey }

    /// The report as JSON.
    public func json() -> JSONValue {
        [
            "ready": .bool(isReady), "database": .bool(database), "policies": .bool(policies),
            "signingKey": .bool(signingKey), "policyGeneration": .int(policyGeneration),
            "policyDigest": .string(policyDigest),
        ]
    }
}

extension Broker: Service {
    private static let sweepInterval: Duration = .seconds(60)
    private static let signOfLifeInterval: Duration = .seconds(5)
    static let sweepBatch = 1_000
    /// How long an approval can be looked up after it has ended, in seconds.
    private static let approvalsKept: Double = 90 * 86_400

    /// Looks at the database, the policies and the signing key.
    public func readiness() async -> ReadinessReport {
        let isReachable = (try? await database.ping()) != nil
        let compiled = policies.latest
        return ReadinessReport(
            database: isReachable, policies: compiled.generation >= 0 && policies.problem == nil,
            signingKey: signingKeys.isReady, policyGeneration: compiled.generation,
            policyDigest: compiled.bundle.digest)
    }

    /// Keeps policies and signing keys fresh and removes what has ended, until shut down.
    public func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.follow(PolicyRepository.channel) { () async throws(BrokerError) in
                    try await self.policies.load()
                    await self.reportReplica()
                }
            }
            group.addTask { await self.regularly(every: Self.signOfLifeInterval) { await self.reportReplica() } }
            group.addTask { try? await self.collateral.run() }
            group.addTask { await cancelWhenGracefulShutdown { await self.renewPlatformSeals() } }
            group.addTask {
                await self.follow(SigningKeyRepository.channel) { () async throws(BrokerError) in
                    try await self.signingKeys.load()
                    try await self.sealingKeys.load()
                }
            }
            group.addTask {
                await self.renewSecretSeals()
                await self.regularly(every: Self.sweepInterval) { await self.rotateSecrets() }
            }
            group.addTask {
                await self.watchReferenceValues()
                await self.regularly(every: Self.sweepInterval) {
                    await self.sweep()
                    await self.watchReferenceValues()
                }
            }
        }
        // In a task of its own: who is cancelled also says that he goes.
        await Task { try? await replicas.remove(id: replicaID) }.value
        database.close()
    }

    /// Does `update` whenever the channel is notified, and whenever notifications may have been missed.
    private func follow(_ channel: String, update: @Sendable () async throws(BrokerError) -> Void) async {
        for await _ in database.notifications(channel: channel).cancelOnGracefulShutdown() {
            do throws(BrokerError) {
                try await update()
            } catch {
                logger.warning("could not follow a change in the database", metadata: ["code": "\(error.code)"])
            }
        }
    }

    private func regularly(every interval: Duration, _ body: @Sendable @escaping () async -> Void) async {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try await Task.sleep(for: interval)
                await body()
            }
        }
    }

    /// Removes sessions, nonces and revocations that ended so long ago that no clock still counts them.
    func sweep() async {
        let slack = 2 * configuration.session.clockTolerance.inSeconds + 60
        let time = environment.clock.now().addingTimeInterval(-slack)
        do {
            try await sweepAll { limit throws(StorageError) in
                try await sessions.sweep(endedBefore: time, limit: limit)
            }
            try await sweepAll { limit throws(StorageError) in
                try await revocations.sweep(endedBefore: time, limit: limit)
            }
            try await sweepAll { limit throws(StorageError) in
                try await releaseCounts.sweep(endedBefore: time, limit: limit)
            }
            try await sweepAll { limit throws(StorageError) in
                try await approvals.sweep(endedBefore: time.addingTimeInterval(-Self.approvalsKept), limit: limit)
            }
            try await signingKeys.load()
        } catch {
            logger.debug("sweeping stopped", metadata: ["reason": "\(error)"])
        }
    }

    /// Removes batch after batch until one is not full, but not for longer than half the time to the next sweep.
    private func sweepAll(
        _ removeBatch: (_ limit: Int) async throws(StorageError) -> Int
    ) async throws(StorageError) {
        let deadline = ContinuousClock.now + Self.sweepInterval / 2
        while try await removeBatch(Self.sweepBatch) >= Self.sweepBatch, ContinuousClock.now < deadline {}
    }
}
