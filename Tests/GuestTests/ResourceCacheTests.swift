import Encodings
import GuestTestSupport
import KBSProtocol
import Synchronization
import Testing

@testable import Guest

/// Counts requests and answers what it was told to.
final class CountingSource: ResourceSource {
    private let state: Mutex<(count: Int, outcome: Result<[UInt8], GuestError>)>

    init(_ outcome: Result<[UInt8], GuestError>) {
        state = Mutex((0, outcome))
    }

    var count: Int { state.withLock { $0.count } }
    func answer(_ outcome: Result<[UInt8], GuestError>) { state.withLock { $0.outcome = outcome } }

    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        let outcome = state.withLock { state in
            state.count += 1
            return state.outcome
        }
        return SecretBytes(try outcome.get())
    }
}

@Suite("The resource cache")
struct ResourceCacheTests {
    private let uri: ResourceURI
    private let time = TestClock()

    init() throws {
        uri = try ResourceURI("kbs:///default/key/1")
    }

    @Test("a resource is fetched once within its time and again after it")
    func timeToLive() async throws {
        let source = CountingSource(.success([1]))
        let cache = ResourceCache(source, timeToLive: 10, clock: time.clock)
        for _ in 0..<3 { _ = try await cache.resource(uri) }
        #expect(source.count == 1)
        time.advance(by: 11)
        source.answer(.success([2]))
        #expect(try await cache.resource(uri) == SecretBytes([2]))
    }

    @Test("a time of zero keeps nothing")
    func zero() async throws {
        let source = CountingSource(.success([1]))
        let cache = ResourceCache(source, timeToLive: 0, clock: time.clock)
        for _ in 0..<3 { _ = try await cache.resource(uri) }
        #expect(source.count == 3)
    }

    @Test("a refusal is remembered for a moment")
    func negative() async throws {
        let source = CountingSource(.failure(GuestError(.denied, "no")))
        let cache = ResourceCache(source, negativeTimeToLive: 2, clock: time.clock)
        for _ in 0..<10 {
            await #expect { try await cache.resource(uri) } throws: { ($0 as? GuestError)?.code == .denied }
            await #expect { try await cache.freshResource(uri) } throws: { ($0 as? GuestError)?.code == .denied }
        }
        #expect(source.count == 1)
        time.advance(by: 3)
        source.answer(.success([1]))
        #expect(try await cache.resource(uri) == SecretBytes([1]))
    }

    @Test("decided resources ask the broker each time, so that a new denial counts at once")
    func decided() async throws {
        let source = CountingSource(.success([1]))
        let cache = ResourceCache(source, timeToLive: 100, clock: time.clock)
        _ = try await cache.resource(uri)
        source.answer(.failure(GuestError(.denied, "no")))
        await #expect { try await DecidedResources(cache).resource(uri) } throws: {
            ($0 as? GuestError)?.code == .denied
        }
        await #expect { try await cache.resource(uri) } throws: { ($0 as? GuestError)?.code == .denied }
    }

    @Test("the cache does not outgrow its capacity")
    func capacity() async throws {
        let source = CountingSource(.success([1]))
        let cache = ResourceCache(source, timeToLive: 100, capacity: 4, clock: time.clock)
        for number in 0..<20 {
            _ = try await cache.resource(ResourceURI("kbs:///default/key/\(number)"))
            time.advance(by: 1)
        }
        _ = try await cache.resource(ResourceURI("kbs:///default/key/19"))
        #expect(source.count == 20)
        _ = try await cache.resource(ResourceURI("kbs:///default/key/0"))
        #expect(source.count == 21)
    }
}
