import TestSupport
import Testing

@testable import Storage

@Suite("What is stored of sources", .timeLimit(.minutes(5)))
struct PolicySourceTests {
    private func policy(_ name: String) -> NewPolicy {
        NewPolicy(key: PolicyKey(kind: "ReleasePolicy", namespace: "a", name: name), text: "a: 1", digest: "d")
    }

    private func change(
        _ names: [String], fence: Int64, removed: [String] = [], source: String = "s"
    ) -> PolicySourceChange {
        PolicySourceChange(
            source: source, fence: fence, put: names.map(policy), removed: Set(removed.map { policy($0).key }),
            uids: Dictionary(uniqueKeysWithValues: names.map { (policy($0).key, "u-\($0)") }))
    }

    private func conflicts(_ policies: PolicyRepository, _ change: PolicySourceChange, after seen: Int64) async {
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await policies.apply(change, by: "eve", after: seen)
        }
    }

    @Test("documents, fence and objects are stored together, and the seal covers the documents")
    func together() async throws {
        let test = try await TestDatabase.make()
        let policies = PolicyRepository(test.database, keys: test.keys)
        #expect(try await policies.apply(change(["a", "b"], fence: 4), by: "eve", after: 0) == 1)
        #expect(try await policies.apply(change(["b"], fence: 5, removed: ["a"]), by: "eve", after: 1) == 2)
        let source = try #require(try await policies.source("s"))
        #expect((source.fence, source.documents, source.updatedBy) == (5, 1, "eve"))
        #expect(try await policies.uids(ofSource: "s") == [policy("b").key: "u-b"])
        let snapshot = try await policies.snapshot()
        #expect(snapshot.violations.isEmpty)
        #expect(snapshot.origin(of: policy("b").key) == "source/s")
        #expect(try await policies.history(policy("a").key).map(\.change) == [.delete, .put])
    }

    @Test("the database itself refuses a leader that was overtaken, whatever the writer checked before")
    func fence() async throws {
        let test = try await TestDatabase.make()
        let policies = PolicyRepository(test.database, keys: test.keys)
        _ = try await policies.apply(change(["a"], fence: 5), by: "eve", after: 0)
        for late in [change(["b"], fence: 4), change([], fence: 4)] {
            await conflicts(policies, late, after: 1)
        }
        #expect(try await policies.generation() == 1)
        #expect(try await policies.apply(change([], fence: 6), by: "eve", after: 1) == 1)
        await conflicts(policies, change([], fence: 7), after: 0)
        #expect(try await policies.source("s")?.fence == 6)
    }

    @Test("documents of others are neither replaced nor removed")
    func owners() async throws {
        let test = try await TestDatabase.make()
        let policies = PolicyRepository(test.database, keys: test.keys)
        _ = try await policies.put(policy("admins"), origin: "admin", by: "eve")
        _ = try await policies.apply(change(["others"], fence: 1, source: "t"), by: "eve", after: 1)
        for name in ["admins", "others"] {
            await conflicts(policies, change([name], fence: 1), after: 2)
            await conflicts(policies, change([], fence: 1, removed: [name]), after: 2)
        }
        #expect(try await policies.source("s") == nil)
    }

    @Test("there is room for so many sources and no more")
    func room() async throws {
        let test = try await TestDatabase.make()
        let policies = PolicyRepository(test.database, keys: test.keys)
        for index in 0..<PolicySource.maximumCount {
            _ = try await policies.apply(change([], fence: 1, source: "s\(index)"), by: "eve", after: 0)
        }
        await conflicts(policies, change([], fence: 1, source: "more"), after: 0)
        _ = try await policies.apply(change([], fence: 2, source: "s0"), by: "eve", after: 0)
        #expect(try await policies.hasRoom(forSource: "s0"))
        #expect(try await !policies.hasRoom(forSource: "more"))
        // One too many, however it came there, stops nobody else.
        _ = try await test.database.query(
            "INSERT INTO policy_sources (name, fence, updated_by) VALUES ('beyond', 1, 'somebody')")
        _ = try await policies.apply(change([], fence: 3, source: "s0"), by: "eve", after: 0)
        await conflicts(policies, change([], fence: 1, source: "more"), after: 0)
    }

    @Test("of sources that are new at once no more are taken than there is room for")
    func roomAtOnce() async throws {
        let test = try await TestDatabase.make(connections: 4)
        let policies = PolicyRepository(test.database, keys: test.keys)
        for index in 0..<(PolicySource.maximumCount - 1) {
            _ = try await policies.apply(change([], fence: 1, source: "s\(index)"), by: "eve", after: 0)
        }
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<6 {
                group.addTask {
                    _ = try? await policies.apply(change([], fence: 1, source: "new\(index)"), by: "eve", after: 0)
                }
            }
        }
        #expect(try await policies.sources().count == PolicySource.maximumCount)
    }
}
