import Collateral
import Foundation
import RATS
import Testing

@Suite("Publishers that say no", .timeLimit(.minutes(5)))
struct PauseTests {
    private let missing = ScriptedOrigin.Answer.failure(CollateralFetchFailure(.unknown, "404"))

    @Test("a name that a publisher does not know is not asked for again for an hour, at no replica")
    func unknown() async throws {
        let origin = ScriptedOrigin(missing)
        let test = try await TestCache.make([origin])
        let replica = try await test.replica([origin])
        for _ in 0..<3 { #expect(await test.code() == "collateral_unknown") }
        #expect(await replica.code() == "collateral_unknown")
        #expect(origin.asked == 1)
        // Other names are asked for.
        #expect(await test.code(.other) == "collateral_unknown")
        #expect(origin.asked == 2)
        test.clock.advance(by: 3_601)
        origin.answer(.success(.plain()))
        #expect(await test.code() == nil)
    }

    @Test(
        "a publisher that asks for patience gets it for all of that kind, as long as it said, at every replica and from operators"
    )
    func throttled() async throws {
        let origin = ScriptedOrigin(
            .failure(CollateralFetchFailure(.throttled, "429", retryAfter: 100)))
        let test = try await TestCache.make([origin])
        let replica = try await test.replica([origin])
        #expect(await test.code() == "collateral_unavailable")
        origin.answer(.success(.plain()))
        #expect(await test.code(.other) == "collateral_unavailable")
        #expect(await replica.code() == "collateral_unavailable")
        await #expect(throws: CollateralError.self) { try await test.cache.fetch(.sample) }
        #expect(origin.asked == 1)
        test.clock.advance(by: 99)
        #expect(await test.code() == "collateral_unavailable")
        test.clock.advance(by: 2)
        #expect(await test.code() == nil)
        #expect(await replica.code() == nil)
    }

    @Test(
        "a publisher that does not answer is left alone for longer and longer, but never for more than a quarter of an hour"
    )
    func backoff() async throws {
        let origin = ScriptedOrigin(.failure(CollateralFetchFailure(.unavailable, "gone")))
        let test = try await TestCache.make([origin])
        for attempt in 1...12 {
            #expect(await test.code() == "collateral_unavailable")
            #expect(await test.code() == "collateral_unavailable")
            #expect(origin.asked == attempt)
            test.clock.advance(by: min(5 * pow(2, Double(attempt - 1)), 900) + 1)
        }
        // Pauses are drawn, but from the upper half: here from between 2.5 and 5 seconds.
        origin.answer(.success(.plain()))
        #expect(await test.code() == nil)
        origin.answer(.failure(CollateralFetchFailure(.unavailable, "gone")))
        #expect(await test.code(.other) == "collateral_unavailable")
        test.clock.advance(by: 2.4)
        #expect(await test.code(.other) == "collateral_unavailable")
        #expect(origin.asked == 14)
    }

    @Test("what a file lacks is looked for again soon, and what one replica's file lacks another's may have")
    func files() async throws {
        let file = ScriptedOrigin(missing, name: "file", usesNetwork: false)
        let test = try await TestCache.make([file])
        for _ in 0..<3 { #expect(await test.code() == "collateral_unknown") }
        #expect(file.asked == 1)
        let replica = try await test.replica([ScriptedOrigin(missing, name: "other", usesNetwork: false)])
        #expect(await replica.code() == "collateral_unknown")
        #expect(try await test.store.database.query("SELECT 1 FROM collateral_pauses").isEmpty)
        test.clock.advance(by: 61)
        file.answer(.success(.plain()))
        #expect(await test.code() == nil)
    }

    @Test("an operator's demand is asked for though the name was unknown a moment ago")
    func demanded() async throws {
        let origin = ScriptedOrigin(missing)
        let test = try await TestCache.make([origin])
        #expect(await test.code() == "collateral_unknown")
        origin.answer(.success(.plain()))
        #expect(try await test.cache.fetch(.sample).item == .plain())
        #expect(try await test.cache.item(.sample) == .plain())
        #expect(origin.asked == 2)
    }

    @Test("pauses for names that do not exist fill neither memory nor database")
    func bounded() async throws {
        let origin = ScriptedOrigin(missing)
        let test = try await TestCache.make([origin])
        try await test.tamper(
            """
            INSERT INTO collateral_pauses SELECT 'name ' || i, '2026-02-20', 'c', 'm' FROM generate_series(1, 10000) i
            """)
        #expect(await test.code() == "collateral_unknown")
        let rows = try await test.store.database.query("SELECT count(*) FROM collateral_pauses")
        #expect(try rows.first?.int(0) == 10_000)
        // They do not keep replicas from telling each other of an origin that asked for patience.
        origin.answer(.failure(CollateralFetchFailure(.throttled, "429", retryAfter: 100)))
        #expect(await test.code(.other) == "collateral_unavailable")
        #expect(try await test.cache.standingPauses().contains { $0.subject == "origin scripted test/list" })
    }
}
