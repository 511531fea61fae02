import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite("The seal over the policies", .timeLimit(.minutes(5)))
struct PolicySealTests {
    private func policy(_ name: String, text: String = "a: 1") -> NewPolicy {
        NewPolicy(key: PolicyKey(kind: "ReleasePolicy", namespace: "a", name: name), text: text, digest: "d")
    }

    /// A database with a policy, a reference value and a bundle of one document.
    private func filled() async throws -> (TestDatabase, PolicyRepository) {
        let test = try await TestDatabase.make()
        let policies = PolicyRepository(test.database, keys: test.keys)
        _ = try await policies.put(policy("p"), origin: "api", by: "eve")
        _ = try await ReferenceValueRepository(test.database, keys: test.keys)
            .put(name: "n", value: "1", expires: Date(timeIntervalSince1970: 1_900_000_000.123456), by: "eve")
        let bundle = NewPolicyBundle(name: "b", serial: 5, digest: "d5", text: "{}")
        _ = try await policies.put(bundle, [policy("q")], exclusive: false, by: "eve", after: 2)
        #expect(try await policies.snapshot().violations.isEmpty)
        return (test, policies)
    }

    @Test(
        "A47: whatever a writer to the database does to policies, reference values and bundles, it is seen and named",
        arguments: [
            ("UPDATE policies SET body = 'a: 2' WHERE name = 'p'", "ReleasePolicy/a/p was changed"),
            ("UPDATE policies SET origin = 'bundle/b' WHERE name = 'p'", "ReleasePolicy/a/p was changed"),
            ("UPDATE policies SET name = 'z' WHERE name = 'p'", "ReleasePolicy/a/z was added"),
            ("UPDATE policies SET namespace = 'other' WHERE name = 'p'", "ReleasePolicy/other/p was added"),
            ("DELETE FROM policies WHERE name = 'p'", "ReleasePolicy/a/p was removed"),
            (
                """
                INSERT INTO policies (kind, namespace, name, body, digest, origin, generation, updated_by)
                SELECT kind, namespace, 'new', body, digest, origin, generation, updated_by FROM policies WHERE name = 'p'
                """, "ReleasePolicy/a/new was added"
            ),
            ("UPDATE reference_values SET value = '2'", "the reference value n was changed"),
            ("UPDATE reference_values SET expires_at = NULL", "the reference value n was changed"),
            ("DELETE FROM reference_values", "the reference value n was removed"),
            ("UPDATE policy_bundles SET serial = 4", "the bundle b was changed"),
            ("DELETE FROM policy_bundles", "the bundle b was removed"),
            ("UPDATE generation SET value = value + 1", "generation 3"),
            ("UPDATE policy_seal SET generation = 2", "The seal over"),
            ("UPDATE policy_seal SET entries = '[]'", "The seal over"),
            ("UPDATE policy_seal SET mac = decode('00', 'hex')", "The seal over"),
            ("UPDATE policy_seal SET key_id = 'other'", "The seal over"),
            ("DELETE FROM policy_seal", "There is no seal"),
        ])
    func tampering(_ statement: String, _ sentence: String) async throws {
        let (test, policies) = try await filled()
        _ = try await test.database.query(statement)
        let violations = try await policies.snapshot().violations
        #expect(violations.contains { $0.contains(sentence) }, "\(violations)")
    }

    @Test("A35: old rows and their old seal under a new generation are no valid state")
    func rollback() async throws {
        let (test, policies) = try await filled()
        for table in ["policies", "reference_values", "policy_bundles", "policy_seal"] {
            _ = try await test.database.query("CREATE TABLE old_\(table) AS TABLE \(table)")
        }
        _ = try await policies.put(policy("p", text: "stricter"), origin: "api", by: "eve")
        for table in ["policies", "reference_values", "policy_bundles", "policy_seal"] {
            _ = try await test.database.query("DELETE FROM \(table)")
            _ = try await test.database.query("INSERT INTO \(table) SELECT * FROM old_\(table)")
        }
        #expect(try await !policies.snapshot().violations.isEmpty)
        await expect(.corrupt) { () async throws(StorageError) in
            _ = try await policies.put(policy("x"), origin: "api", by: "eve")
        }
        // Only with the generation put back as well it is what it was: brokers that saw the newer one remember that.
        _ = try await test.database.query("UPDATE generation SET value = value - 1")
        #expect(try await policies.snapshot().violations.isEmpty)
    }

    @Test("a change does not bless what somebody did to another row, and mends what it replaces or removes")
    func incremental() async throws {
        let (test, policies) = try await filled()
        _ = try await test.database.query("UPDATE policies SET body = 'evil' WHERE name = 'p'")
        _ = try await test.database.query(
            """
            INSERT INTO policies (kind, namespace, name, body, digest, origin, generation, updated_by)
            VALUES ('ReleasePolicy', 'a', 'evil', 'b', 'c', 'api', 1, 'eve')
            """)
        _ = try await test.database.query("DELETE FROM reference_values")
        _ = try await policies.put(policy("other"), origin: "api", by: "eve")
        #expect(try await policies.snapshot().violations.count == 3)
        _ = try await policies.put(policy("p"), origin: "api", by: "eve")
        _ = try await policies.delete(policy("evil").key, by: "eve")
        #expect(try await policies.snapshot().violations == ["the reference value n was removed past the brokers."])
        #expect(try await ReferenceValueRepository(test.database, keys: test.keys).delete(name: "n", by: "eve") != nil)
        #expect(try await policies.snapshot().violations.isEmpty)
    }

