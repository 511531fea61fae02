import Collateral
import Foundation
import RATS
import Testing

@Suite("Replicas whose clocks differ", .timeLimit(.minutes(5)))
struct ClockTests {
    @Test("what a broker had whose clock is ahead is renewed by the others at once")
    func ahead() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin])
        let clock = TurnedClock()
        clock.advance(by: 86_400 * 10)
        let ahead = try await TestCache.make([origin], clock: clock, on: test.store)
        _ = try await ahead.cache.item(.sample)
        let standing = try await test.cache.standing(prefix: "", after: "", limit: 10)
        #expect(standing.map(\.renewal) == [noon])
        // An operator's demand would ask in any case; a renewal does so only for what is due.
        _ = try await test.cache.item(.sample)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await test.cache.run() }
            try await becomesTrue {
                try await test.cache.standing(prefix: "", after: "", limit: 10).map(\.summary.fetchedAt) == [noon]
            }
            group.cancelAll()
        }
        #expect(origin.asked == 2)
    }

    @Test("an expired item that seems to have come from the future is asked for again")
    func expiredInTheFuture() async throws {
        let origin = ScriptedOrigin(.success(.plain(issued: noon.addingTimeInterval(-86_400 * 40))))
        let test = try await TestCache.make([origin])
        let clock = TurnedClock()
        clock.advance(by: 3_600)
        let ahead = try await TestCache.make([origin], clock: clock, on: test.store)
        _ = try await ahead.cache.item(.sample)
        let next = CollateralItem.plain(sequence: 2)
        origin.answer(.success(next))
        #expect(try await test.cache.item(.sample) == next)
    }

    @Test("clocks that differ by seconds ask no publisher twice")
    func nearly() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin])
        let clock = TurnedClock()
        clock.advance(by: 30)
        let ahead = try await TestCache.make([origin], clock: clock, on: test.store)
        _ = try await ahead.cache.item(.sample)
        let standing = try await test.cache.standing(prefix: "", after: "", limit: 10)
        #expect(try #require(standing.first?.renewal) > noon.addingTimeInterval(86_000))
    }

    @Test(
        "a pause that another replica told of ends at latest after a day, and one that nobody can have meant is none",
        arguments: [(1.9, 86_400.0), (3, 0), (36_500, 0)])
    func pauses(days: Double, wait: Double) async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin])
        let until = noon.addingTimeInterval(86_400 * days).ISO8601Format()
        try await test.tamper("INSERT INTO collateral_pauses VALUES ('name test/list/a', '\(until)', 'c', 'm')")
        if wait > 0 {
            #expect(await test.code() == "c")
            #expect(await test.code() == "c")
            test.clock.advance(by: wait - 1)
            #expect(await test.code() == "c")
            // Whoever asks the database again learns the rest of it, and not another whole day.
            test.clock.advance(by: 86_400 * days - wait + 2)
        }
        #expect(await test.code() == nil)
        #expect(origin.asked == 1)
    }
}
