import Encodings
import FoundationEssentials
import KubernetesTestSupport
import Synchronization
import Testing

@testable import Kubernetes

@Suite(.timeLimit(.minutes(5))) struct LeaderElectorTests {
    private let clock = ManualClock()
    private let api = MemoryAPI()
    /// Of 2026-11-21, when the clocks of these tests begin.
    private static let secondsSince2020: Int64 = 217_425_600

    private func elector(_ candidate: String) throws -> LeaderElector {
        try LeaderElector(
            api: api, namespace: "a", name: "controller", candidate: candidate, environment: .manual(clock))
    }

    private var record: LeaseRecord? { api.object(.leases, "controller").map { LeaseRecord($0) } }

    /// One candidate at work: it holds its term until its task is cancelled.
    private final class Candidate: Sendable {
        let task: Task<Void, Never>
        private let shared: Shared

        final class Shared: Sendable {
            let leadership = Mutex<Leadership?>(nil)
            let end = Mutex<LeaderElector.End?>(nil)
        }

        init(_ elector: LeaderElector) {
            let shared = Shared()
            self.shared = shared
            task = Task {
                let end = await elector.lead { leadership in
                    shared.leadership.withLock { $0 = leadership }
                    while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
                }
                shared.end.withLock { $0 = end }
            }
        }

        var leadership: Leadership? { shared.leadership.withLock { $0 } }
        var end: LeaderElector.End? { shared.end.withLock { $0 } }
        var leads: Bool { leadership?.isValid == true }

        func stop() async {
            task.cancel()
            await task.value
        }
    }

    /// Lets time pass in steps that are short against every limit; each begins when all tasks have gone to sleep.
    private func pass(_ duration: Duration, sleepers: Int) async throws {
        var left = duration
        while left > .zero {
            try await settle(sleepers)
            clock.advance(by: .milliseconds(500))
            left -= .milliseconds(500)
        }
        try await settle(sleepers)
    }

    private func settle(_ sleepers: Int) async throws {
        var quiet = 0
        let end = ContinuousClock.now + .seconds(60)
        while quiet < 5 {
            guard ContinuousClock.now < end else { throw NeverCameTrue() }
            quiet = clock.sleeperCount == sleepers ? quiet + 1 : 0
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    @Test func `The first candidate leads, goes on leading, and releases the Lease when it is stopped`() async throws {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        let began = api.object(.leases, "controller")?.spec
        try await pass(.seconds(60), sleepers: 1)
        #expect(first.leads)
        let now = api.object(.leases, "controller")?.spec
        #expect(now?["renewTime"] != began?["renewTime"])
        #expect(now?["acquireTime"] == began?["acquireTime"])
        #expect(now?["leaseDurationSeconds"] == 15)
        #expect(record?.transitions == first.leadership?.fence)
        await first.stop()
        #expect(first.end == .cancelled)
        #expect(first.leadership?.isValid == false)
        #expect(record?.holder == "")
    }

    @Test func `Times are written with exactly six digits of a second`() async throws {
        clock.advance(by: .microseconds(1_000_042))
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        #expect(api.object(.leases, "controller")?.spec?["renewTime"] == "2026-11-21T12:00:01.000042Z")
        await first.stop()
    }

    @Test func `A second candidate waits while the first renews, and takes over at once after a release`() async throws
    {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        let second = Candidate(try elector("second"))
        try await pass(.seconds(60), sleepers: 2)
        #expect(first.leads && !second.leads)
        await first.stop()
        try await pass(.seconds(3), sleepers: 1)
        #expect(second.leads)
        #expect(second.leadership?.fence ?? 0 > first.leadership?.fence ?? 0)
        await second.stop()
    }

    @Test func `A dead leader's Lease is taken after its duration by the own clock, whatever times it names`()
        async throws
    {
        var lease = KubernetesObject(.leases, namespace: "a", name: "controller")
        lease.spec = [
            "holderIdentity": "dead", "leaseDurationSeconds": 15, "leaseTransitions": 7,
            "renewTime": "2099-01-01T00:00:00.000000Z", "strategy": "kept",
        ]
        api.put(.leases, lease)
        let second = Candidate(try elector("second"))
        try await pass(.seconds(14), sleepers: 1)
        #expect(!second.leads)
        // A label is no sign of life.
        lease.labels = ["touched": "yes"]
        api.put(.leases, lease)
        try await pass(.seconds(3), sleepers: 1)
        #expect(second.leads)
        // Receivers may have seen more terms than the Lease knows of: it may be restored from a copy.
        #expect(second.leadership?.fence ?? 0 >= Self.secondsSince2020)
        #expect(record?.transitions == second.leadership?.fence)
        #expect(api.object(.leases, "controller")?.spec?["strategy"] == "kept")
        await second.stop()
    }

    @Test func `A paused leader that is overtaken sees it at once and for good, and leaves the other's Lease alone`()
        async throws
    {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        try await pass(.seconds(4), sleepers: 1)
        let paused = try #require(first.leadership)
        // While the process stands still, another one takes the Lease.
        var lease = try #require(api.object(.leases, "controller"))
        lease.hold(
            as: "other", for: .seconds(15), transitions: paused.fence + 1, beganNow: true, timestamp: "later")
        api.put(.leases, lease)
        clock.advance(by: .seconds(60))
        #expect(!paused.isValid)
        #expect(!paused.extend(until: ContinuousClock.now + .seconds(1_000)))
        try await eventually { first.end == .lost }
        #expect(record?.holder == "other")
        #expect(!paused.isValid)
    }

    @Test func `An answer that arrives after the deadline revives no term`() {
        let leadership = Leadership(
            fence: 3, until: RuntimeEnvironment.manual(clock).now() + .seconds(10), environment: .manual(clock))
        #expect(leadership.isValid)
        clock.advance(by: .seconds(10))
        #expect(!leadership.isValid)
        #expect(!leadership.extend(until: ContinuousClock.now + .seconds(60)))
        #expect(!leadership.isValid)
    }

    @Test func `Of two candidates that see the Lease free at once one leads, and the other is told 409`() async throws {
        for _ in 0..<20 {
            let api = MemoryAPI()
            var lease = KubernetesObject(.leases, namespace: "a", name: "controller")
            lease.spec = ["holderIdentity": "", "leaseTransitions": 1]
            api.put(.leases, lease)
            let candidates = try (0..<4).map { number in
                Candidate(
                    try LeaderElector(
                        api: api, namespace: "a", name: "controller", candidate: "c\(number)",
                        environment: .manual(clock)))
            }
            try await eventually { candidates.contains(where: \.leads) }
            try await eventually { clock.sleeperCount >= 4 }
            #expect(candidates.filter(\.leads).count == 1)
            for candidate in candidates { await candidate.stop() }
        }
    }

    @Test(arguments: [MemoryAPI.Fault.unreachable, .hangs, .error(.broken)])
    func `A leader that cannot renew stops after ten seconds, before others may take over`(fault: MemoryAPI.Fault)
        async throws
    {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        try await settle(1)
        api.fault = fault
        var waited = Duration.zero
        while first.leads {
            try await settle(1)
            clock.advance(by: .milliseconds(500))
            waited += .milliseconds(500)
        }
        #expect(waited == .seconds(10))
        try await eventually { first.end == .lost }
    }

    @Test func `A Lease that was brought back from a copy numbers no term that was before`() async throws {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        let copy = try #require(api.object(.leases, "controller"))
        try await pass(.seconds(20), sleepers: 1)
        await first.stop()
        var fences = [first.leadership?.fence ?? 0]
        for round in 0..<3 {
            var restored = copy
            restored.hold(as: "", for: .seconds(1), transitions: Int64(round), beganNow: false, timestamp: "t")
            api.put(.leases, restored)
            clock.advance(by: .seconds(2))
            let next = Candidate(try elector("next"))
            try await eventually { next.leads }
            fences.append(next.leadership?.fence ?? 0)
            await next.stop()
        }
        #expect(fences == fences.sorted() && Set(fences).count == fences.count)
    }

    @Test func `A renewal that hangs is tried again within the same term`() async throws {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        try await settle(1)
        api.fault = .hangs
        try await pass(.seconds(3), sleepers: 1)
        api.fault = nil
        try await pass(.seconds(30), sleepers: 1)
        #expect(first.leads && first.end == nil)
        await first.stop()
    }

    @Test func `A renewal whose answer got lost costs no leadership`() async throws {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        try await settle(1)
        api.fault = .answerLost
        try await pass(.seconds(5), sleepers: 1)
        api.fault = nil
        try await pass(.seconds(20), sleepers: 1)
        #expect(first.leads && first.end == nil)
        await first.stop()
    }

    @Test func `A label on the Lease costs no leadership`() async throws {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        try await settle(1)
        var lease = try #require(api.object(.leases, "controller"))
        lease.labels = ["a": "b"]
        api.put(.leases, lease)
        try await pass(.seconds(30), sleepers: 1)
        #expect(first.leads)
        #expect(api.object(.leases, "controller")?.labels == ["a": "b"])
        await first.stop()
    }

    @Test func `A deleted Lease ends the term, and the next term has a bigger number`() async throws {
        let first = Candidate(try elector("first"))
        try await eventually { first.leads }
        try await pass(.seconds(20), sleepers: 1)
        api.remove(.leases, "controller")
        clock.advance(by: .seconds(2))
        try await eventually { first.end == .lost }
        let second = Candidate(try elector("second"))
        try await eventually { second.leads }
        #expect(second.leadership?.fence ?? 0 > first.leadership?.fence ?? 0)
        await second.stop()
    }

    @Test func `Work that takes its time to end keeps the Lease until it has ended`() async throws {
        let gate = Latch()
        let elector = try elector("first")
        let began = Latch()
        let task = Task {
            await elector.lead { _ in
                began.open()
                let draining = Task { try? await gate.wait() }
                await draining.value
            }
        }
        try await began.wait()
        try await settle(1)
        task.cancel()
        try await pass(.seconds(40), sleepers: 1)
        #expect(record?.holder == elector.identity)
        gate.open()
        #expect(await task.value == .cancelled)
        #expect(record?.holder == "")
    }

    @Test func `Work that ends by itself releases the Lease`() async throws {
        #expect(await (try elector("first")).lead { _ in } == .finished)
        #expect(record?.holder == "")
    }

    @Test func `A candidate that is stopped before it leads says so and leaves the Lease`() async throws {
        api.fault = .unreachable
        let first = Candidate(try elector("first"))
        try await settle(1)
        await first.stop()
        #expect(first.end == .cancelled)
        #expect(record == nil)
    }

    @Test func `A process that is started anew under the same name is another candidate`() throws {
        let identities = try (0..<50).map { _ in
            try LeaderElector(api: api, namespace: "a", name: "controller", candidate: "pod").identity
        }
        #expect(Set(identities).count == 50)
        #expect(identities.allSatisfy { $0.hasPrefix("pod_") && $0.utf8.count == 12 })
    }

    @Test func `Times that leave no room to renew are refused`() {
        var settings = LeaderElector.Settings()
        settings.renewDeadline = .seconds(15)
        #expect(throws: KubernetesError.self) {
            try LeaderElector(api: api, namespace: "a", name: "l", candidate: "c", settings: settings)
        }
    }
}
