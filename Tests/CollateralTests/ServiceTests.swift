import Foundation
import Logging
import RATS
import ServiceLifecycle
import Storage
import Testing

@testable import Collateral

@Suite("The service behind the cache", .timeLimit(.minutes(5)))
struct ServiceTests {
    /// Runs the caches' services while the body runs.
    private func serving(_ tests: [TestCache], _ body: @Sendable @escaping () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for test in tests { group.addTask { try await test.cache.run() } }
            try await body()
            group.cancelAll()
        }
    }

    @Test("an item is renewed at half of its life, without anybody asking")
    func prefetch() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin]) {
            $0.refreshAfter = .seconds(86_400 * 90)
            $0.checkInterval = .milliseconds(50)
        }
        _ = try await test.cache.item(.sample)
        try await serving([test]) {
            test.clock.advance(by: 86_400 * 10)
            try await Task.sleep(for: .milliseconds(300))
            #expect(origin.asked == 1)
            let next = CollateralItem.plain(issued: noon.addingTimeInterval(86_400 * 15), sequence: 2)
            origin.answer(.success(next))
            test.clock.advance(by: 86_400 * 6)
            try await becomesTrue { try await test.cache.item(.sample) == next }
            #expect(origin.asked == 2)
        }
    }

    @Test("revocation lists that live for a year are looked for every day")
    func daily() async throws {
        let origin = ScriptedOrigin(.success(.plain(life: 86_400 * 365)))
        let test = try await TestCache.make([origin]) { $0.checkInterval = .milliseconds(50) }
        _ = try await test.cache.item(.sample)
        try await serving([test]) {
            test.clock.advance(by: 86_401)
            try await becomesTrue { origin.asked == 2 }
        }
    }

    @Test("a caller who meets an item that is due has it renewed behind the scenes")
    func onDemand() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin]) { $0.checkInterval = .seconds(600) }
        _ = try await test.cache.item(.sample)
        let next = CollateralItem.plain(issued: noon.addingTimeInterval(86_400), sequence: 2)
        try await serving([test]) {
            test.clock.advance(by: 86_400 * 2)
            origin.answer(.success(next))
            try await becomesTrue { try await test.cache.item(.sample) == next }
            #expect(origin.asked == 2)
        }
    }

    @Test("what an import stores at one replica is used at the others at once")
    func propagation() async throws {
        let first = try await TestCache.make([ScriptedOrigin(.success(.plain()))])
        let second = try await first.replica([])
        try await serving([first, second]) {
            _ = try await first.cache.item(.sample)
            #expect(try await second.cache.item(.sample) == .plain())
            let revoking = CollateralItem.plain(sequence: 9, text: "revokes more")
            let item = CollateralBundleItem(name: .sample, item: revoking, source: "a")
            _ = await first.cache.take([item], by: "an operator")
            try await becomesTrue { try await second.cache.item(.sample) == revoking }
        }
    }

    @Test(
        "a row that no broker can have written keeps no other from being renewed, and is mended",
        arguments: [
            "sequence = 'x'::bytea", "next_update = 'infinity'", "fetched_at = '-infinity', digest = ''::bytea",
        ])
    func malformedRow(change: String) async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin]) { $0.checkInterval = .milliseconds(50) }
        for name in [CollateralName.sample, .other] { _ = try await test.cache.item(name) }
        let update = "UPDATE collateral SET \(change) WHERE name = 'test/list/a'"
        await #expect(throws: StorageError.self) { try await test.tamper(update) }
        try await test.tamper("ALTER TABLE collateral DROP CONSTRAINT collateral_shape")
        try await test.tamper(update)
        #expect(
            try await test.cache.standing(prefix: "", after: "", limit: 10).map(\.state) == [.unauthentic, .current])
        test.clock.advance(by: 86_401)
        try await serving([test]) {
            try await becomesTrue { origin.asked == 4 }
            try await becomesTrue {
                try await test.cache.standing(prefix: "", after: "", limit: 10).allSatisfy { $0.state == .current }
            }
            try await becomesTrue {
                test.metrics.prometheusText().contains("claviger_collateral_unauthentic_items 0")
            }
        }
        #expect(test.log.text.contains("unauthentic"))
    }

    @Test("a notification that was lost is made up for by looking through the database")
    func lostNotification() async throws {
        let first = try await TestCache.make([ScriptedOrigin(.success(.plain()))])
        let second = try await first.replica([])
        _ = try await first.cache.item(.sample)
        // Without its service the second one hears nothing.
        #expect(try await second.cache.item(.sample) == .plain())
        let revoking = CollateralItem.plain(sequence: 9, text: "revokes more")
        let item = CollateralBundleItem(name: .sample, item: revoking, source: "a")
        _ = await first.cache.take([item], by: "an operator")
        #expect(try await second.cache.item(.sample) == .plain())
        await second.cache.check()
        #expect(try await second.cache.item(.sample) == revoking)
    }

    @Test("metrics say how long the items of a kind still hold, and a warning comes before they end")
    func metrics() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin]) { $0.checkInterval = .milliseconds(50) }
        _ = try await test.cache.item(.sample)
        origin.answer(.failure(CollateralFetchFailure(.unavailable, "gone")))
        try await serving([test]) {
            try await becomesTrue {
                test.metrics.prometheusText().contains("claviger_collateral_expiry_seconds{kind=\"test/list\"} 2592000")
            }
            #expect(!test.log.text.contains("needs attention"))
            test.clock.advance(by: 86_400 * 25)
            try await becomesTrue {
                test.metrics.prometheusText().contains("claviger_collateral_expiry_seconds{kind=\"test/list\"} 432000")
            }
            try await becomesTrue { test.log.text.contains("needs attention") }
            #expect(
                test.metrics.prometheusText().contains("claviger_collateral_age_seconds{kind=\"test/list\"} 2160000"))
            try await becomesTrue {
                test.metrics.prometheusText().contains(
                    "claviger_collateral_fetch_failures_total{code=\"unavailable\",origin=\"scripted\"} 1")
            }
        }
        // Once, and not at each look.
        #expect(test.log.text.split(separator: "\n").count { $0.contains("needs attention") } == 1)
    }
}
