import Synchronization
import TestSupport
import Testing

@testable import Storage

@Suite("What only one broker does at a time", .timeLimit(.minutes(5)))
struct ExclusiveTests {
    @Test("two brokers take turns under one name, and do not wait for each other under two")
    func turns() async throws {
        let test = try await TestDatabase.make()
        let other = try await test.connect()
        let inside = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for database in [test.database, other, test.database, other] {
                group.addTask {
                    try await database.exclusively("a", patience: .seconds(30)) {
                        inside.enter()
                        try? await Task.sleep(for: .milliseconds(30))
                        inside.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(inside.most == 1)
        let nested = try await test.database.exclusively("a", patience: .seconds(30)) {
            await outcome { () async throws(StorageError) in
                try await other.exclusively("b", patience: .seconds(30)) { true }
            }
        }
        #expect(try nested.get())
    }

    @Test("who waits longer than his patience is told so")
    func patience() async throws {
        let test = try await TestDatabase.make()
        let refused = try await test.database.exclusively("a", patience: .seconds(30)) {
            await outcome { () async throws(StorageError) in
                try await test.database.exclusively("a", patience: .milliseconds(50)) { true }
            }
        }
        guard case .failure(let error) = refused else {
            Issue.record("two were inside at once")
            return
        }
        #expect(error.isUnavailable)
    }

    private final class Counter: Sendable {
        private let counts = Mutex((now: 0, most: 0))
        var most: Int { counts.withLock { $0.most } }
        func enter() { counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
        func leave() { counts.withLock { $0.now -= 1 } }
    }
}
