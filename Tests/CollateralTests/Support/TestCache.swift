import Collateral
import Foundation
import Logging
import RATS
import Storage
import Synchronization
import Telemetry
import TestSupport
import Testing

/// A cache with everything around it.
struct TestCache: Sendable {
    let cache: CollateralCache
    let store: TestDatabase
    let clock: TurnedClock
    let metrics: MetricsRegistry
    let log: LogCapture

    static func make(
        _ origins: [any CollateralOrigin], inspectors: [any CollateralInspector] = [PlainInspector()],
        clock: TurnedClock = TurnedClock(), on store: TestDatabase? = nil,
        configure: (inout CollateralSettings) -> Void = { _ in }
    ) async throws -> TestCache {
        var settings = CollateralSettings()
        configure(&settings)
        let own: TestDatabase
        let database: Database
        if let store {
            (own, database) = (store, try await store.connect())
        } else {
            own = try await TestDatabase.make()
            database = own.database
        }
        let metrics = MetricsRegistry()
        let log = LogCapture()
        let cache = CollateralCache(
            database: database, keys: own.keys, origins: origins, inspectors: inspectors, settings: settings,
            clock: clock.wall, metrics: CollateralMetrics(factory: metrics), logger: log.logger())
        return TestCache(cache: cache, store: own, clock: clock, metrics: metrics, log: log)
    }

    /// Another broker on the same database.
    func replica(
        _ origins: [any CollateralOrigin], configure: (inout CollateralSettings) -> Void = { _ in }
    ) async throws -> TestCache {
        try await .make(origins, clock: clock, on: store, configure: configure)
    }

    /// The code with which a name is not to be had; nil when it is.
    func code(_ name: CollateralName = .sample) async -> String? {
        do {
            _ = try await cache.item(name)
            return nil
        } catch {
            return error.code
        }
    }

    /// Changes a row past the brokers.
    func tamper(_ statement: String) async throws { _ = try await store.database.query(statement) }
}

/// Waits until something is so, at most four minutes.
func becomesTrue(
    location: SourceLocation = #_sourceLocation, _ condition: @Sendable () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(240)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("it did not come true", sourceLocation: location)
}
