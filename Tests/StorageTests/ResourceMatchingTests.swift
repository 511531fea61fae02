import Encodings
import TestSupport
import Testing

@testable import Storage

@Suite("How many resources patterns are about", .timeLimit(.minutes(5)))
struct ResourceMatchingTests {
    @Test(
        "each resource counts once for a set, shapes of several sets are for all of them, and nothing is read as more")
    func sets() async throws {
        let test = try await TestDatabase.make()
        let resources = ResourceRepository(test.database, keys: test.keys)
        for path in ["a/k/1", "a/k/2", "a/c/1", "b/k/1"] {
            _ = try await resources.put(path: path, tenant: String(path.prefix(1)), value: SecretBytes([1]), by: "eve")
        }
        let (all, keys) = (ResourceShape(["a", nil, nil]), ResourceShape(["a", "k", nil]))
        let ones = ResourceShape(["a", nil, "1"])
        let odd = ResourceShape(["a\",\"b", "k\\", "{1}\u{301}\"\u{301}"])
        let counts = try await resources.matches([[all, keys, ones], [keys], [ones, odd], [odd], [], [keys]])
        #expect(counts == [.known(3), .known(2), .known(2), .known(0), .known(0), .known(2)])
    }

    @Test("secrets that are due come from each namespace in turn, and no namespace has more than its share")
    func due() async throws {
        let test = try await TestDatabase.make()
        let secrets = SecretRepository(test.database, keys: test.keys)
        _ = try await test.database.query(
            """
            INSERT INTO brokered_secrets (namespace, name, source, path, next_rotation, revision, key_id, content)
            SELECT 'aaa', 'n' || n, 's', 'aaa/n/' || n, 1000 - n, 1, 'k', '\\x00' FROM generate_series(1, 500) n
            """)
        _ = try await test.database.query(
            """
            INSERT INTO brokered_secrets (namespace, name, source, path, next_rotation, revision, key_id, content)
            SELECT 'zoo', 'n' || n, 's', 'zoo/n/' || n, 2000 * n, 1, 'k', '\\x00' FROM generate_series(1, 2) n
            """)
        let due = try await secrets.due(at: 2_500, share: 10, limit: 1_000)
        #expect(due.map(\.namespace) == ["aaa", "zoo"] + Array(repeating: "aaa", count: 9))
        #expect(due.prefix(3).map(\.name) == ["n500", "n1", "n499"])
        #expect(try await secrets.isAnyDue(at: 2_500))
        #expect(try await !secrets.isAnyDue(at: 400))
    }
}
