import FoundationEssentials
public import Logging
public import RATS
public import Storage

/// Collateral for verifiers: from memory, from the database that all replicas share, and only then from an origin.
///
/// What can answer does answer without the network, also when it is to be renewed: that happens behind the scenes as long as
/// the cache's service runs. Everything was verified by an inspector before it was kept, and no name ever goes back to an older
/// issue.
public final class CollateralCache: CollateralSource, Sendable {
    let store: CollateralRepository
    let database: Database
    let origins: [any CollateralOrigin]
    let inspectors: CollateralInspectors
    let settings: CollateralSettings
    let clock: WallClock
    let metrics: CollateralMetrics
    let logger: Logger
    let shelf: CollateralShelf
    let pauses = CollateralPauses()
    /// Who reads the database. What it has needs no place among those who ask origins.
    let reads = CollateralFlights<CollateralEntry?>()
    /// Who asks origins.
    let flights = CollateralFlights<CollateralEntry>(limitOfKind: CollateralSettings.flightsOfKind)
    let warnings = CollateralWarnings()
    let turnstile = CollateralTurnstile(width: CollateralSettings.exchangesOfKind)
    /// Names to be renewed behind the scenes.
    let renewals: AsyncStream<CollateralName>
    let renew: AsyncStream<CollateralName>.Continuation
    /// By how much earlier than others this replica renews, as a part of the time until then.
    let haste = Double.random(in: 0...0.1)

    /// A cache over a migrated database.
    ///
    /// - Parameters:
    ///   - database: Where items are kept, shared by all replicas.
    ///   - keys: The keys that seal what is kept.
    ///   - origins: Where items are to be had, tried in this order. Those on the network are left out where the settings
    ///     forbid it.
    ///   - inspectors: Who verifies items; what none of them knows is refused.
    ///   - settings: How the cache behaves.
    ///   - clock: The time of day.
    ///   - metrics: Where the cache counts.
    ///   - logger: Where the cache logs.
    public init(
        database: Database, keys: KeyEncryptionKeyRing, origins: [any CollateralOrigin],
        inspectors: [any CollateralInspector], settings: CollateralSettings = CollateralSettings(),
        clock: WallClock = .system, metrics: CollateralMetrics = CollateralMetrics(), logger: Logger
    ) {
        self.database = database
        store = CollateralRepository(database, keys: keys)
        self.origins = origins.filter { settings.network || !$0.usesNetwork }
        self.inspectors = CollateralInspectors(inspectors)
        self.settings = settings
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
        shelf = CollateralShelf(capacity: settings.memoryItems)
        (renewals, renew) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(CollateralSettings.waitingRenewals))
    }

    /// The item of this name.
    ///
    /// An expired one is handed out too when no newer one is to be had: who asks judges its dates. Throws
    /// ``CollateralError``: `collateral_unknown` when no origin has such a thing, `collateral_unavailable`,
    /// `collateral_busy` when too many others of its kind are being asked for, or why what was found is not believed.
    public func item(_ name: CollateralName) async throws(CollateralError) -> CollateralItem {
        try await entry(name).item
    }

    /// The highest number that an issue of this name had, of all that this broker saw.
    public func highestSequence(of name: CollateralName) -> UInt64? { shelf.mark(of: name)?.sequence }

    /// The item of this name with what is known about it; throws as ``item(_:)`` does.
    public func entry(_ name: CollateralName) async throws(CollateralError) -> CollateralEntry {
        let now = clock.now()
        if let entry = shelf[name], settings.isUsable(nextUpdate: entry.validity.nextUpdate, at: now) {
            metrics.lookedUp(.memory)
            renewIfDue(entry, at: now)
            return entry
        }
        let found: CollateralEntry?
        do throws(CollateralError) {
            found = try await reads.join(name) { await self.read(name) }.get()
        } catch {
            metrics.lookedUp(.none)
            throw error
        }
        return try await answer(name, found)
    }

    /// What the database has when that can answer, else what an origin has.
    private func answer(
        _ name: CollateralName, _ found: CollateralEntry?
    ) async throws(CollateralError) -> CollateralEntry {
        let now = clock.now()
        // What had expired already when it was had a moment ago will not be any better now.
        if let found, settings.isUsable(nextUpdate: found.validity.nextUpdate, at: now) || !isDue(found) {
            metrics.lookedUp(.database)
            renewIfDue(found, at: now)
            return found
        }
        do throws(CollateralError) {
            let entry = try await flights.join(name) { await self.obtain(name, reason: .missing) }.get()
            metrics.lookedUp(.origin)
            return entry
        } catch {
            // Better an expired item, which the verifier may have leave to take, than none.
            if let found {
                metrics.lookedUp(.database)
                return found
            }
            metrics.lookedUp(error.code == "collateral_busy" ? .busy : .none)
            throw error
        }
    }

    /// Asks for an item anew whatever is at hand, except that origins that asked for patience get it.
    ///
    /// - Returns: what is the newest now; that may be what was there before.
    /// - Throws: as ``item(_:)`` does.
    public func fetch(_ name: CollateralName) async throws(CollateralError) -> CollateralEntry {
        // Work that is under way may end with what is in the database.
        _ = await flights.underway(name)
        pauses.end(.name(name))
        return try await flights.join(name) { await self.obtain(name, reason: .demanded) }.get()
    }

    private func read(_ name: CollateralName) async -> Result<CollateralEntry?, CollateralError> {
        do throws(CollateralError) {
            return .success(try await load(name))
        } catch {
            return .failure(error)
        }
    }

    private func renewIfDue(_ entry: CollateralEntry, at now: Date) {
        guard isDue(entry), pauses.current(.name(entry.name), at: now) == nil else { return }
        renew.yield(entry.name)
    }

    /// Whether it is time to ask for an item anew.
    func isDue(_ entry: CollateralEntry) -> Bool {
        let now = clock.now()
        let due = settings.renewal(
            fetchedAt: entry.fetchedAt, nextUpdate: entry.validity.nextUpdate, at: now, earlier: haste)
        return due.map { now >= $0 } ?? false
    }

    /// What the database has of this name; nil when it has nothing, or nothing that can be believed.
    func load(_ name: CollateralName) async throws(CollateralError) -> CollateralEntry? {
        let generation = shelf.generation
        let stored: StoredCollateral?
        do throws(StorageError) {
            stored = try await store.find(name.path)
        } catch {
            guard error.code == .corrupt else { throw .unavailable(name, error.reasonWithoutCollateral) }
            metrics.refused(code: "collateral_unauthentic")
            logger.error("stored collateral refused", metadata: ["name": "\(name)", "reason": "\(error.message)"])
            return nil
        }
        guard let entry = stored.flatMap({ CollateralEntry($0) }), entry.name == name else { return nil }
        guard shelf.put(entry, readAt: generation) else {
            metrics.refused(code: "collateral_rollback")
            logger.error("stored collateral is older than what this broker saw before", metadata: ["name": "\(name)"])
            return nil
        }
        return entry
    }
}
