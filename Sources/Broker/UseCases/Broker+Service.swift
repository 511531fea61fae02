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

    /// Whether all parts are well.
    public var isReady: Bool { database && policies && signingKey }

    /// The report as JSON.
    public func json() -> JSONValue {
        [
            "ready": .bool(isReady), "database": .bool(database), "policies": .bool(policies),
            "signingKey": .bool(signingKey),
        ]
    }
}

extension Broker: Service {
    private static let sweepInterval: Duration = .seconds(60)
    static let sweepBatch = 1_000
    /// How long an approval can be looked up after it has ended, in seconds.
    private static let approvalsKept: Double = 90 * 86_400

    /// Looks at the database, the policies and the signing key.
    public func readiness() async -> ReadinessReport {
        let isReachable = (try? await database.ping()) != nil
        return ReadinessReport(
            database: isReachable, policies: policies.latest.generation >= 0 && !policies.isBehind,
            signingKey: signingKeys.isReady)
    }

    /// Keeps policies and signing keys fresh and removes what has ended, until shut down.
    public func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask {
                await self.follow(PolicyRepository.channel) { () async throws(BrokerError) in
                    try await self.policies.load()
                }
            }
            group.addTask {
                await self.follow(SigningKeyRepository.channel) { () async throws(BrokerError) in
                    try await self.signingKeys.load()
                }
            }
            group.addTask { await self.sweepRegularly() }
        }
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

    private func sweepRegularly() async {
        try? await cancelWhenGracefulShutdown {
            await self.watchReferenceValues()
            while !Task.isCancelled {
                try await Task.sleep(for: Self.sweepInterval)
                await self.sweep()
                await self.watchReferenceValues()
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
