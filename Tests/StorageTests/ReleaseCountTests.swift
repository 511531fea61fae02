import Encodings
import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite("Counting releases", .timeLimit(.minutes(5)))
struct ReleaseCountTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func decision(_ time: Date) -> DecisionRecord {
        DecisionRecord(
            id: DecisionRecord.makeID(at: time), at: time, allowed: true, code: "allowed", reason: "r",
            operation: "get", plugin: "resource", path: "a/b/c", bundleDigest: "d")
    }

    private func count(
        _ maximum: Int64, path: String = "a/b/c", perPath: Bool = true, instance: String? = nil, window: Int64? = nil
    ) -> ReleaseCount {
        ReleaseCount(
            policy: "P", path: path, tenant: "a", isPerPath: perPath, instance: instance,
            releases: .init(maximum: maximum, instance: instance, tenant: nil, window: window), isOnce: false,
            holds: nil)
    }

    private func grant(_ repository: ReleaseCountRepository, _ counts: ReleaseCount...) async throws -> Bool {
        do throws(StorageError) {
            try await repository.grant(
                counts.map { ReleaseGrant(count: $0, approvals: [], spendsApprovals: false) },
                decision: decision(now), now: now)
            return true
        } catch {
            guard error.code == .conflict else { throw error }
            return false
        }
    }

    @Test("what is refused leaves no count under any policy and no decision")
    func allOrNothing() async throws {
        let test = try await TestDatabase.make()
        let repository = ReleaseCountRepository(test.database)
        #expect(try await grant(repository, count(1, path: "full")))
        let room = count(5)
        #expect(try await !grant(repository, room, count(1, path: "full")))
        #expect(try await !grant(repository, count(1, path: "full"), room))
        #expect(try await repository.usage(of: room, now: now).releases == 0)
        #expect(try await DecisionRepository(test.database).list().count == 1)
    }

    @Test("a count for the whole policy holds also while others still count by path")
    func scopesTogether() async throws {
        let test = try await TestDatabase.make()
        let repositories = [test.database, try await test.connect(), try await test.connect()].map {
            ReleaseCountRepository($0)
        }
        let wide = count(12, perPath: false)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for racer in 0..<90 {
                let repository = repositories[racer % 3]
                let isWide = racer.isMultiple(of: 2)
                let narrow = count(20, path: "path \(racer % 7)")
                group.addTask { _ = try await grant(repository, isWide ? wide : narrow) }
            }
            try await group.waitForAll()
        }
        // Whoever was counted for the whole policy came while there was room.
        let rows = try await test.database.query(
            """
            SELECT path, (SELECT count(*) FROM release_uses b WHERE b.id < a.id) FROM release_uses a WHERE path = 'a/b/c'
            """)
        for row in rows { #expect(try row.int(1) < 12) }
        #expect(!rows.isEmpty)
    }

    @Test("usage says how many count, since when, and never more than there may be")
    func usage() async throws {
        let repository = ReleaseCountRepository(try await TestDatabase.make().database)
        for _ in 0..<3 { #expect(try await grant(repository, count(10))) }
        let usage = try await repository.usage(of: count(2, window: 60), now: now)
        #expect(usage.releases == 2 && usage.firstReleaseAt == now)
        #expect(try await repository.usage(of: count(2, window: 60), now: now + 60).releases == 0)
        #expect(try await repository.usage(of: count(9, path: "other"), now: now).releases == 0)
        #expect(try await repository.usage(of: count(9, instance: "x"), now: now).releases == 0)
        #expect(try await repository.usage(of: count(9, path: "other", perPath: false), now: now).releases == 3)
    }

    @Test("an instance that is not known never has its one release")
    func unknownInstance() async throws {
        let repository = ReleaseCountRepository(try await TestDatabase.make().database)
        let once = ReleaseCount(
            policy: "P", path: "a/b/c", tenant: "a", isPerPath: true, instance: nil, releases: nil, isOnce: true,
            holds: nil)
        #expect(try await !grant(repository, once))
    }
}
