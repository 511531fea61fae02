import Collateral
import Foundation
import RATS
import Storage
import Testing

@Suite("Collateral never goes back", .timeLimit(.minutes(5)))
struct RollbackTests {
    private let newest = CollateralItem.plain(sequence: 18)

    @Test(
        "an issue with a lower number, with an earlier date, or without a number is refused, and the newest one stays",
        arguments: [
            CollateralItem.plain(issued: noon.addingTimeInterval(60), sequence: 17),
            .plain(issued: noon.addingTimeInterval(-1), sequence: 18), .plain(sequence: nil),
        ])
    func older(item: CollateralItem) async throws {
        let origin = ScriptedOrigin(.success(newest))
        let test = try await TestCache.make([origin])
        _ = try await test.cache.item(.sample)
        origin.answer(.success(item))
        await #expect { try await test.cache.fetch(.sample) } throws: { error in
            (error as? CollateralError)?.code == "collateral_rollback"
        }
        #expect(try await test.cache.item(.sample) == newest)
        #expect(try await test.replica([origin]).cache.item(.sample) == newest)
    }

    @Test("who deletes the row brings no older issue in, not even at a broker that starts afterwards")
    func deleted() async throws {
        let origin = ScriptedOrigin(.success(newest))
        let test = try await TestCache.make([origin])
        _ = try await test.cache.item(.sample)
        try await test.tamper("DELETE FROM collateral")
        origin.answer(.success(.plain(sequence: 17)))
        let fresh = try await test.replica([origin])
        #expect(await fresh.code() == "collateral_rollback")
        // The same issue again is no step back.
        origin.answer(.success(newest))
        fresh.clock.advance(by: 1_000)
        #expect(await fresh.code() == nil)
    }

    @Test("who puts an old row back, with its seal, is noticed; the broker asks again and does not use it")
    func restored() async throws {
        let origin = ScriptedOrigin(.success(.plain(sequence: 17)))
        let test = try await TestCache.make([origin])
        _ = try await test.cache.item(.sample)
        try await test.tamper("CREATE TABLE kept AS SELECT * FROM collateral")
        origin.answer(.success(newest))
        _ = try await test.cache.fetch(.sample)
        try await test.tamper("DELETE FROM collateral")
        try await test.tamper("INSERT INTO collateral SELECT * FROM kept")
        let fresh = try await test.replica([origin])
        #expect(try await fresh.cache.item(.sample) == newest)
        #expect(origin.asked == 3)
        #expect(fresh.log.text.contains("put back to an older one"))
        #expect(
            fresh.metrics.prometheusText().contains(
                "claviger_collateral_refused_total{code=\"collateral_unauthentic\"}"))
    }

    @Test(
        "A5: a row that somebody else than a broker wrote is refused",
        arguments: [
            "UPDATE collateral SET content = content || 'x'::bytea",
            "UPDATE collateral SET content = 'x'::bytea, digest = sha256('x'::bytea)",
            "UPDATE collateral SET name = 'test/list/a', source = 'elsewhere'",
            "UPDATE collateral SET next_update = next_update + interval '1 year'",
            "UPDATE collateral SET next_update = NULL, sequence = NULL",
            "UPDATE collateral SET issued_at = issued_at + interval '1 day'",
            "UPDATE collateral SET fetched_at = fetched_at + interval '1 day'",
            "UPDATE collateral SET sequence = decode('ffffffffffffffff', 'hex')",
            "UPDATE collateral SET seal = ''::bytea",
        ])
    func tampered(statement: String) async throws {
        let origin = ScriptedOrigin(.success(newest))
        let test = try await TestCache.make([origin])
        _ = try await test.cache.item(.sample)
        try await test.tamper(statement)
        let offline = try await test.replica([]) { $0.network = false }
        #expect(await offline.code() == "collateral_unavailable")
        #expect(offline.log.text.contains("stored collateral refused"))
        // With an origin at hand the row is mended.
        let mending = try await test.replica([origin])
        #expect(try await mending.cache.item(.sample) == newest)
        #expect(try await test.replica([]).cache.item(.sample) == newest)
    }

    @Test("A40: a row that is moved to another name is refused")
    func moved() async throws {
        let test = try await TestCache.make([ScriptedOrigin(.success(newest))])
        _ = try await test.cache.item(.sample)
        try await test.tamper("UPDATE collateral SET name = 'test/list/b'")
        let other = try await test.replica([])
        #expect(await other.code(.other) == "collateral_unavailable")
    }

    @Test(
        "marks that were changed, taken away or put back stop their use",
        arguments: [
            "UPDATE collateral_marks SET entries = '[]'", "UPDATE collateral_marks SET mac = ''::bytea",
            "UPDATE collateral_marks SET key_id = 'x'", "DELETE FROM collateral_marks",
        ])
    func marks(statement: String) async throws {
        let origin = ScriptedOrigin(.success(newest))
        let test = try await TestCache.make([origin])
        _ = try await test.cache.item(.sample)
        try await test.tamper(statement)
        let offline = try await test.replica([]) { $0.network = false }
        #expect(await offline.code() == "collateral_unavailable")
        // A running broker goes on with what it has, and takes nothing that is older.
        #expect(try await test.cache.item(.sample) == newest)
        origin.answer(.success(.plain(sequence: 3)))
        await #expect(throws: CollateralError.self) { try await test.cache.fetch(.sample) }
        #expect(try await test.cache.item(.sample) == newest)
    }

    @Test("whoever empties the database brings no older issue in as long as one broker runs that saw newer ones")
    func emptied() async throws {
        let origin = ScriptedOrigin(.success(newest))
        let test = try await TestCache.make([origin]) { $0.checkInterval = .milliseconds(50) }
        _ = try await test.cache.item(.sample)
        #expect(test.cache.highestSequence(of: .sample) == 18)
        #expect(test.cache.highestSequence(of: .other) == nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await test.cache.run() }
            try await test.tamper("TRUNCATE collateral, collateral_marks")
            try await becomesTrue {
                try await !test.store.database.query("SELECT 1 FROM collateral_marks").isEmpty
            }
            group.cancelAll()
        }
        #expect(test.log.text.contains("are written back"))
        #expect(
            test.metrics.prometheusText().contains(
                "claviger_collateral_refused_total{code=\"collateral_marks_lost\"} 1"))
        origin.answer(.success(.plain(sequence: 17)))
        #expect(await (try test.replica([origin])).code() == "collateral_rollback")
    }

    @Test("marks that are gone while items are there are not made up from memory, and a start without any is said")
    func reported() async throws {
        let test = try await TestCache.make([ScriptedOrigin(.success(newest))])
        let repository = CollateralRepository(test.store.database, keys: test.store.keys)
        #expect(try await !repository.hasMarks())
        _ = try await test.cache.item(.sample)
        #expect(try await repository.hasMarks())
        try await test.tamper("DELETE FROM collateral_marks")
        await #expect(throws: StorageError.self) { try await repository.hasMarks() }
        let mark = CollateralMark(sequence: 18, issuedAt: noon)
        await #expect(throws: StorageError.self) { try await repository.restoreMarks(["test/list/a": mark]) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await test.cache.run() }
            try await becomesTrue { test.log.text.contains("When the marks are gone") }
            group.cancelAll()
        }
        let fresh = try await TestCache.make([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await fresh.cache.run() }
            try await becomesTrue { fresh.log.text.contains("no collateral was seen here before") }
            group.cancelAll()
        }
    }

    @Test("brokers that raise marks at the same time lose none")
    func racing() async throws {
        let origin = ScriptedOrigin(.success(newest))
        let first = try await TestCache.make([origin])
        let second = try await first.replica([origin])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<20 {
                let cache = index.isMultiple(of: 2) ? first.cache : second.cache
                group.addTask { _ = try await cache.item(CollateralName("test/list/\(index)")!) }
            }
            try await group.waitForAll()
        }
        let standing = try await first.cache.standing(prefix: "", after: "", limit: 100)
        #expect(standing.count == 20)
        #expect(standing.allSatisfy { $0.state == .current })
    }

    @Test("a rotated key-encryption key seals what is kept anew, and not what was tampered with")
    func rotation() async throws {
        let test = try await TestCache.make([ScriptedOrigin(.success(newest))])
        _ = try await test.cache.item(.sample)
        _ = try await test.cache.item(.other)
        try await test.tamper("UPDATE collateral SET source = 'x' WHERE name = 'test/list/b'")
        let rotated = test.store.keys.rotated()
        let repository = CollateralRepository(test.store.database, keys: rotated)
        #expect(try await repository.renewSeals() == 1)
        #expect(try await repository.renewSeals() == 0)
        let states = try await repository.list(limit: 10).map(\.isAuthentic)
        #expect(states == [true, false])
        let rows = try await test.store.database.query("SELECT count(DISTINCT key_id) FROM collateral_marks")
        #expect(try rows.first?.int(0) == 1)
        // A broker that was not given the new key says so, and not that somebody changed the marks.
        let behind = CollateralRepository(test.store.database, keys: test.store.keys)
        await #expect {
            try await behind.hasMarks()
        } throws: {
            ($0 as? StorageError)?.code == .keyUnknown
        }
    }
}
