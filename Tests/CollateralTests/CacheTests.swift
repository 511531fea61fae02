import Collateral
import Foundation
import RATS
import Storage
import Testing

@Suite("The cache of collateral", .timeLimit(.minutes(5)))
struct CacheTests {
    @Test("a hundred callers at once make one request")
    func singleFlight() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin])
        let items = try await withThrowingTaskGroup(of: CollateralItem.self) { group in
            for _ in 0..<100 { group.addTask { try await test.cache.item(.sample) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(items == Array(repeating: .plain(), count: 100))
        #expect(origin.asked == 1)
    }

    @Test("callers at two replicas at once make one request")
    func singleFlightOfReplicas() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let first = try await TestCache.make([origin])
        let second = try await first.replica([origin])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                for cache in [first.cache, second.cache] { group.addTask { _ = try await cache.item(.sample) } }
            }
            try await group.waitForAll()
        }
        #expect(origin.asked == 1)
    }

    @Test("what was had once is answered without the network, also by a broker that starts later")
    func networkGone() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin])
        _ = try await test.cache.item(.sample)
        origin.answer(.failure(CollateralFetchFailure(.unavailable, "gone")))
        #expect(try await test.cache.item(.sample) == .plain())
        let later = try await test.replica([origin])
        let offline = try await test.replica([origin]) { $0.network = false }
        #expect(try await later.cache.item(.sample) == .plain())
        #expect(try await offline.cache.item(.sample) == .plain())
        #expect(origin.asked == 1)
    }

    @Test("an item that is due is answered at once, and no caller waits for its renewal")
    func due() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin])
        _ = try await test.cache.item(.sample)
        test.clock.advance(by: 86_400 * 20)
        // Without the service nothing is renewed; a caller that had to wait would make it two.
        #expect(try await test.cache.item(.sample) == .plain())
        #expect(origin.asked == 1)
    }

    @Test(
        "an expired item is asked for again, and handed out when there is no newer one: the verifier judges its dates")
    func expired() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin])
        _ = try await test.cache.item(.sample)
        test.clock.advance(by: 86_400 * 31)
        origin.answer(.failure(CollateralFetchFailure(.unavailable, "gone")))
        #expect(try await test.cache.item(.sample) == .plain())
        #expect(origin.asked == 2)
        // The origin is left alone for a while.
        #expect(try await test.cache.item(.sample) == .plain())
        #expect(origin.asked == 2)
        test.clock.advance(by: 3_600)
        origin.answer(.success(.plain(issued: test.clock.now, sequence: 2)))
        #expect(try await test.cache.item(.sample) == .plain(issued: test.clock.now, sequence: 2))
    }

    @Test("an item that had expired when it was had is not asked for again at once")
    func stale() async throws {
        let origin = ScriptedOrigin(.success(.plain(issued: noon.addingTimeInterval(-86_400 * 40))))
        let test = try await TestCache.make([origin])
        for _ in 0..<5 { _ = try await test.cache.item(.sample) }
        #expect(origin.asked == 1)
        test.clock.advance(by: 601)
        _ = try await test.cache.item(.sample)
        #expect(origin.asked == 2)
    }

    @Test("within the grace time an expired item is answered without asking first")
    func grace() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin]) { $0.grace = .seconds(30 * 86_400) }
        _ = try await test.cache.item(.sample)
        test.clock.advance(by: 86_400 * 40)
        _ = try await test.cache.item(.sample)
        #expect(origin.asked == 1)
    }

    @Test("what no inspector knows or believes is refused and not kept", arguments: [true, false])
    func refused(known: Bool) async throws {
        let origin = ScriptedOrigin(.success(.plain(text: "forged")))
        let test = try await TestCache.make([origin], inspectors: known ? [PlainInspector()] : [])
        #expect(await test.code() == (known ? "signature_invalid" : "collateral_unknown"))
        #expect(try await test.store.database.query("SELECT 1 FROM collateral").isEmpty)
        // Nor is it asked for again at once.
        #expect(await test.code() == (known ? "signature_invalid" : "collateral_unknown"))
        #expect(origin.asked == 1)
    }

    @Test("the next origin is asked when one has nothing good")
    func order() async throws {
        let broken = ScriptedOrigin(.failure(CollateralFetchFailure(.unavailable, "gone")), name: "broken")
        let forging = ScriptedOrigin(.success(.plain(text: "forged")), name: "forging")
        let good = ScriptedOrigin(.success(.plain()), name: "good")
        let test = try await TestCache.make([broken, forging, good])
        #expect(try await test.cache.entry(.sample).source == "good")
        #expect([broken, forging, good].allSatisfy { $0.asked == 1 })
    }

    @Test("with the network switched off only files are asked")
    func offline() async throws {
        let network = ScriptedOrigin(.success(.plain()), name: "network")
        let file = ScriptedOrigin(.success(.plain(text: "file")), name: "file", usesNetwork: false)
        let test = try await TestCache.make([network, file]) { $0.network = false }
        #expect(try await test.cache.entry(.sample).source == "file")
        #expect(network.asked == 0)
        let bare = try await TestCache.make([network]) { $0.network = false }
        #expect(await bare.code() == "collateral_unavailable")
        #expect(network.asked == 0)
    }

    @Test("callers who name things without end cannot fill the store")
    func bounded() async throws {
        let origin = ScriptedOrigin(.success(.plain(life: nil, sequence: nil)))
        let test = try await TestCache.make([origin]) { $0.maximumItems = 2 }
        for index in 0..<4 { #expect(await test.code(CollateralName("test/chip/\(index)")!) == nil) }
        #expect(try await test.store.database.query("SELECT 1 FROM collateral").count == 2)
        // What is issued again and again is not such a thing.
        origin.answer(.success(.plain()))
        #expect(await test.code() == nil)
    }

    @Test("a caller who gives up does not take the answer away from the others")
    func cancelled() async throws {
        let origin = ScriptedOrigin(.success(.plain()))
        let test = try await TestCache.make([origin])
        let first = Task { try await test.cache.item(.sample) }
        let second = Task { try await test.cache.item(.sample) }
        first.cancel()
        #expect(try await second.value == .plain())
        #expect(origin.asked == 1)
    }
}
