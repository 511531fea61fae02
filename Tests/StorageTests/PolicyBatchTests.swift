import TestSupport
import Testing

@testable import Storage

@Suite("Changes of several policies", .timeLimit(.minutes(5)))
struct PolicyBatchTests {
    private func policy(_ name: String) -> NewPolicy {
        NewPolicy(key: PolicyKey(kind: "ReleasePolicy", namespace: "a", name: name), text: "a: 1", digest: "d")
    }

    @Test("several policies are stored in one generation")
    func together() async throws {
        let test = try await TestDatabase.make()
        let policies = PolicyRepository(test.database, keys: test.keys)
        #expect(try await policies.put([policy("a"), policy("b"), policy("c")], origin: "o", by: "eve") == 1)
        #expect(try await policies.list().map(\.generation) == [1, 1, 1])
    }

    @Test("a change that was made for an older generation changes nothing")
    func outdated() async throws {
        let test = try await TestDatabase.make()
        let policies = PolicyRepository(test.database, keys: test.keys)
        _ = try await policies.put([policy("a")], origin: "o", by: "eve", after: 0)
        let values = ReferenceValueRepository(test.database, keys: test.keys)
        for change: () async throws -> Void in [
            { _ = try await policies.put([policy("b")], origin: "o", by: "eve", after: 0) },
            { _ = try await policies.delete(policy("a").key, by: "eve", after: 0) },
            { _ = try await policies.replace(origin: "o", with: [], by: "eve", after: 2) },
            { _ = try await values.put([(name: "v", value: "1")], by: "eve", after: 0) },
        ] {
            let error = await #expect(throws: StorageError.self) { try await change() }
            #expect(error?.code == .conflict)
        }
        #expect(try await policies.generation() == 1)
        #expect(try await policies.list().map(\.key.name) == ["a"])
        #expect(try await values.list().isEmpty)
    }

    @Test("A38: a session that is not there looks up no resource")
    func madeUpSession() async throws {
        let test = try await TestDatabase.make()
        let resources = ResourceRepository(test.database, keys: test.keys)
        _ = try await resources.put(path: "a/b/c", tenant: "a", value: .init([1]), by: "eve")
        let read = DecidingRead(test.database, keys: test.keys)
        #expect(try await read(path: "a/b/c").resource != nil)
        #expect(try await read(sessionHash: [1], path: "a/b/c").resource == nil)
        try await SessionRepository(test.database, keys: test.keys).open(
            nonceHash: [2], nonceExpires: .distantFuture, sessionHash: [1], payload: [3], expires: .distantFuture)
        #expect(try await read(sessionHash: [1], path: "a/b/c").resource != nil)
    }
}
