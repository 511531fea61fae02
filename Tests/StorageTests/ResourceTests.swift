import Encodings
import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite("Resources", .timeLimit(.minutes(5)))
struct ResourceTests {
    private func repository() async throws -> (ResourceRepository, TestDatabase) {
        let test = try await TestDatabase.make()
        return (ResourceRepository(test.database, keys: test.keys), test)
    }

    @Test("a resource is read as it was written, with rising versions")
    func putAndOpen() async throws {
        let (resources, _) = try await repository()
        let first = SecretBytes.random(count: 32)
        let second = SecretBytes.random(count: 100_000)
        #expect(try await resources.put(path: "a/b/c", tenant: "a", value: first, by: "eve") == 1)
        let sealedFirst = try #require(try await resources.sealed(path: "a/b/c"))
        #expect(
            try await resources.put(path: "a/b/c", tenant: "a", value: second, by: "eve", contentType: "text/plain")
                == 2)
        let sealed = try #require(try await resources.sealed(path: "a/b/c"))
        #expect(sealed.version == 2 && sealed.tenant == "a" && sealed.contentType == "text/plain")
        #expect(try resources.open(sealed) == second)
        #expect(try resources.open(sealedFirst) == first)
        #expect(try await resources.sealed(path: "a/b/C") == nil)
        #expect(try await resources.sealed(path: "a/b/c/") == nil)
    }

    @Test("an empty value and the largest one are stored, a larger one is refused")
    func sizes() async throws {
        let (resources, _) = try await repository()
        for count in [0, ResourceRepository.maximumSize] {
            let secret = SecretBytes([UInt8](repeating: 3, count: count))
            _ = try await resources.put(path: "a/b/\(count)", tenant: "a", value: secret, by: "eve")
            let sealed = try #require(try await resources.sealed(path: "a/b/\(count)"))
            #expect(try resources.open(sealed) == secret)
        }
        let large = SecretBytes([UInt8](repeating: 3, count: ResourceRepository.maximumSize + 1))
        await expect(.invalid) { () async throws(StorageError) in
            _ = try await resources.put(path: "a/b/large", tenant: "a", value: large, by: "eve")
        }
    }

    @Test("a path stays with its tenant")
    func foreignTenant() async throws {
        let (resources, _) = try await repository()
        _ = try await resources.put(path: "a/b/c", tenant: "a", value: SecretBytes([1]), by: "eve")
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await resources.put(path: "a/b/c", tenant: "b", value: SecretBytes([2]), by: "eve")
        }
        #expect(try await resources.versions(path: "a/b/c").count == 1)
    }

    @Test("concurrent writers of one path get different versions and all are kept")
    func concurrentWriters() async throws {
        let (resources, _) = try await repository()
        let versions = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<UInt8(40) {
                group.addTask {
                    try await resources.put(path: "a/b/c", tenant: "a", value: SecretBytes([number]), by: "eve")
                }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(versions == Set(1...40))
        #expect(try await resources.versions(path: "a/b/c").map(\.version) == Array((1...40).reversed()))
        #expect(try await resources.sealed(path: "a/b/c")?.version == 40)
    }

    @Test("lists are ordered, cut into pages, and taken by prefix and tenant exactly")
    func lists() async throws {
        let (resources, _) = try await repository()
        for path in ["a/x/1", "a/x/2", "a/x%/1", "b/x/1", "A/x/1"] {
            _ = try await resources.put(
                path: path, tenant: String(path.prefix(1)), value: SecretBytes([1]), by: "eve")
        }
        #expect(try await resources.list().map(\.path) == ["A/x/1", "a/x%/1", "a/x/1", "a/x/2", "b/x/1"])
        #expect(try await resources.list(prefix: "a/x/").map(\.path) == ["a/x/1", "a/x/2"])
        #expect(try await resources.list(prefix: "a/x%").map(\.path) == ["a/x%/1"])
        #expect(try await resources.list(tenant: "b").map(\.path) == ["b/x/1"])
        #expect(try await resources.list(after: "a/x/1", limit: 1).map(\.path) == ["a/x/2"])
        let summary = try #require(try await resources.list(prefix: "b").first)
        #expect(summary.version == 1 && summary.createdBy == "eve")
        #expect(abs(summary.createdAt.timeIntervalSinceNow) < 60)
    }

    @Test("A40: a row that is copied over another path, tenant or version does not open")
    func transplantedRows() async throws {
        let (resources, test) = try await repository()
        for (path, tenant) in [("a/b/c", "a"), ("a/b/d", "a"), ("b/b/c", "b")] {
            for value in [SecretBytes([1]), SecretBytes([2])] {
                _ = try await resources.put(path: path, tenant: tenant, value: value, by: "eve")
            }
        }
        let targets = [("a/b/d", 2), ("b/b/c", 2), ("a/b/c", 2)]
        for (path, version) in targets {
            _ = try await test.database.query(
                """
                UPDATE resource_versions t SET wrapped_key = s.wrapped_key, ciphertext = s.ciphertext
                FROM resource_versions s
                WHERE s.path = 'a/b/c' AND s.version = 1 AND t.path = $1::text AND t.version = $2::bigint
                """, [.text(path), .int(Int64(version))])
            let sealed = try #require(try await resources.sealed(path: path))
            expect(.corrupt) { () throws(StorageError) in _ = try resources.open(sealed) }
        }
        _ = try await test.database.query("UPDATE resources SET tenant = 'x'")
        for (path, _) in targets {
            let sealed = try #require(try await resources.sealed(path: path))
            expect(.corrupt) { () throws(StorageError) in _ = try resources.open(sealed) }
        }
    }

    @Test("A42: every version has a data key, salt and nonce of its own, also for equal values")
    func freshDataKeys() async throws {
        let (resources, test) = try await repository()
        for _ in 0..<30 {
            _ = try await resources.put(path: "a/b/c", tenant: "a", value: SecretBytes([1, 2, 3]), by: "eve")
        }
        let counts = try await test.database.query(
            """
            SELECT count(*), count(DISTINCT wrapped_key), count(DISTINCT substring(ciphertext FOR 12)),
                count(DISTINCT ciphertext) FROM resource_versions
            """)
        for column in 0..<4 { #expect(try counts[0].int(column) == 30) }
    }

    @Test("the database never holds the value or the data key in clear")
    func nothingInClear() async throws {
        let (resources, test) = try await repository()
        let value = SecretBytes(Array("canary-7d1f-canary".utf8))
        _ = try await resources.put(path: "a/b/c", tenant: "a", value: value, by: "eve")
        let rows = try await test.database.query(
            "SELECT 1 FROM resource_versions WHERE position($1::bytea in ciphertext || wrapped_key) > 0",
            [.bytes(value.copyBytes())])
        #expect(rows.isEmpty)
    }

    @Test("A43: delete destroys every version's key and value, keeps the record, and versions go on rising")
    func delete() async throws {
        let (resources, test) = try await repository()
        for _ in 0..<3 { _ = try await resources.put(path: "a/b/c", tenant: "a", value: SecretBytes([1]), by: "eve") }
        #expect(try await resources.delete(path: "a/b/c", by: "mallory"))
        #expect(try await resources.sealed(path: "a/b/c") == nil)
        #expect(try await resources.list().isEmpty)
        let remains = try await test.database.query(
            "SELECT 1 FROM resource_versions WHERE wrapped_key IS NOT NULL OR ciphertext IS NOT NULL")
        #expect(remains.isEmpty)
        let versions = try await resources.versions(path: "a/b/c")
        #expect(versions.count == 3)
        #expect(versions.allSatisfy { $0.destroyedAt != nil && $0.destroyedBy == "mallory" && $0.keyID == nil })
        #expect(try await !resources.delete(path: "a/b/c", by: "mallory"))
        #expect(try await !resources.delete(path: "never/was/there", by: "mallory"))
        #expect(try await resources.put(path: "a/b/c", tenant: "a", value: SecretBytes([2]), by: "eve") == 4)
    }

    @Test("A43: a row from an old backup does not open once its key-encryption key has left the ring")
    func restoredBackup() async throws {
        let (resources, test) = try await repository()
        _ = try await resources.put(path: "a/b/c", tenant: "a", value: SecretBytes([1]), by: "eve")
        _ = try await resources.put(path: "a/b/d", tenant: "a", value: SecretBytes([2]), by: "eve")
        let backup = try #require(try await resources.sealed(path: "a/b/c"))
        #expect(try await resources.delete(path: "a/b/c", by: "eve"))
        let rotated = ResourceRepository(test.database, keys: test.keys.rotated())
        #expect(try await rotated.rewrap() == 1)
        let fresh = try KeyEncryptionKeyRing(keys: [try #require(rotated.envelope.keys.allKeys.first)])
        let without = ResourceRepository(test.database, keys: fresh)
        expect(.corrupt) { () throws(StorageError) in _ = try without.open(backup) }
        #expect(try without.open(try #require(try await without.sealed(path: "a/b/d"))) == SecretBytes([2]))
    }

    @Test("rewrapping changes wrapped keys only, in bounded steps, until nothing is left")
    func rewrap() async throws {
        let (resources, test) = try await repository()
        for number in 0..<UInt8(5) {
            _ = try await resources.put(path: "a/b/\(number)", tenant: "a", value: SecretBytes([number]), by: "eve")
        }
        let ciphertexts = try await test.database.query("SELECT ciphertext FROM resource_versions ORDER BY path")
            .map { $0.optionalBytes(0) }
        let rotated = ResourceRepository(test.database, keys: test.keys.rotated())
        #expect(try await rotated.rewrap(limit: 3) == 3)
        #expect(try await rotated.rewrap(limit: 3) == 2)
        #expect(try await rotated.rewrap(limit: 3) == 0)
        let after = try await test.database.query("SELECT ciphertext FROM resource_versions ORDER BY path")
            .map { $0.optionalBytes(0) }
        #expect(after == ciphertexts)
        for number in 0..<UInt8(5) {
            let sealed = try #require(try await rotated.sealed(path: "a/b/\(number)"))
            #expect(try rotated.open(sealed) == SecretBytes([number]))
            #expect(
                try await rotated.versions(path: "a/b/\(number)").first?.keyID == rotated.envelope.keys.currentKeyID)
        }
    }

    @Test("writes and deletes of one path at the same time leave either a live version or none, never half of one")
    func writesAgainstDeletes() async throws {
        let (resources, test) = try await repository()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<UInt8(60) {
                group.addTask {
                    if number % 3 == 0 {
                        _ = try await resources.delete(path: "a/b/c", by: "eve")
                    } else {
                        _ = try await resources.put(path: "a/b/c", tenant: "a", value: SecretBytes([number]), by: "eve")
                    }
                }
            }
            try await group.waitForAll()
        }
        let risen = try await test.database.query(
            """
            SELECT 1 FROM resource_versions v JOIN resources r USING (path)
            WHERE v.wrapped_key IS NOT NULL AND v.version <= r.deleted_through
            """)
        #expect(risen.isEmpty)
        if let sealed = try await resources.sealed(path: "a/b/c") { _ = try resources.open(sealed) }
    }
}