    @Test("other keys make no valid seal, a rotated ring takes the old one over, and then the old key can go")
    func keyRotation() async throws {
        let (test, policies) = try await filled()
        #expect(try await !policies.renewSeal())
        let stranger = PolicyRepository(test.database, keys: .generate())
        #expect(try await !stranger.snapshot().isSealed)
        #expect(try await !stranger.renewSeal())
        let ring = test.keys.rotated()
        let rotated = PolicyRepository(test.database, keys: ring)
        #expect(try await rotated.renewSeal())
        #expect(try await !rotated.renewSeal())
        #expect(try await rotated.snapshot().violations.isEmpty)
        let alone = try KeyEncryptionKeyRing(keys: Array(ring.allKeys.prefix(1)))
        #expect(try await PolicyRepository(test.database, keys: alone).snapshot().violations.isEmpty)
        #expect(try await !policies.snapshot().isSealed)
    }

    @Test("an operator adopts the rows that he looked at, and not what somebody makes of them meanwhile")
    func adoption() async throws {
        let (test, policies) = try await filled()
        _ = try await test.database.query("UPDATE policies SET body = 'a: 1' WHERE name = 'p'")
        _ = try await test.database.query("DELETE FROM policy_seal")
        let seen = try await policies.snapshot()
        _ = try await test.database.query("UPDATE policies SET body = 'evil' WHERE name = 'p'")
        #expect(try await policies.adopt(seen, allowingOlderBundles: true) == 4)
        #expect(try await policies.snapshot().violations == ["ReleasePolicy/a/p was changed past the brokers."])
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await policies.adopt(seen, allowingOlderBundles: true)
        }
        _ = try await test.database.query("UPDATE policies SET body = 'a: 1' WHERE name = 'p'")
        let adopted = try await policies.snapshot()
        #expect(adopted.violations.isEmpty && adopted.mark(ofBundle: "b") == BundleMark(serial: 5, digest: "d5"))
    }

    @Test(
        "A35: bundles that went back are not adopted unless the operator says so, also under a generation of its own",
        arguments: [
            ("UPDATE policy_bundles SET serial = 4", "The bundle b has the serial 4; it had 5."),
            (
                "UPDATE policy_bundles SET digest = 'x'",
                "The bundle b has the serial 5 and another content than it had."
            ),
            ("DELETE FROM policy_bundles", "The bundle b is gone; it had the serial 5."),
            ("DELETE FROM policy_seal", "The seal is lost: it may be that the bundle b is not the newest of its name."),
        ])
    func adoptingOlderBundles(_ statement: String, _ sentence: String) async throws {
        let (test, policies) = try await filled()
        #expect(try await policies.snapshot().bundleSetbacks.isEmpty)
        _ = try await test.database.query(statement)
        _ = try await test.database.query("UPDATE generation SET value = value + 1")
        let seen = try await policies.snapshot()
        #expect(seen.bundleSetbacks.contains(sentence))
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await policies.adopt(seen, allowingOlderBundles: false)
        }
        _ = try await policies.adopt(seen, allowingOlderBundles: true)
        #expect(try await policies.snapshot().violations.isEmpty)
    }

    @Test(
        "A35: a bundle that was dropped is remembered: an older one of its name cannot come back, the very same and newer can"
    )
    func droppedBundles() async throws {
        let (_, policies) = try await filled()
        func bundle(_ name: String, _ serial: Int64, _ digest: String? = nil) -> NewPolicyBundle {
            NewPolicyBundle(name: name, serial: serial, digest: digest ?? "d\(serial)", text: "{}")
        }
        _ = try await policies.put(bundle("c", 1), [policy("x")], exclusive: false, dropping: ["b"], by: "e", after: 3)
        // Also when an operator had to vouch for the rows meanwhile.
        let dropped = try await policies.snapshot()
        #expect(dropped.violations.isEmpty && dropped.bundleSetbacks.isEmpty)
        _ = try await policies.adopt(dropped, allowingOlderBundles: false)
        #expect(try await policies.snapshot().mark(ofBundle: "b") == BundleMark(serial: 5, digest: "d5"))
        for old in [bundle("b", 4), bundle("b", 5, "another")] {
            await expect(.conflict) { () async throws(StorageError) in
                _ = try await policies.put(old, [policy("y")], exclusive: false, by: "e", after: 5)
            }
        }
        _ = try await policies.put(bundle("b", 5), [policy("y")], exclusive: false, by: "e", after: 5)
        let returned = try await policies.snapshot()
        #expect(returned.violations.isEmpty && returned.bundles.map(\.name) == ["b", "c"])
        #expect(try await policies.put(bundle("b", 6), [policy("y")], exclusive: false, by: "e", after: 6) == 7)
    }

    @Test("A54: a seal of an older generation, put back with its rows, is a step back, and remembers what it knows")
    func olderSeal() async throws {
        let (test, policies) = try await filled()
        let tables = ["policies", "policy_bundles", "policy_seal"]
        for table in tables { _ = try await test.database.query("CREATE TABLE old_\(table) AS TABLE \(table)") }
        let newer = NewPolicyBundle(name: "b", serial: 6, digest: "d6", text: "{}")
        _ = try await policies.put(newer, [policy("q")], exclusive: false, by: "eve", after: 3)
        for table in tables {
            _ = try await test.database.query("DELETE FROM \(table)")
            _ = try await test.database.query("INSERT INTO \(table) SELECT * FROM old_\(table)")
        }
        let seen = try await policies.snapshot()
        #expect(seen.violations == ["The seal is that of generation 3, and the database says 4."])
        #expect(seen.isSealBehind && seen.bundleSetbacks == [seen.sealIsBehind])
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await policies.adopt(seen, allowingOlderBundles: false)
        }
        _ = try await policies.adopt(seen, allowingOlderBundles: true)
        #expect(try await policies.snapshot().mark(ofBundle: "b") == BundleMark(serial: 5, digest: "d5"))
    }

    @Test("a bundle that is dropped for another goes with its documents, and frees their names")
    func dropping() async throws {
        let (_, policies) = try await filled()
        let other = NewPolicyBundle(name: "c", serial: 1, digest: "d", text: "{}")
        _ = try await policies.put(other, [policy("q")], exclusive: false, dropping: ["b"], by: "eve", after: 3)
        let snapshot = try await policies.snapshot()
        #expect(snapshot.violations.isEmpty && snapshot.bundles.map(\.name) == ["c"])
        #expect(snapshot.policies.map(\.origin) == ["api", "bundle/c"])
        let history = try await policies.history(PolicyKey(kind: "PolicyBundle", namespace: nil, name: "b"))
        #expect(history.map(\.change) == [.delete, .put])
    }

    @Test("a bundle replaces the older one of its name as a whole and never goes back, whatever its row says")
    func bundles() async throws {
        let (test, policies) = try await filled()
        func bundle(_ serial: Int64, _ digest: String? = nil) -> NewPolicyBundle {
            NewPolicyBundle(name: "b", serial: serial, digest: digest ?? "d\(serial)", text: "{}")
        }
        _ = try await policies.put(bundle(6), [policy("r"), policy("p")], exclusive: false, by: "eve", after: 3)
        #expect(try await policies.list(origin: "bundle/b").map(\.key.name) == ["p", "r"])
        _ = try await test.database.query("UPDATE policy_bundles SET serial = 1")
        for old in [bundle(5), bundle(6, "another")] {
            await expect(.conflict) { () async throws(StorageError) in
                _ = try await policies.put(old, [], exclusive: false, by: "eve", after: 4)
            }
        }
        _ = try await policies.put(bundle(6), [policy("r"), policy("p")], exclusive: false, by: "eve", after: 4)
        #expect(try await policies.snapshot().violations.isEmpty)
        let second = NewPolicyBundle(name: "c", serial: 1, digest: "d", text: "{}")
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await policies.put(second, [policy("r")], exclusive: false, by: "eve", after: 5)
        }
        _ = try await policies.put(policy("loose"), origin: "api", by: "eve")
        _ = try await policies.put(second, [policy("s")], exclusive: true, by: "eve", after: 6)
        let snapshot = try await policies.snapshot()
        #expect(snapshot.policies.map(\.key.name) == ["p", "r", "s"] && snapshot.referenceValues.isEmpty)
        #expect(snapshot.violations.isEmpty)
        let history = try await policies.history(PolicyKey(kind: "PolicyBundle", namespace: nil, name: "b"))
        #expect(history.map(\.digest) == ["d6", "d6", "d5"])
    }

    @Test("brokers that are alive are listed, and those that ended or fell silent are not")
    func replicas() async throws {
        let test = try await TestDatabase.make()
        let replicas = ReplicaRepository(test.database)
        try await replicas.report(id: "one", generation: 1, bundleDigest: "x", problem: nil)
        try await replicas.report(id: "two", generation: 1, bundleDigest: "x", problem: "policies_invalid")
        try await replicas.report(id: "one", generation: 2, bundleDigest: "y", problem: nil)
        #expect(try await replicas.list().map(\.generation) == [2, 1])
        #expect(try await replicas.list().map(\.problem) == [nil, "policies_invalid"])
        try await replicas.remove(id: "two")
        #expect(try await replicas.list().map(\.id) == ["one"])
        _ = try await test.database.query("UPDATE replicas SET seen_at = now() - interval '1 minute'")
        #expect(try await replicas.list().isEmpty)
        try await replicas.report(id: "three", generation: 1, bundleDigest: "x", problem: nil)
        #expect(try await test.database.query("SELECT id FROM replicas").count == 1)
    }
}
