import Encodings
import Foundation
import Synchronization
import Testing

@testable import Storage

/// Tells writers to stop.
final class EndMark: Sendable {
    private let mark = Atomic<Bool>(false)

    var isReached: Bool { mark.load(ordering: .relaxed) }
    func reach() { mark.store(true, ordering: .relaxed) }
}

/// Writes of every kind, remembering what was acknowledged.
final class Writers: Sendable {
    private struct Acknowledged {
        var decisions: Set<String> = []
        var sessions: [[UInt8]] = []
        var generations: Set<Int64> = []
        var versions: Set<Int> = []
        var failures = 0
    }

    private let database: Database
    private let keys: KeyEncryptionKeyRing
    private let acknowledged = Mutex(Acknowledged())

    init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        self.keys = keys
    }

    /// True when every kind of write was acknowledged at least once.
    var hasWrittenAll: Bool {
        acknowledged.withLock { done in
            !done.decisions.isEmpty && !done.sessions.isEmpty && !done.generations.isEmpty && !done.versions.isEmpty
        }
    }

    func write(writer: Int, round: Int) async {
        let result = await outcome { () async throws(StorageError) in
            switch writer % 4 {
            case 0: try await self.appendDecision()
            case 1: try await self.openSession(writer, round)
            case 2: try await self.putPolicy(round)
            default: try await self.putResource()
            }
        }
        guard case .failure(let error) = result else { return }
        #expect(error.isUnavailable, "\(error)")
        acknowledged.withLock { $0.failures += 1 }
        try? await Task.sleep(for: .milliseconds(5))
    }

    private func appendDecision() async throws(StorageError) {
        let record = DecisionRecord(
            id: DecisionRecord.makeID(), at: Date(), allowed: true, code: "", reason: "", operation: "", plugin: "",
            path: "", bundleDigest: "")
        let decisions = DecisionRepository(database)
        do throws(StorageError) {
            try await decisions.append(record)
        } catch {
            // The repeat of an append whose outcome is unknown must not fail or double it.
            try await decisions.append(record)
        }
        acknowledged.withLock { _ = $0.decisions.insert(record.id) }
    }

    private func openSession(_ writer: Int, _ round: Int) async throws(StorageError) {
        let hash = Array("\(writer)/\(round)".utf8)
        try await SessionRepository(database, keys: keys).open(
            nonceHash: hash, nonceExpires: .distantFuture, sessionHash: hash, payload: hash, expires: .distantFuture)
        acknowledged.withLock { $0.sessions.append(hash) }
    }

    private func putPolicy(_ round: Int) async throws(StorageError) {
        let policy = NewPolicy(key: PolicyKey(kind: "K", namespace: nil, name: "n"), text: "\(round)", digest: "")
        let generation = try await PolicyRepository(database, keys: keys).put(policy, origin: "o", by: "eve")
        acknowledged.withLock { _ = $0.generations.insert(generation) }
    }

    private func putResource() async throws(StorageError) {
        let version = try await ResourceRepository(database, keys: keys)
            .put(path: "a/b/c", tenant: "a", value: SecretBytes([1]), by: "eve")
        acknowledged.withLock { _ = $0.versions.insert(version) }
    }

    /// Waits for the database, then compares what is there with what was acknowledged.
    func check() async throws {
        for _ in 0..<200 where (try? await database.ping()) == nil { try await Task.sleep(for: .milliseconds(50)) }
        let done = acknowledged.withLock { $0 }
        #expect(done.failures > 0 && hasWrittenAll)
        let decisions = Set(try await database.query("SELECT id FROM decisions").map { try $0.text(0) })
        #expect(decisions.isSuperset(of: done.decisions))
        let sessions = SessionRepository(database, keys: keys)
        for hash in done.sessions { #expect(try await sessions.find(sessionHash: hash) == hash) }
        let generation = try await PolicyRepository(database, keys: keys).generation()
        #expect(done.generations.allSatisfy { $0 <= generation })
        let versions = try await ResourceRepository(database, keys: keys).versions(path: "a/b/c")
        #expect(Set(versions.map(\.version)).isSuperset(of: done.versions))
        try await checkStructure()
    }

    /// What must hold whatever was interrupted: nonces and sessions in pairs, one history entry per generation, and
    /// versions that open.
    func checkStructure() async throws {
        let lonely = try await database.query(
            "SELECT 1 FROM nonces n FULL JOIN sessions s USING (hash) WHERE n.expires_at IS NULL OR s.sealed IS NULL")
        #expect(lonely.isEmpty)
        let generation = try await PolicyRepository(database, keys: keys).generation()
        let history = try await database.query("SELECT count(*), count(DISTINCT generation) FROM policy_history")
        #expect(try history[0].int(0) == generation && history[0].int(1) == generation)
        let resources = ResourceRepository(database, keys: keys)
        let sealed = try #require(try await resources.sealed(path: "a/b/c"))
        #expect(try resources.open(sealed) == SecretBytes([1]))
    }
}
