import Encodings
import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite("Sessions, nonces and revocations", .timeLimit(.minutes(5)))
struct SessionTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func open(
        _ sessions: SessionRepository, nonce: UInt8 = 1, session: UInt8, payload: [UInt8] = [9],
        subjects: [RevocationSubject] = [], lasting: TimeInterval = 300
    ) async throws(StorageError) {
        try await sessions.open(
            nonceHash: [nonce], nonceExpires: now.addingTimeInterval(lasting), sessionHash: [session], payload: payload,
            subjects: subjects, expires: now.addingTimeInterval(lasting))
    }

    @Test("A1: of 50 racers with one nonce on two replicas exactly one gets a session")
    func race() async throws {
        let test = try await TestDatabase.make()
        let replicas = [
            SessionRepository(test.database, keys: test.keys),
            SessionRepository(try await test.connect(), keys: test.keys),
        ]
        for nonce in 0..<UInt8(5) {
            let winners = await withTaskGroup(of: UInt8?.self) { group -> [UInt8] in
                for racer in 0..<UInt8(50) {
                    group.addTask {
                        let result = await outcome { () async throws(StorageError) in
                            try await open(replicas[Int(racer) % 2], nonce: nonce, session: racer + nonce * 50)
                        }
                        switch result {
                        case .success: return racer + nonce * 50
                        case .failure(let error):
                            #expect(error.code == .conflict, "\(error)")
                            return nil
                        }
                    }
                }
                return await group.reduce(into: []) { if let winner = $1 { $0.append(winner) } }
            }
            #expect(winners.count == 1)
            for session in 0..<UInt8(50) {
                let found = try await replicas[0].find(sessionHash: [session + nonce * 50], now: now)
                #expect((found != nil) == (winners == [session + nonce * 50]))
            }
        }
    }

    @Test("A1: a spent nonce stays spent after its session is gone")
    func spentForGood() async throws {
        let test = try await TestDatabase.make()
        let sessions = SessionRepository(test.database, keys: test.keys)
        try await open(sessions, session: 1)
        #expect(try await sessions.delete(sessionHash: [1]))
        #expect(try await !sessions.delete(sessionHash: [1]))
        await expect(.conflict) { () async throws(StorageError) in try await open(sessions, session: 2) }
        #expect(try await sessions.find(sessionHash: [2], now: now) == nil)
    }

    @Test("a session is found by every replica until it ends")
    func expiry() async throws {
        let test = try await TestDatabase.make()
        let sessions = SessionRepository(test.database, keys: test.keys)
        let replica = SessionRepository(try await test.connect(), keys: test.keys)
        try await open(sessions, session: 1, payload: [1, 2, 3])
        #expect(try await replica.find(sessionHash: [1], now: now) == [1, 2, 3])
        #expect(try await replica.find(sessionHash: [1], now: now.addingTimeInterval(299.9)) == [1, 2, 3])
        #expect(try await replica.find(sessionHash: [1], now: now.addingTimeInterval(300)) == nil)
        #expect(try await replica.find(sessionHash: [2], now: now) == nil)
    }

    @Test("a session whose hash is taken does not spend the nonce")
    func noHalfState() async throws {
        let test = try await TestDatabase.make()
        let sessions = SessionRepository(test.database, keys: test.keys)
        try await open(sessions, nonce: 1, session: 1)
        await expect(.conflict) { () async throws(StorageError) in try await open(sessions, nonce: 2, session: 1) }
        try await open(sessions, nonce: 2, session: 2)
    }

    @Test(
        "A5: a session row that is exchanged, lengthened or freed of its subjects does not open",
        arguments: [
            "UPDATE sessions t SET sealed = s.sealed FROM sessions s WHERE t.hash = '\\x01' AND s.hash = '\\x02'",
            "UPDATE sessions SET expires_at = expires_at + interval '1 hour' WHERE hash = '\\x01'",
            "UPDATE sessions SET subjects = '{}' WHERE hash = '\\x01'",
            "UPDATE sessions SET hash = CASE hash WHEN '\\x01' THEN '\\x03'::bytea ELSE '\\x01'::bytea END",
            "UPDATE sessions SET sealed = set_byte(sealed, 60, 255 - get_byte(sealed, 60)) WHERE hash = '\\x01'",
        ])
    func swappedRows(sql: String) async throws {
        let test = try await TestDatabase.make()
        let sessions = SessionRepository(test.database, keys: test.keys)
        try await open(sessions, nonce: 1, session: 1, payload: [1], subjects: [.token("one")])
        try await open(sessions, nonce: 2, session: 2, payload: [2], subjects: [.token("two")])
        #expect(try await sessions.find(sessionHash: [1], now: now) == [1])
        let statement = SQL(sql)
        // A direct statement, as an intruder in the database would send it.
        _ = try await test.database.write(SQLStatement(statement))
        await expect(.corrupt) { () async throws(StorageError) in
            _ = try await sessions.find(sessionHash: [1], now: now)
        }
        await expect(.corrupt) { () async throws(StorageError) in
            let read = DecidingRead(test.database, keys: test.keys)
            guard let session = try await read(sessionHash: [1], now: now).session else { return }
            _ = try read.open(session)
        }
    }

    @Test("another key ring does not open sessions")
    func foreignRing() async throws {
        let test = try await TestDatabase.make()
        try await open(SessionRepository(test.database, keys: test.keys), session: 1)
        let foreign = SessionRepository(test.database, keys: .generate())
        await expect(.corrupt) { () async throws(StorageError) in
            _ = try await foreign.find(sessionHash: [1], now: now)
        }
        let rotated = SessionRepository(test.database, keys: test.keys.rotated())
        #expect(try await rotated.find(sessionHash: [1], now: now) == [9])
    }

    @Test("sweeping takes what has ended, in bounded steps, and nothing else")
    func sweep() async throws {
        let test = try await TestDatabase.make()
        let sessions = SessionRepository(test.database, keys: test.keys)
        for number in 0..<UInt8(6) { try await open(sessions, nonce: number, session: number, lasting: 10) }
        try await open(sessions, nonce: 100, session: 100, lasting: 1000)
        #expect(try await sessions.sweep(endedBefore: now) == 0)
        let later = now.addingTimeInterval(11)
        #expect(try await sessions.sweep(endedBefore: later, limit: 4) == 8)
        #expect(try await sessions.sweep(endedBefore: later, limit: 4) == 4)
        #expect(try await sessions.sweep(endedBefore: later, limit: 4) == 0)
        #expect(try await sessions.find(sessionHash: [100], now: now) == [9])
    }

    @Test("revocations hold until their end, are never shortened, and are swept")
    func revocations() async throws {
        let test = try await TestDatabase.make()
        let revocations = RevocationRepository(test.database)
        let subjects: [RevocationSubject] = [.token("a:b"), .teeKey("k"), .other("x")]
        #expect(try await !revocations.isRevoked(any: subjects, now: now))
        try await revocations.revoke(.token("a:b"), until: now.addingTimeInterval(100), reason: "stolen", by: "eve")
        try await revocations.revoke(.token("a:b"), until: now.addingTimeInterval(10), reason: "again", by: "eve")
        #expect(try await revocations.isRevoked(any: subjects, now: now.addingTimeInterval(99)))
        #expect(try await !revocations.isRevoked(any: subjects, now: now.addingTimeInterval(100)))
        #expect(try await !revocations.isRevoked(any: [.teeKey("a:b"), .token("a")], now: now))
        #expect(try await !revocations.isRevoked(any: [], now: now))
        let listed = try #require(try await revocations.list(now: now).first)
        #expect(
            listed.subject == .token("a:b") && listed.reason == "again" && listed.until == now.addingTimeInterval(100))
        #expect(try await revocations.sweep(endedBefore: now) == 0)
        #expect(try await revocations.sweep(endedBefore: now.addingTimeInterval(101)) == 1)
    }

    @Test("one deciding read brings generation, session, resource and revocation together")
    func decidingRead() async throws {
        let test = try await TestDatabase.make()
        let read = DecidingRead(test.database, keys: test.keys)
        let sessions = SessionRepository(test.database, keys: test.keys)
        let resources = ResourceRepository(test.database, keys: test.keys)
        let revocations = RevocationRepository(test.database)

        let empty = try await read(sessionHash: [1], path: "a/b/c", subjects: [.token("t")], now: now)
        #expect(empty.generation == 0 && empty.session == nil && empty.resource == nil && !empty.isRevoked)

        try await open(sessions, session: 1, payload: [4], subjects: [.token("own")])
        for value in [SecretBytes([1]), SecretBytes([2])] {
            _ = try await resources.put(path: "a/b/c", tenant: "a", value: value, by: "eve")
        }
        let generation = try await ReferenceValueRepository(test.database, keys: test.keys).put(
            name: "n", value: "1", by: "eve")
        let full = try await read(sessionHash: [1], path: "a/b/c", subjects: [.token("t")], now: now)
        #expect(full.generation == generation && !full.isRevoked)
        #expect(try read.open(try #require(full.session)) == [4])
        #expect(try resources.open(try #require(full.resource)) == SecretBytes([2]))
        #expect(try await read(now: now).resource == nil)
        #expect(try await read(sessionHash: [1], now: now.addingTimeInterval(300)).session == nil)

        try await revocations.revoke(.token("t"), until: now.addingTimeInterval(50), reason: "", by: "eve")
        #expect(try await read(subjects: [.token("t")], now: now).isRevoked)
        #expect(try await !read(sessionHash: [1], subjects: [.token("u")], now: now).isRevoked)
        try await revocations.revoke(.token("own"), until: now.addingTimeInterval(50), reason: "", by: "eve")
        #expect(try await read(sessionHash: [1], now: now).isRevoked)
        #expect(try await !read(sessionHash: [1], now: now.addingTimeInterval(60)).isRevoked)
        _ = try await resources.delete(path: "a/b/c", by: "eve")
        #expect(try await read(path: "a/b/c", now: now).resource == nil)
    }

    @Test("A38: a large value is fetched once the release is allowed: exactly the version that was decided about")
    func largeValue() async throws {
        let test = try await TestDatabase.make()
        let read = DecidingRead(test.database, keys: test.keys)
        let resources = ResourceRepository(test.database, keys: test.keys)
        let (large, small) = (SecretBytes.random(count: 200_000), SecretBytes.random(count: 16_000))
        func put(_ value: SecretBytes) async throws {
            _ = try await resources.put(path: "a/b/c", tenant: "a", value: value, by: "eve")
        }
        try await put(small)
        let whole = try #require(try await read(path: "a/b/c").resource)
        #expect(try resources.open(whole) == small)
        #expect(try await resources.complete(whole) == whole)

        try await put(large)
        let found = try #require(try await read(path: "a/b/c").resource)
        #expect(found.ciphertext == nil && found.version == 2)
        #expect(throws: StorageError.self) { try resources.open(found) }
        try await put(small)
        let complete = try #require(try await resources.complete(found))
        #expect(complete.version == 2)
        #expect(try resources.open(complete) == large)
        _ = try await resources.delete(path: "a/b/c", by: "eve")
        #expect(try await resources.complete(found) == nil)
    }
}
