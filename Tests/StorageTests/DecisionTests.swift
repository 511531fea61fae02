import Encodings
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Storage

@Suite("Decisions and signing keys", .timeLimit(.minutes(5)))
struct DecisionTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func record(
        _ number: Int = 0, allowed: Bool = true, path: String = "a/b/c", claims: JSONValue = .null
    ) -> DecisionRecord {
        DecisionRecord(
            id: DecisionRecord.makeID(at: now.addingTimeInterval(Double(number))),
            at: now.addingTimeInterval(Double(number)), allowed: allowed, code: allowed ? "allowed" : "denied",
            reason: "because", operation: "get", plugin: "resource", path: path, tenant: "a", tee: "sample",
            session: nil, bundleDigest: "00", trace: .array([.object(["policy": "p", "outcome": .bool(allowed)])]),
            claims: claims)
    }

    @Test("a decision is read as it was appended")
    func appendAndGet() async throws {
        let decisions = DecisionRepository(try await TestDatabase.make().database)
        let appended = record(claims: .object(["a": .int(1), "b": .array([.double(1.5), .null])]))
        try await decisions.append(appended)
        #expect(try await decisions.get(id: appended.id) == appended)
        #expect(try await decisions.get(id: "other") == nil)
    }

    @Test("what an attestation found out is stored once, and read with each decision that names it")
    func attestations() async throws {
        let test = try await TestDatabase.make()
        let decisions = DecisionRepository(test.database)
        let sessions = SessionRepository(test.database, keys: test.keys)
        let content: JSONObject = ["submodules": ["cpu0": ["tee": "snp"]]]
        let attestation = AttestationRecord(content)
        #expect(attestation == AttestationRecord(["submodules": ["cpu0": ["tee": "snp"]]]))
        for number in 0..<3 {
            try await sessions.open(
                nonceHash: [UInt8(number)], nonceExpires: now, sessionHash: [UInt8(number)], payload: [],
                attestation: attestation, expires: now)
        }
        #expect(try await test.database.query("SELECT * FROM attestation_results").count == 1)
        var named = record(claims: ["token": "t"])
        named.attestation = attestation.digest
        var unknown = record(1, claims: ["token": "t"])
        unknown.attestation = [1]
        for record in [named, unknown] { try await decisions.append(record) }
        #expect(
            try await decisions.get(id: named.id)?.claims == ["token": "t", "submodules": ["cpu0": ["tee": "snp"]]])
        #expect(
            try await decisions.list().map(\.claims) == [
                ["token": "t"], ["token": "t", "submodules": ["cpu0": ["tee": "snp"]]],
            ])
    }

    @Test("decisions are listed by path, tenant and outcome, in pages, the newest first")
    func lists() async throws {
        let decisions = DecisionRepository(try await TestDatabase.make().database)
        let records = (0..<6).map { record($0, allowed: $0 % 2 == 0, path: $0 < 3 ? "a/b/c" : "a/b/d") }
        for record in records { try await decisions.append(record) }
        let newest = records.reversed().map(\.id)
        #expect(try await decisions.list().map(\.id) == newest)
        #expect(try await decisions.list(.init(path: "a/b/c")).map(\.id) == Array(newest.suffix(3)))
        #expect(try await decisions.list(.init(allowed: false)).count == 3)
        #expect(try await decisions.list(.init(tenant: "b")).isEmpty)
        let page = try await decisions.list(.init(limit: 4))
        #expect(page.map(\.id) == Array(newest.prefix(4)))
        #expect(try await decisions.list(.init(before: page.last?.id)).map(\.id) == Array(newest.suffix(2)))
    }

    @Test("ids sort by time and have the shape of a version 7 UUID")
    func ids() {
        let ids = (0..<100).map { DecisionRecord.makeID(at: now.addingTimeInterval(Double($0) / 1000)) }
        #expect(ids == ids.sorted())
        let same = Set((0..<1000).map { _ in DecisionRecord.makeID(at: now) })
        #expect(same.count == 1000)
        #expect(
            same.allSatisfy {
                $0.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil
            })
    }

    @Test("each of many concurrent appends is in the ledger when its caller goes on")
    func concurrentAppends() async throws {
        let database = try await TestDatabase.make().database
        let decisions = DecisionRepository(database)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    let record = record(number)
                    try await decisions.append(record)
                    #expect(try await decisions.get(id: record.id) != nil)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await database.query("SELECT count(*) FROM decisions")[0].int(0) == 300)
    }

    /// A group commit whose first batch waits until it is let through.
    private struct HeldCommit {
        let group: GroupCommit<Int>
        let sizes: @Sendable () -> [Int]
        let letThrough: @Sendable () -> Void
        private let begun: AsyncStream<Void>

        init(batchLimit: Int, queueLimit: Int) {
            let (gate, opener) = AsyncStream<Void>.makeStream()
            let (begun, beginner) = AsyncStream<Void>.makeStream()
            let commits = Commits()
            group = GroupCommit(batchLimit: batchLimit, queueLimit: queueLimit) { batch throws(StorageError) in
                if batch == [0] {
                    beginner.yield()
                    for await _ in gate { break }
                }
                commits.sizes.withLock { $0.append(batch.count) }
            }
            self.begun = begun
            sizes = { commits.sizes.withLock { $0 } }
            letThrough = { opener.yield() }
        }

        private final class Commits: Sendable {
            let sizes = Mutex<[Int]>([])
        }

        func awaitFirstBatch() async { for await _ in begun { break } }
    }

    @Test("what comes while a commit is under way shares the next one")
    func groupCommit() async throws {
        let held = HeldCommit(batchLimit: 64, queueLimit: 1000)
        let group = held.group
        async let first: Void = group.append(0)
        await held.awaitFirstBatch()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 1...100 { tasks.addTask { try await group.append(number) } }
            while group.waitingCount < 100 { await Task.yield() }
            #expect(held.sizes().isEmpty)
            held.letThrough()
            try await tasks.waitForAll()
        }
        try await first
        #expect(held.sizes() == [1, 64, 36])
    }

    @Test("a full ledger queue refuses at once")
    func fullQueue() async throws {
        let held = HeldCommit(batchLimit: 10, queueLimit: 2)
        let group = held.group
        async let first: Void = group.append(0)
        await held.awaitFirstBatch()
        async let second: Void = group.append(1)
        async let third: Void = group.append(2)
        while group.waitingCount < 2 { await Task.yield() }
        await expect(.unavailable) { () async throws(StorageError) in try await group.append(3) }
        held.letThrough()
        _ = try await (first, second, third)
    }

    @Test("an append that is repeated changes nothing")
    func repeated() async throws {
        let decisions = DecisionRepository(try await TestDatabase.make().database)
        let first = record()
        try await decisions.append(first)
        var second = first
        second.allowed = false
        try await decisions.append(second)
        #expect(try await decisions.list() == [first])
    }

    @Test("U+0000 in claims or path does not keep a decision out of the ledger")
    func nul() async throws {
        let decisions = DecisionRepository(try await TestDatabase.make().database)
        let hostile = record(path: "a/\0/c", claims: .object(["a\0": .array([.string("\0x\\u0000")])]))
        try await decisions.append(hostile)
        let stored = try #require(try await decisions.get(id: hostile.id))
        #expect(stored.path == "a/\u{FFFD}/c")
        #expect(stored.claims == .object(["a\u{FFFD}": .array([.string("\u{FFFD}x\\u0000")])]))
    }

    @Test("a record that grows in the database does not hide the page of the ledger that it stands on")
    func largeRecord() async throws {
        let decisions = DecisionRepository(try await TestDatabase.make().database)
        let large = record(1, claims: .array(Array(repeating: .double(1e308), count: 10_000)))
        let small = record(0)
        try await decisions.append(small)
        try await decisions.append(large)
        #expect(try await decisions.list() == [large, small])
    }

    @Test("an outage after a record that cannot be stored ends the batch: nobody waits for one outage after another")
    func outageAmongSingles() async throws {
        let (gate, opener) = AsyncStream<Void>.makeStream()
        let (begun, beginner) = AsyncStream<Void>.makeStream()
        let singles = Mutex(0)
        let group = GroupCommit<Int>(batchLimit: 100, queueLimit: 100) { batch throws(StorageError) in
            if batch == [0] {
                beginner.yield()
                for await _ in gate { break }
            } else if batch.count > 1 {
                throw .invalid("unlucky")
            } else {
                singles.withLock { $0 += 1 }
                throw .timedOut
            }
        }
        let codes = await withTaskGroup(of: StorageError.Code?.self) { tasks in
            tasks.addTask {
                _ = await outcome { () async throws(StorageError) in try await group.append(0) }
                return nil
            }
            for await _ in begun { break }
            for number in 1...50 {
                tasks.addTask {
                    let result = await outcome { () async throws(StorageError) in try await group.append(number) }
                    if case .failure(let error) = result { return error.code }
                    return nil
                }
            }
            while group.waitingCount < 50 { await Task.yield() }
            opener.yield()
            return await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.filter { $0 == .timeout }.count == 50)
        #expect(singles.withLock { $0 } == 1)
    }

    @Test("a record that cannot be stored fails alone")
    func neighbours() async throws {
        let commits = Mutex<[[Int]]>([])
        let group = GroupCommit<Int>(batchLimit: 10, queueLimit: 100) { batch throws(StorageError) in
            commits.withLock { $0.append(batch) }
            if batch.contains(13) { throw .invalid("unlucky") }
        }
        let failed = await withTaskGroup(of: Int?.self) { tasks -> [Int] in
            for number in 0..<30 {
                tasks.addTask {
                    let result = await outcome { () async throws(StorageError) in try await group.append(number) }
                    if case .failure = result { return number }
                    return nil
                }
            }
            return await tasks.reduce(into: []) { if let number = $1 { $0.append(number) } }
        }
        #expect(failed == [13])
    }

    @Test("an unreachable ledger fails all who wait, once")
    func unreachable() async throws {
        let attempts = Mutex(0)
        let group = GroupCommit<Int>(batchLimit: 100, queueLimit: 100) { _ throws(StorageError) in
            attempts.withLock { $0 += 1 }
            throw .unavailable("gone")
        }
        let codes = await withTaskGroup(of: StorageError.Code?.self) { tasks in
            for number in 0..<50 {
                tasks.addTask {
                    let result = await outcome { () async throws(StorageError) in try await group.append(number) }
                    if case .failure(let error) = result { return error.code }
                    return nil
                }
            }
            return await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.allSatisfy { $0 == .unavailable })
        #expect(attempts.withLock { $0 } <= 50)
    }

    private func key(_ id: String) -> NewSigningKey {
        NewSigningKey(
            id: id, algorithm: "ES256", publicJWK: #"{"kid":"\#(id)"}"#, certificates: nil,
            privateKey: SecretBytes(Array("private \(id)".utf8)))
    }

    @Test("of several brokers that make the first signing key one wins and all use it")
    func firstKey() async throws {
        let test = try await TestDatabase.make()
        let replicas = [
            SigningKeyRepository(test.database, keys: test.keys),
            SigningKeyRepository(try await test.connect(), keys: test.keys),
        ]
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<20 {
                group.addTask { try await replicas[number % 2].ensure(purpose: "token") { key("k\(number)") }.id }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        let stored = try #require(try await replicas[0].list(purpose: "token", now: now).first)
        #expect(try replicas[1].open(stored) == SecretBytes(Array("private \(stored.id)".utf8)))
        #expect(try await replicas[0].list(purpose: "other", now: now).isEmpty)
    }

    @Test("after a rotation the new key signs and the old one is listed until the overlap ends")
    func rotation() async throws {
        let test = try await TestDatabase.make()
        let keys = SigningKeyRepository(test.database, keys: test.keys)
        _ = try await keys.ensure(purpose: "token") { key("one") }
        let end = now.addingTimeInterval(600)
        #expect(try await keys.rotate(purpose: "token", to: key("two"), overlapEnds: end).id == "two")
        #expect(try await keys.active(purpose: "token")?.id == "two")
        #expect(try await keys.list(purpose: "token", now: now).map(\.id) == ["two", "one"])
        #expect(try await keys.list(purpose: "token", now: now).map(\.retiresAt) == [nil, end])
        #expect(try await keys.list(purpose: "token", now: end).map(\.id) == ["two"])
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await keys.rotate(purpose: "token", to: key("one"), overlapEnds: end)
        }
        #expect(try await keys.active(purpose: "token")?.id == "two")
    }

    @Test("a signing key's row that is moved to another id or purpose does not open; rewrapped keys do")
    func sealedKeys() async throws {
        let test = try await TestDatabase.make()
        let keys = SigningKeyRepository(test.database, keys: test.keys)
        _ = try await keys.ensure(purpose: "token") { key("one") }
        let rotated = SigningKeyRepository(test.database, keys: test.keys.rotated())
        #expect(try await rotated.rewrap() == 1)
        #expect(try await rotated.rewrap() == 0)
        let stored = try #require(try await rotated.active(purpose: "token"))
        #expect(try rotated.open(stored) == SecretBytes(Array("private one".utf8)))
        expect(.corrupt) { () throws(StorageError) in _ = try keys.open(stored) }
        _ = try await test.database.query("UPDATE signing_keys SET purpose = 'other'")
        let moved = try #require(try await rotated.active(purpose: "other"))
        expect(.corrupt) { () throws(StorageError) in _ = try rotated.open(moved) }
    }
}
