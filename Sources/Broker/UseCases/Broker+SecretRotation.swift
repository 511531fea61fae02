import Encodings
import FoundationEssentials
import KBSProtocol
import Logging
import Storage

extension Broker {
    /// Of one namespace no more are rotated in a pass, and of all no more than this.
    private static let rotationShare: Int64 = 250
    private static let rotationPage: Int64 = 10_000
    /// How long a pass lasts: less than the others wait for it.
    private static let rotationTime: Duration = .seconds(20)
    /// How long to wait for another broker that rotates.
    private static let rotationPatience: Duration = .seconds(30)

    /// Makes new versions of the secrets whose time has come: one for each, however many brokers do this at once and
    /// however long ago it was due. What there is no time for is left to the next pass.
    func rotateSecrets() async {
        do {
            let now = Int64(environment.clock.now().timeIntervalSince1970)
            // Asked first, so that brokers with nothing to do take no lock.
            guard try await secrets.isAnyDue(at: now) else { return }
            try await database.exclusively("brokered secret rotation", patience: Self.rotationPatience) {
                await self.rotateDue(at: now)
            }
        } catch {
            logger.warning("secrets could not be rotated", metadata: ["reason": "\(error)"])
        }
    }

    private func rotateDue(at now: Int64) async {
        let due = try? await secrets.due(at: now, share: Self.rotationShare, limit: Self.rotationPage)
        var turns = RotationTurns(due ?? [])
        let clock = ContinuousClock()
        let end = clock.now + Self.rotationTime
        while !Task.isCancelled, clock.now < end, let name = turns.next() {
            let began = clock.now
            do throws(BrokerError) {
                try await rotate(name.namespace, name.name)
            } catch {
                logger.warning(
                    "a secret could not be rotated",
                    metadata: ["namespace": "\(name.namespace)", "name": "\(name.name)", "code": "\(error.code)"])
            }
            turns.note(clock.now - began)
        }
    }

    /// One new version, unless the secret is not due any more.
    private func rotate(_ namespace: String, _ name: String) async throws(BrokerError) {
        let stored = try await storing { () async throws(StorageError) in
            try await secrets.find(namespace: namespace, name: name)
        }
        let now = environment.clock.now()
        guard let stored, let text = stored.path, let path = try? ResourcePath(text),
            let due = stored.nextRotation, Double(due) <= now.timeIntervalSince1970
        else { return }
        var (state, latest) = try await storing { () async throws(StorageError) in
            (try SecretState(stored.content), try await secrets.latestVersion(path: text))
        }
        guard let generated = state.generated else { return }
        var change = SecretChange(
            namespace: namespace, name: name, source: stored.source, path: text, content: SecretBytes([]),
            author: "rotation of BrokeredSecret \(namespace)/\(name)", after: stored.revision,
            versionsKept: state.versionsKept, foreignThrough: state.foreignThrough)
        if latest == state.version && latest > 0 {
            change.value = try await newVersion(
                try await keyWorkshop.make(generated), of: path, replacing: latest, &state)
        } else {
            // What somebody else wrote, or destroyed, is not overwritten; the next look is after another period.
            state.attemptedAt = Int64(now.timeIntervalSince1970)
            logger.warning(
                "a secret is not rotated, because somebody else wrote or destroyed its resource",
                metadata: ["namespace": "\(namespace)", "name": "\(name)"])
        }
        // When the change comes too late, somebody else made one: the next pass looks again.
        guard try await store(&change, state), change.value != nil else { return }
        metrics.resourceWrites.increment()
        logger.info("secret rotated", metadata: ["namespace": "\(namespace)", "name": "\(name)"])
    }

    /// Seals what is remembered of secrets under the current key-encryption key.
    func renewSecretSeals() async {
        do throws(StorageError) {
            let count = try await secrets.renewSeals()
            if count > 0 { logger.notice("brokered secrets sealed anew", metadata: ["count": "\(count)"]) }
        } catch {
            logger.warning("brokered secrets could not be sealed anew", metadata: ["code": "\(error.code.rawValue)"])
        }
    }
}
