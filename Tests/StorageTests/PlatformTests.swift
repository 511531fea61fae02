import Encodings
import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite("Memory of machines", .timeLimit(.minutes(5)))
struct PlatformTests {
    private func id(_ machine: UInt8) -> [UInt8] { Array(repeating: machine, count: 32) }

    private func sighting(_ levels: [String: Int64]) -> PlatformSighting { sighting(1, levels) }

    private func sighting(_ machine: UInt8, _ levels: [String: Int64]) -> PlatformSighting {
        PlatformSighting(id: id(machine), maker: "amd", levels: levels, about: ["product": "Milan"])
    }

    private func record() -> DecisionRecord {
        DecisionRecord(
            id: DecisionRecord.makeID(), at: Date(), allowed: true, code: "platform_forgotten", reason: "r",
            operation: "forget", plugin: "platforms", path: "", bundleDigest: "")
    }

    private func version(_ test: TestDatabase) async throws -> String {
        try await test.database.query("SELECT xmin::text || last_seen::text FROM platforms")[0].text(0)
    }

    @Test("A15: what is remembered rises component by component, never falls, and says what is lower")
    func rises() async throws {
        let test = try await TestDatabase.make()
        let platforms = PlatformRepository(test.database, keys: test.keys)
        #expect(try await platforms.observe(sighting(["snp": 22, "microcode": 213, "tee": 0])) == [:])
        #expect(try await platforms.observe(sighting(["snp": 23, "microcode": 213, "tee": 0])) == [:])
        #expect(try await platforms.observe(sighting(["snp": 22, "microcode": 214, "tee": 0])) == ["snp": 23])
        #expect(try await platforms.list(limit: 10).first?.levels == ["snp": 23, "microcode": 214])
        #expect(
            try await platforms.observe(sighting(["snp": 0, "microcode": 213, "tee": 1]))
                == ["snp": 23, "microcode": 214])
        // What evidence does not speak of is not lower.
        #expect(try await platforms.observe(sighting(["fmc": 1])) == [:])
        #expect(try await platforms.observe(sighting(2, ["snp": 1])) == [:])
        let known = try await platforms.list(limit: 10)
        #expect(known.map(\.levels) == [["snp": 23, "microcode": 214, "tee": 1, "fmc": 1], ["snp": 1]])
        #expect(known.allSatisfy { $0.isAuthentic && $0.maker == "amd" && $0.about == ["product": "Milan"] })
        #expect(try await platforms.list(after: id(1), limit: 10).map(\.id) == [id(2)])
    }

    @Test("A15: machines that attest on many brokers at once end with the highest of all levels")
    func racers() async throws {
        let test = try await TestDatabase.make()
        let brokers = [test.database, try await test.connect(), try await test.connect()].map {
            PlatformRepository($0, keys: test.keys)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for racer in 0..<240 {
                group.addTask {
                    let (snp, microcode) = (Int64(racer * 7 % 61), Int64(racer * 11 % 53))
                    let lowered = try await brokers[racer % 3].observe(sighting(["snp": snp, "microcode": microcode]))
                    #expect(lowered["snp"].map { $0 > snp } ?? true)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await brokers[0].list(limit: 10).map(\.levels) == [["snp": 60, "microcode": 52]])
        #expect(try await brokers[1].observe(sighting(["snp": 59, "microcode": 52])) == ["snp": 60])
    }

    @Test("a sighting that changes nothing writes nothing, but for a sign of life now and then")
    func quiet() async throws {
        let test = try await TestDatabase.make()
        let platforms = PlatformRepository(test.database, keys: test.keys)
        _ = try await platforms.observe(sighting(["snp": 22]))
        let first = try await version(test)
        for level in [22, 21] as [Int64] { _ = try await platforms.observe(sighting(["snp": level])) }
        #expect(try await version(test) == first)
        _ = try await test.database.query("UPDATE platforms SET last_seen = now() - interval '2 hours'")
        let old = try await platforms.list(limit: 1)[0]
        _ = try await platforms.observe(sighting(["snp": 22]))
        let new = try await platforms.list(limit: 1)[0]
        #expect(new.lastSeen > old.lastSeen + 3_600 && new.raisedAt == old.raisedAt && new.levels == old.levels)
        let second = try await version(test)
        _ = try await platforms.observe(sighting(["snp": 22]))
        #expect(try await version(test) == second)
    }

    @Test("the memory is bounded: those that were not seen for longest make room, also among racers")
    func eviction() async throws {
        let test = try await TestDatabase.make()
        let platforms = PlatformRepository(test.database, keys: test.keys, limit: 3)
        for machine in 1...3 as ClosedRange<UInt8> { _ = try await platforms.observe(sighting(machine, ["snp": 9])) }
        for (machine, hours) in [(1, 3), (2, 9), (3, 5)] as [(UInt8, Int)] {
            _ = try await test.database.query(
                "UPDATE platforms SET last_seen = now() - interval '\(hours) hours' WHERE id = $1::bytea",
                [.bytes(id(machine))])
        }
        _ = try await platforms.observe(sighting(4, ["snp": 9]))
        #expect(try await platforms.list(limit: 10).map(\.id) == [id(1), id(3), id(4)])
        _ = try await platforms.observe(sighting(3, ["snp": 8]))
        _ = try await platforms.observe(sighting(5, ["snp": 9]))
        #expect(try await platforms.list(limit: 10).map(\.id) == [id(3), id(4), id(5)])
        let other = PlatformRepository(try await test.connect(), keys: test.keys, limit: 3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for machine in 10...60 as ClosedRange<UInt8> {
                group.addTask {
                    _ = try await (machine % 2 == 0 ? platforms : other).observe(sighting(machine, ["snp": 1]))
                }
            }
            try await group.waitForAll()
        }
        #expect(try await platforms.list(limit: 100).count == 3)
    }

    @Test(
        "levels that somebody wrote into the database are not believed, and can be forgotten",
        arguments: [
            "UPDATE platforms SET levels = '{}'", "UPDATE platforms SET levels = '{\"snp\":1}'",
            "UPDATE platforms SET about = '{}'", "UPDATE platforms SET seal = '\\x00'",
            "UPDATE platforms p SET levels = o.levels, seal = o.seal FROM platforms o WHERE o.id <> p.id",
        ])
    func foreignWriter(_ change: String) async throws {
        let test = try await TestDatabase.make()
        let platforms = PlatformRepository(test.database, keys: test.keys)
        _ = try await platforms.observe(sighting(1, ["snp": 22]))
        _ = try await platforms.observe(sighting(2, ["snp": 3]))
        _ = try await test.database.query(change)
        for level in [22, 1, 99] as [Int64] {
            await expect(.corrupt) { () async throws(StorageError) in
                _ = try await platforms.observe(sighting(1, ["snp": level]))
            }
        }
        let shown = try await platforms.list(limit: 10)
        #expect(shown.allSatisfy { !$0.isAuthentic && $0.levels.isEmpty && $0.about.isEmpty })
        try await platforms.forget(id(1), record: record())
        #expect(try await platforms.observe(sighting(1, ["snp": 5])) == [:])
    }

    @Test("a machine is forgotten together with the record of it, and one that is not known leaves none")
    func forgetting() async throws {
        let test = try await TestDatabase.make()
        let platforms = PlatformRepository(test.database, keys: test.keys)
        _ = try await platforms.observe(sighting(["snp": 22]))
        await expect(.notFound) { () async throws(StorageError) in
            try await platforms.forget(id(9), record: record())
        }
        #expect(try await DecisionRepository(test.database).list().isEmpty)
        try await platforms.forget(id(1), record: record())
        #expect(try await platforms.list(limit: 10).isEmpty)
        #expect(try await DecisionRepository(test.database).list().map(\.code) == ["platform_forgotten"])
        #expect(try await platforms.observe(sighting(["snp": 21])) == [:])
    }

    @Test("after a rotation the memory is sealed anew, and an older key can go")
    func rotation() async throws {
        let test = try await TestDatabase.make()
        _ = try await PlatformRepository(test.database, keys: test.keys).observe(sighting(1, ["snp": 22]))
        _ = try await PlatformRepository(test.database, keys: test.keys).observe(sighting(2, ["snp": 22]))
        _ = try await test.database.query("UPDATE platforms SET about = 'x' WHERE id = $1", [.bytes(id(2))])
        let rotated = test.keys.rotated()
        #expect(try await PlatformRepository(test.database, keys: rotated).renewSeals() == 1)
        #expect(try await PlatformRepository(test.database, keys: rotated).renewSeals() == 0)
        let alone = try KeyEncryptionKeyRing(keys: Array(rotated.allKeys.prefix(1)))
        let platforms = PlatformRepository(test.database, keys: alone)
        #expect(try await platforms.observe(sighting(1, ["snp": 21])) == ["snp": 22])
        // Whether it was changed cannot be told without the key.
        await expect(.keyUnknown) { () async throws(StorageError) in
            _ = try await platforms.observe(sighting(2, ["snp": 22]))
        }
    }

    @Test("a broker that lacks the key of a rotation waits for it, and neither believes nor overwrites what is there")
    func behindARotation() async throws {
        let test = try await TestDatabase.make()
        let rotated = test.keys.rotated()
        _ = try await PlatformRepository(test.database, keys: rotated).observe(sighting(["snp": 22]))
        await expect(.keyUnknown) { () async throws(StorageError) in
            _ = try await PlatformRepository(test.database, keys: test.keys).observe(sighting(["snp": 21]))
        }
        // The new key as the last line of the file: it opens, and does not seal yet.
        let prepared = try KeyEncryptionKeyRing(keys: rotated.allKeys.reversed())
        #expect(prepared.currentKeyID == test.keys.currentKeyID)
        let platforms = PlatformRepository(test.database, keys: prepared)
        #expect(try await platforms.observe(sighting(["snp": 21])) == ["snp": 22])
        _ = try await test.database.query("UPDATE platforms SET levels = '{}'")
        await expect(.corrupt) { () async throws(StorageError) in
            _ = try await platforms.observe(sighting(["snp": 21]))
        }
    }

    @Test("a database from before the memory of machines gets it when it is migrated, and keeps what it had")
    func migrated() async throws {
        let test = try await TestDatabase.make()
        try await DecisionRepository(test.database).append(record())
        for table in [
            "measurement_sightings", "source_requests", "platforms", "policy_source_documents", "policy_sources",
            "brokered_secrets",
        ] {
            _ = try await test.database.query("DROP TABLE \(table)")
        }
        _ = try await test.database.query(
            "DELETE FROM claviger_migrations WHERE version >= \(Migration.platforms.version)")
        try await Migrations.migrate(test.database)
        #expect(try await PlatformRepository(test.database, keys: test.keys).observe(sighting(["snp": 22])) == [:])
        #expect(try await DecisionRepository(test.database).list().count == 1)
    }

    @Test("a newest step without a hole before it: versions count from one")
    func steps() {
        #expect(Migration.all.map(\.version) == Array(1...Migration.all.count))
    }
}
