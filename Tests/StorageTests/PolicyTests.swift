import Foundation
import TestSupport
import Testing

@testable import Storage

@Suite("Policies and reference values", .timeLimit(.minutes(5)))
struct PolicyTests {
    private func policy(_ name: String, namespace: String? = "payments", text: String = "a: 1\n") -> NewPolicy {
        NewPolicy(
            key: PolicyKey(kind: "ReleasePolicy", namespace: namespace, name: name), text: text,
            digest: "d-\(text.count)")
    }

    private func repository() async throws -> (PolicyRepository, TestDatabase) {
        let test = try await TestDatabase.make()
        return (PolicyRepository(test.database, keys: test.keys), test)
    }

    @Test("a policy is stored, replaced and removed, each change is a generation and stays in the history")
    func lifeCycle() async throws {
        let (policies, _) = try await repository()
        let key = policy("keys").key
        #expect(try await policies.generation() == 0)
        #expect(try await policies.put(policy("keys"), origin: "api", by: "eve") == 1)
        #expect(try await policies.put(policy("keys", text: "a: 22\n"), origin: "file", by: "bob") == 2)
        let stored = try #require(try await policies.get(key))
        #expect(
            stored.text == "a: 22\n" && stored.origin == "file" && stored.generation == 2 && stored.updatedBy == "bob")
        #expect(stored.digest == "d-6")
        #expect(try await policies.delete(key, by: "carol") == 3)
        #expect(try await policies.get(key) == nil)
        #expect(try await policies.delete(key, by: "carol") == nil)
        #expect(try await policies.generation() == 3)
        let history = try await policies.history(key)
        #expect(history.map(\.generation) == [3, 2, 1])
        #expect(history.map(\.change) == [.delete, .put, .put])
        #expect(history.map(\.text) == [nil, "a: 22\n", "a: 1\n"])
        #expect(history.map(\.changedBy) == ["carol", "bob", "eve"])
    }

    @Test("cluster scope and namespaces do not mix")
    func scopes() async throws {
        let (policies, _) = try await repository()
        _ = try await policies.put(policy("p", namespace: nil), origin: "api", by: "eve")
        _ = try await policies.put(policy("p", namespace: "payments"), origin: "api", by: "eve")
        #expect(try await policies.list().map(\.key.namespace) == [nil, "payments"])
        #expect(try await policies.list(namespace: "").map(\.key.namespace) == [nil])
        #expect(try await policies.list(kind: "Other").isEmpty)
        #expect(policy("p", namespace: "").key == policy("p", namespace: nil).key)
        #expect(policy("p").key.description == "ReleasePolicy/payments/p")
    }

    @Test("replacing an origin's policies is one generation and leaves other origins alone")
    func replaceOrigin() async throws {
        let (policies, _) = try await repository()
        _ = try await policies.put(policy("other"), origin: "api", by: "eve")
        #expect(try await policies.replace(origin: "k8s", with: [policy("a"), policy("b")], by: "sync") == 2)
        #expect(
            try await policies.replace(origin: "k8s", with: [policy("b", text: "b"), policy("c")], by: "sync") == 3)
        #expect(try await policies.list(origin: "k8s").map(\.key.name) == ["b", "c"])
        #expect(try await policies.list().map(\.key.name) == ["b", "c", "other"])
        #expect(try await policies.replace(origin: "k8s", with: [], by: "sync") == 4)
        #expect(try await policies.list().map(\.key.name) == ["other"])
        #expect(try await policies.history(policy("a").key).map(\.change) == [.delete, .put])
    }

    @Test("a synchronised origin cannot take over another origin's policy, and then changes nothing")
    func takeOver() async throws {
        let (policies, _) = try await repository()
        _ = try await policies.put(policy("guard"), origin: "api", by: "eve")
        _ = try await policies.replace(origin: "k8s", with: [policy("mine")], by: "sync")
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await policies.replace(origin: "k8s", with: [policy("guard", text: ""), policy("new")], by: "sync")
        }
        #expect(try await policies.list().map(\.key.name) == ["guard", "mine"])
        #expect(try await policies.generation() == 2)
    }

    @Test("concurrent changes make as many generations, without a gap or a double")
    func concurrentChanges() async throws {
        let (policies, test) = try await repository()
        let replica = PolicyRepository(try await test.connect(), keys: test.keys)
        let values = ReferenceValueRepository(test.database, keys: test.keys)
        let generations = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<30 {
                group.addTask {
                    switch number % 3 {
                    case 0: try await policies.put(policy("p\(number % 4)"), origin: "api", by: "eve")
                    case 1: try await replica.put(policy("p\(number % 4)"), origin: "api", by: "bob")
                    default: try await values.put(name: "v", value: "\(number)", by: "eve")
                    }
                }
            }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(generations == Set(1...30))
        let recorded = try await test.database.query("SELECT count(DISTINCT generation) FROM policy_history")
        #expect(try recorded[0].int(0) == 30)
    }

    @Test("a change notifies the new generation")
    func notification() async throws {
        let (policies, test) = try await repository()
        var heard = test.database.notifications(channel: PolicyRepository.channel).makeAsyncIterator()
        #expect(await heard.next() == .listening)
        _ = try await PolicyRepository(try await test.connect(), keys: test.keys).put(
            policy("p"), origin: "api", by: "eve")
        #expect(await heard.next() == .notified(payload: "1"))
        _ = try await ReferenceValueRepository(test.database, keys: test.keys).put(name: "n", value: "[]", by: "eve")
        #expect(await heard.next() == .notified(payload: "2"))
        _ = try await policies.delete(policy("p").key, by: "eve")
        #expect(await heard.next() == .notified(payload: "3"))
    }

    @Test("reference values are kept as they were written, with expiry and history")
    func referenceValues() async throws {
        let (_, test) = try await repository()
        let values = ReferenceValueRepository(test.database, keys: test.keys)
        let expires = Date(timeIntervalSince1970: 1_900_000_000)
        _ = try await values.put(name: "m", value: #"[1e2, "a"]"#, expires: expires, by: "eve")
        _ = try await values.put([("k", "1"), ("l", "2")], by: "eve")
        let stored = try #require(try await values.get(name: "m"))
        #expect(stored.value == #"[1e2, "a"]"# && stored.expires == expires && stored.generation == 1)
        #expect(try await values.list().map(\.name) == ["k", "l", "m"])
        #expect(try await values.list().map(\.generation) == [2, 2, 1])
        #expect(try await values.delete(name: "m", by: "bob") == 3)
        #expect(try await values.delete(name: "m", by: "bob") == nil)
        #expect(try await values.history(name: "m").map(\.change) == [.delete, .put])
    }

    @Test("a snapshot holds policies and reference values of one generation")
    func snapshot() async throws {
        let (policies, test) = try await repository()
        #expect(try await policies.snapshot().generation == 0)
        _ = try await policies.put(policy("b"), origin: "api", by: "eve")
        _ = try await policies.put(policy("a", namespace: nil), origin: "api", by: "eve")
        _ = try await ReferenceValueRepository(test.database, keys: test.keys).put(name: "n", value: "true", by: "eve")
        let snapshot = try await policies.snapshot()
        #expect(snapshot.generation == 3)
        #expect(snapshot.policies == (try await policies.list()))
        #expect(snapshot.referenceValues == (try await ReferenceValueRepository(test.database, keys: test.keys).list()))
    }
}

