import Collateral
import Foundation
import Testing

@testable import RATS

@Suite("Guests that name chips without end", .timeLimit(.minutes(5)))
struct CrowdTests {
    private func chip(_ index: Int) -> CollateralName { CollateralName(segments: "test", "chip", "\(index)") }

    @Test("they are refused among themselves, and keep nobody from other kinds, nor from what is at hand")
    func starving() async throws {
        let origin = GatedOrigin(.plain(life: nil, sequence: nil), holding: "test/chip")
        let first = try await TestCache.make([ScriptedOrigin(.success(.plain(life: nil, sequence: nil)))])
        _ = try await first.cache.item(CollateralName(segments: "test", "chip", "known"))
        let test = try await first.replica([origin]) { $0.timeout = .seconds(60) }
        await withTaskGroup(of: String?.self) { group in
            for index in 0..<80 { group.addTask { await test.code(chip(index)) } }
            // Those that find no place are told so at once; the others wait for the origin.
            for _ in 0..<16 { #expect(await group.next() == "collateral_busy") }
            #expect(await test.code(CollateralName(segments: "test", "chip", "known")) == nil)
            #expect(await test.code(.sample) == nil)
            #expect(await test.code(chip(1_000)) == "collateral_busy")
            origin.letThrough()
            for _ in 0..<64 { #expect(await group.next() == .some(nil)) }
        }
        #expect(await test.code(chip(1_000)) == nil)
        #expect(test.metrics.prometheusText().contains("claviger_collateral_lookups_total{answer=\"busy\"} 17"))
    }

    @Test("a publisher that has enough of one kind is still asked for others")
    func throttled() async throws {
        let origin = ScriptedOrigin(.failure(CollateralFetchFailure(.throttled, "429", retryAfter: 100)))
        let test = try await TestCache.make([origin])
        #expect(await test.code(chip(1)) == "collateral_unavailable")
        origin.answer(.success(.plain()))
        #expect(await test.code(chip(2)) == "collateral_unavailable")
        #expect(await test.code(.sample) == nil)
        #expect(origin.asked == 2)
        test.clock.advance(by: 101)
        #expect(await test.code(chip(2)) == nil)
    }

    @Test("what has no room is served all the same, and the oldest that nobody uses makes room")
    func eviction() async throws {
        let origin = ScriptedOrigin(.success(.plain(life: nil, sequence: nil)))
        let test = try await TestCache.make([origin]) { ($0.maximumItems, $0.memoryItems) = (3, 1) }
        _ = try await test.cache.item(.sample)
        origin.answer(.success(.plain()))
        _ = try await test.cache.item(CollateralName(segments: "test", "tcb", "a"))
        origin.answer(.success(.plain(life: nil, sequence: nil)))
        for index in 0..<5 {
            test.clock.advance(by: 1)
            #expect(await test.code(chip(index)) == nil)
        }
        let kept = try await test.cache.standing(prefix: "", after: "", limit: 10).map(\.summary.name)
        // What has successors is never given up.
        #expect(kept == ["test/chip/2", "test/chip/3", "test/chip/4", "test/tcb/a"])
        #expect(test.metrics.prometheusText().contains("claviger_collateral_evictions_total{kind=\"test/chip\"} 3"))
        #expect(test.log.text.contains("collateral given up for newer one"))
    }

    @Test("what is in use, and what operators brought in, is not given up; the rest stays in memory")
    func spared() async throws {
        let item = CollateralItem.plain(life: nil, sequence: nil)
        let origin = ScriptedOrigin(.success(item))
        let test = try await TestCache.make([origin]) { $0.maximumItems = 2 }
        let brought = CollateralBundleItem(name: chip(0), item: item, source: "a")
        #expect(await test.cache.take([brought], by: "an operator").map(\.refusal) == [nil])
        for index in 1..<4 { #expect(await test.code(chip(index)) == nil) }
        let kept = try await test.cache.standing(prefix: "", after: "", limit: 10).map(\.summary.name)
        #expect(kept == ["test/chip/0", "test/chip/1"])
        #expect(origin.asked == 3)
        // Nobody is asked twice for what is in memory.
        for index in 1..<4 { #expect(await test.code(chip(index)) == nil) }
        #expect(origin.asked == 3)
        #expect(test.metrics.prometheusText().contains("claviger_collateral_refused_total{code=\"collateral_full\"} 2"))
        // An import that is not kept says so.
        let more = CollateralBundleItem(name: chip(9), item: item, source: "a")
        #expect(await test.cache.take([more], by: "an operator").map(\.refusal?.code) == ["collateral_full"])
    }
}
