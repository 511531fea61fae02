import KubernetesTestSupport
import Synchronization
import Testing

@testable import Kubernetes

@Suite(.timeLimit(.minutes(5))) struct WorkQueueTests {
    private final class Journal: Sendable {
        private let entries = Mutex<[String]>([])
        var all: [String] { entries.withLock { $0 } }
        func note(_ key: String) { entries.withLock { $0.append(key) } }
    }

    private final class Accounts: Sendable {
        struct Account {
            var wanted: [Int: Int] = [:]
            var seen: [Int: Int] = [:]
            var inWork: Set<Int> = []
            var collisions = 0
        }

        let account = Mutex(Account())
    }

    /// Runs a queue until `check` has returned.
    private func run(
        _ queue: WorkQueue<String>, workers: Int = 2,
        _ process: @escaping @Sendable (String) async -> WorkQueue<String>.Outcome,
        _ check: @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { await queue.run(workers: workers, process) }
            try await check()
            group.cancelAll()
        }
    }

    @Test func `A key that is added many times before it is worked on is worked on once`() async throws {
        let queue = WorkQueue<String>(name: "t", environment: .manual(ManualClock()))
        let journal = Journal()
        for _ in 0..<100 { queue.add("a") }
        queue.add("b")
        #expect(queue.depth == 2)
        try await run(queue) { key in
            journal.note(key)
            return .done
        } _: {
            try await eventually { journal.all.count == 2 }
            #expect(Set(journal.all) == ["a", "b"])
        }
        #expect(journal.all.count == 2)
    }

    @Test func `Whoever has one key waits for one key of each other group, however many they have`() async throws {
        let queue = WorkQueue<String>(name: "t", environment: .manual(ManualClock())) { String($0.prefix(1)) }
        let journal = Journal()
        for number in 0..<1_000 { queue.add("a\(number)") }
        queue.add("b0")
        queue.add("c0")
        #expect(queue.depth == 1_002)
        try await run(queue, workers: 1) { key in
            journal.note(key)
            return .done
        } _: {
            try await eventually { journal.all.count == 1_002 }
        }
        #expect(Array(journal.all.prefix(4)) == ["a0", "b0", "c0", "a1"])
        #expect(Set(journal.all).count == 1_002)
    }

    @Test func `However many keys fail, none is retried later than after the longest wait`() async throws {
        let clock = ManualClock()
        let queue = WorkQueue<String>(name: "t", environment: .manual(clock))
        let journal = Journal()
        // At ten retries a second these owe 990 s.
        for number in 0..<10_000 { queue.add("a\(number)") }
        try await run(queue) { key in
            if key == "late" { journal.note(key) }
            return .failed
        } _: {
            try await eventually { queue.depth == 0 }
            queue.add("late")
            try await eventually { journal.all == ["late"] }
            // Twice, as the first may come while the failure is still being noted. Both together are far less than is owed.
            for _ in 0..<2 {
                await clock.waitForSleepers()
                clock.advance(by: .seconds(300))
            }
            try await eventually { journal.all.count >= 2 }
        }
    }

    @Test func `A key that is added while it is worked on is worked on again, after that work`() async throws {
        let queue = WorkQueue<String>(name: "t", environment: .manual(ManualClock()))
        let journal = Journal()
        let gate = Latch()
        queue.add("a")
        try await run(queue, workers: 8) { key in
            journal.note("begin")
            try? await gate.wait()
            journal.note("end")
            return .done
        } _: {
            try await eventually { journal.all == ["begin"] }
            queue.add("a")
            queue.add("a")
            #expect(queue.depth == 0)
            gate.open()
            try await eventually { journal.all.count == 4 }
            #expect(journal.all == ["begin", "end", "begin", "end"])
        }
    }

    @Test func `Many workers and adders: no key is worked on twice at once, and none is forgotten`() async throws {
        let journal = Accounts()
        let queue = WorkQueue<Int>(name: "t")
        await withTaskGroup { group in
            for adder in 0..<8 {
                group.addTask {
                    for step in 0..<2_000 {
                        let key = (step * 7 + adder) % 50
                        journal.account.withLock { $0.wanted[key, default: 0] += 1 }
                        queue.add(key)
                        if step % 64 == 0 { await Task.yield() }
                    }
                }
            }
            group.addTask {
                await queue.run(workers: 6) { key in
                    let wanted = journal.account.withLock { account in
                        if !account.inWork.insert(key).inserted { account.collisions += 1 }
                        return account.wanted[key]
                    }
                    await Task.yield()
                    journal.account.withLock { account in
                        account.inWork.remove(key)
                        account.seen[key] = wanted
                    }
                    return .done
                }
            }
            for _ in 0..<8 { await group.next() }
            queue.shutDown()
        }
        let result = journal.account.withLock { $0 }
        #expect(result.collisions == 0)
        #expect(result.seen == result.wanted)
    }

    @Test func `A key for later comes at its time, and the earliest of several times counts`() async throws {
        let clock = ManualClock()
        let queue = WorkQueue<String>(name: "t", environment: .manual(clock))
        let journal = Journal()
        queue.add("late", after: .seconds(60))
        queue.add("a", after: .seconds(30))
        queue.add("a", after: .seconds(10))
        queue.add("a", after: .seconds(20))
        try await run(queue) { key in
            journal.note(key)
            return .done
        } _: {
            await clock.waitForSleepers()
            clock.advance(by: .seconds(9))
            for _ in 0..<20 { await Task.yield() }
            #expect(journal.all.isEmpty)
            clock.advance(by: .seconds(1))
            try await eventually { journal.all == ["a"] }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(45))
            for _ in 0..<20 { await Task.yield() }
            #expect(journal.all == ["a"])
            clock.advance(by: .seconds(5))
            try await eventually { journal.all == ["a", "late"] }
        }
    }

    @Test func `A new key wakes a queue that waits for a later one`() async throws {
        let clock = ManualClock()
        let queue = WorkQueue<String>(name: "t", environment: .manual(clock))
        let journal = Journal()
        queue.add("late", after: .seconds(3_600))
        try await run(queue) { key in
            journal.note(key)
            return .done
        } _: {
            await clock.waitForSleepers()
            queue.add("now")
            try await eventually { journal.all == ["now"] }
            queue.add("soon", after: .seconds(1))
            try await eventually { clock.sleeperCount == 1 }
            clock.advance(by: .seconds(1))
            try await eventually { journal.all == ["now", "soon"] }
        }
    }

    @Test func `Failures of a key are retried ever more slowly, and success forgets them`() async throws {
        let clock = ManualClock()
        let queue = WorkQueue<String>(name: "t", environment: .manual(clock, chance: 0.999_999))
        let tries = Atomic(0)
        queue.add("a")
        try await run(queue) { _ in
            tries.add(1, ordering: .relaxed).newValue == 12 ? .done : .failed
        } _: {
            let waits = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
            for (count, wait) in zip(1..<12, waits) {
                try await eventually { tries.load(ordering: .relaxed) == count && clock.sleeperCount == 1 }
                clock.advance(by: .seconds(wait) - .milliseconds(1))
                for _ in 0..<20 { await Task.yield() }
                #expect(tries.load(ordering: .relaxed) == count)
                clock.advance(by: .milliseconds(1))
            }
            try await eventually { tries.load(ordering: .relaxed) == 12 }
            queue.add("a")
            try await eventually { tries.load(ordering: .relaxed) == 13 }
            await clock.waitForSleepers()
            clock.advance(by: .seconds(2))
            try await eventually { tries.load(ordering: .relaxed) == 14 }
        }
    }

    @Test func `Depth, additions, waiting, work and retries are measured`() async throws {
        let metrics = KeptMetrics()
        let queue = WorkQueue<String>(name: "t", environment: .manual(ManualClock()), metrics: metrics)
        for key in ["a", "b", "b", "c"] { queue.add(key) }
        #expect(metrics["claviger_workqueue_depth"] == 3)
        #expect(metrics["claviger_workqueue_adds_total"] == 3)
        queue.shutDown()
        await queue.run(workers: 1) { $0 == "c" ? .failed : .done }
        #expect(metrics["claviger_workqueue_depth"] == 0)
        #expect(metrics["claviger_workqueue_retries_total"] == 1)
        #expect(metrics["claviger_workqueue_queue_duration_seconds"] == 3)
        #expect(metrics["claviger_workqueue_work_duration_seconds"] == 3)
    }

    @Test func `Retries of all keys together come at a bounded pace`() {
        var bucket = TokenBucket(burst: 100, interval: .milliseconds(100))
        let start = ContinuousClock.now
        let waits = (0..<1_000).map { _ in bucket.reserve(at: start) }
        #expect(waits.prefix(100).allSatisfy { $0 == .zero })
        #expect(waits[100] == .milliseconds(100))
        #expect(waits[999] == .seconds(90))
        #expect(bucket.reserve(at: start + .seconds(200)) == .zero)
    }

    @Test func `A queue that is shut down finishes what waits, drops what was for later, and takes nothing more`() async
    {
        let queue = WorkQueue<String>(name: "t", environment: .manual(ManualClock()))
        let journal = Journal()
        for key in ["a", "b", "c"] { queue.add(key) }
        queue.add("later", after: .seconds(5))
        await queue.run(workers: 1) { key in
            journal.note(key)
            if key == "a" {
                queue.add("a")
                queue.shutDown()
                queue.add("refused")
            }
            return .failed
        }
        #expect(journal.all == ["a", "b", "c", "a"])
        #expect(queue.depth == 0)
    }

    @Test func `What waits when a run is cancelled is there for the next run`() async throws {
        let queue = WorkQueue<String>(name: "t", environment: .manual(ManualClock()))
        let journal = Journal()
        for key in ["a", "b", "c"] { queue.add(key) }
        try await run(queue, workers: 1) { key in
            journal.note("first \(key)")
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
            return .done
        } _: {
            try await eventually { journal.all == ["first a"] }
        }
        queue.shutDown()
        await queue.run(workers: 1) { key in
            journal.note(key)
            return .done
        }
        #expect(journal.all == ["first a", "b", "c"])
    }

    @Test func `Keys for later come out in the order of their times, whatever the order they went in`() {
        var random = SystemRandomNumberGenerator()
        var keys = LaterKeys<Int>()
        var expected: [Int: ContinuousClock.Instant] = [:]
        let start = ContinuousClock.now
        for _ in 0..<5_000 {
            let key = Int.random(in: 0..<500, using: &random)
            let due = start + .milliseconds(Int.random(in: 0..<100_000, using: &random))
            keys.insert(key, due: due)
            expected[key] = min(expected[key] ?? due, due)
        }
        #expect(keys.count == expected.count)
        var last = start
        while let key = keys.popFirst(dueAt: start + .seconds(100)) {
            let due = expected.removeValue(forKey: key) ?? start
            #expect(due >= last)
            last = due
        }
        #expect(expected.isEmpty && keys.count == 0 && keys.first == nil)
    }
}