@Suite("Migrations", .timeLimit(.minutes(5)))
struct MigrationTests {
    private let next = Migration(version: 900, name: "next", text: "CREATE TABLE added (x bigint); SELECT 1;")

    @Test("migrating again changes nothing, and many at once agree")
    func repeated() async throws {
        let database = try await TestDatabase.make().database
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<5 { group.addTask { try await Migrations.migrate(database, Migration.all + [next]) } }
            try await group.waitForAll()
        }
        #expect(try await database.query("SELECT * FROM claviger_migrations").count == Migration.all.count + 1)
        #expect(try await database.query("SELECT * FROM added").isEmpty)
    }

    @Test("a schema that is newer than the program is refused")
    func newer() async throws {
        let database = try await TestDatabase.make().database
        try await Migrations.migrate(database, Migration.all + [next])
        await expect(.schema) { () async throws(StorageError) in try await Migrations.migrate(database) }
    }

    @Test("a schema that was made by another text is refused")
    func changed() async throws {
        let database = try await TestDatabase.make().database
        _ = try await database.query("UPDATE claviger_migrations SET checksum = 'x'")
        await expect(.schema) { () async throws(StorageError) in try await Migrations.migrate(database) }
    }

    @Test("a step that fails leaves nothing of itself")
    func failing() async throws {
        let database = try await TestDatabase.make().database
        let broken = Migration(version: 900, name: "broken", text: "CREATE TABLE half (x bigint); SELECT nonsense;")
        await expect(.internal) { () async throws(StorageError) in
            try await Migrations.migrate(database, Migration.all + [broken])
        }
        #expect(try await database.query("SELECT to_regclass('half') IS NULL")[0].bool(0))
        try await Migrations.migrate(database)
    }

    @Test("a step that was left out is refused")
    func gap() {
        expect(.schema) { () throws(StorageError) in
            _ = try MigrationPlan(applied: [(900, next.checksum)], known: Migration.all + [next])
        }
    }
}
