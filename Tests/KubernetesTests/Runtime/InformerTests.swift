import KubernetesTestSupport
import Synchronization
import Testing

@testable import Kubernetes

@Suite(.timeLimit(.minutes(5))) struct InformerTests {
    private static func page(_ objects: [KubernetesObject], _ version: String, next: String? = nil) -> ScriptedAPI.Step
    {
        .list(ObjectList(items: objects, resourceVersion: version, continueToken: next))
    }

    private struct Run {
        let informer: Informer
        let api: ScriptedAPI
        let log: ChangeLog
        let clock: ManualClock
    }

    /// Runs an informer over a script until `check` has returned.
    private func follow(
        _ steps: [ScriptedAPI.Step], watchList: Bool = false, _ check: @Sendable (Run) async throws -> Void
    ) async throws {
        let api = ScriptedAPI(steps)
        let log = ChangeLog()
        let clock = ManualClock()
        let informer = Informer(
            api: api, resource: .pods, settings: CacheSettings(usesWatchList: watchList),
            handlers: [{ log.note($0) }], environment: .manual(clock))
        try await withThrowingTaskGroup { group in
            group.addTask { await informer.run() }
            try await check(Run(informer: informer, api: api, log: log, clock: clock))
            group.cancelAll()
        }
    }

    @Test func `Pages are read to the end, then changes are followed from their version`() async throws {
        try await follow([
            Self.page([.pod("a", "1"), .pod("b", "2")], "10", next: "more"), Self.page([.pod("c", "3")], "10"),
            .watch([.modified(.pod("a", "11")), .deleted(.pod("b", "12")), .added(.pod("d", "13"))], then: .stayOpen),
        ]) { run in
            try await run.informer.waitUntilSynced()
            try await eventually { run.log.all.count == 6 }
            #expect(Set(run.log.all.prefix(3)) == ["+a", "+b", "+c"])
            #expect(run.log.all.suffix(3) == ["~a", "-b", "+d"])
            #expect(Set(run.informer.store.keys.map(\.name)) == ["a", "c", "d"])
            #expect(run.api.lists.map(\.continueToken) == [nil, "more"])
            #expect(run.api.lists.allSatisfy { $0.limit == 500 && $0.resourceVersion == nil })
            #expect(run.api.watched == ["10"])
            #expect(run.informer.status.resourceVersion == "13")
        }
    }

    @Test func `Versions are opaque: each event and each bookmark moves on, whatever its version looks like`()
        async throws
    {
        try await follow([
            Self.page([], "9"), .watch([.added(.pod("a", "zz-7"))], then: .end),
            .watch([.modified(.pod("a", "3"))], then: .end),
            .watch([.bookmark(resourceVersion: "b:0", endsInitialEvents: false)], then: .end),
            .watch([], then: .stayOpen),
        ]) { run in
            try await eventually { run.api.watched.count == 4 }
            #expect(run.api.watched == ["9", "zz-7", "3", "b:0"])
            #expect(run.api.lists.count == 1)
        }
    }

    @Test func `A watch outlives any number of ends in good order, without waiting`() async throws {
        let watches = (1...200).map { number in
            ScriptedAPI.Step.watch([.bookmark(resourceVersion: "\(number)", endsInitialEvents: false)], then: .end)
        }
        try await follow([Self.page([], "0")] + watches) { run in
            try await eventually { run.api.watched.count == 201 }
            #expect(run.clock.sleeperCount == 0)
            #expect(run.informer.status.problem == nil)
        }
    }

    @Test(arguments: [true, false])
    func `410 Gone, in the stream or for the watch, lists anew and finds what was missed`(inStream: Bool) async throws {
        let gone: ScriptedAPI.Step = inStream ? .watch([], then: .error(.expired)) : .failWatch(.expired)
        try await follow([
            Self.page(
                [.pod("kept", "1"), .pod("changed", "2"), .pod("lost", "3"), .pod("anew", "4", uid: "old")], "10"),
            gone,
            Self.page(
                [.pod("kept", "1"), .pod("changed", "22"), .pod("anew", "44", uid: "new"), .pod("new", "5")], "50"),
            .watch([], then: .stayOpen),
        ]) { run in
            try await eventually { run.api.watched.count == 2 }
            let changes = run.log.all.dropFirst(4)
            #expect(Set(changes) == ["?lost", "~changed", "?anew", "+anew", "+new"])
            #expect(changes.firstIndex(of: "?anew") ?? 99 < changes.firstIndex(of: "+anew") ?? 0)
            #expect(run.api.watched == ["10", "50"])
            #expect(run.clock.sleeperCount == 0)
        }
    }

    @Test func `A list whose pages expire is begun anew, and nothing of the former pages stays`() async throws {
        try await follow([
            Self.page([.pod("gone", "1")], "10", next: "t1"), .failList(.expired),
            Self.page([.pod("a", "2")], "20", next: "t2"), .failList(.expired), Self.page([.pod("a", "2")], "30"),
            .watch([], then: .stayOpen),
        ]) { run in
            try await eventually { run.api.watched == ["30"] }
            #expect(run.log.all == ["+a"])
            #expect(run.api.lists.map(\.limit) == [500, 500, 500, 500, nil])
        }
    }

    @Test func `A page that is too large is asked for in halves, from where the reading was`() async throws {
        let large = KubernetesError(.tooLarge, message: "too large")
        try await follow([
            Self.page([.pod("a", "1")], "10", next: "t1"), .failList(large), .failList(large),
            Self.page([.pod("b", "2")], "10", next: "t2"), Self.page([.pod("c", "3")], "10"),
            .watch([], then: .stayOpen),
        ]) { run in
            try await run.informer.waitUntilSynced()
            #expect(run.informer.store.count == 3)
            #expect(run.api.lists.map(\.limit) == [500, 500, 250, 125, 125])
            #expect(run.api.lists.map(\.continueToken) == [nil, "t1", "t1", "t1", "t2"])
        }
    }

    @Test func `Empty pages before others are read past, and a page that leads to itself is refused`() async throws {
        try await follow([
            Self.page([], "10", next: "t1"), Self.page([], "10", next: "t2"), Self.page([.pod("a", "1")], "10"),
            .watch([], then: .error(.expired)), Self.page([], "20", next: "t1"), Self.page([], "20", next: "t1"),
        ]) { run in
            try await run.informer.waitUntilSynced()
            #expect(run.log.all == ["+a"])
            await run.clock.waitForSleepers()
            #expect(run.informer.status.problem?.kind == .malformed)
            #expect(run.log.all == ["+a"])
        }
    }

    @Test func `Streams that are accepted and deliver nothing become a problem that stays until one does`() async throws
    {
        let silent = KubernetesError(.watchIdle, message: "silent")
        let dumb = ScriptedAPI.Step.watch([], then: .error(silent))
        try await follow([
            Self.page([.pod("a", "1")], "10"), dumb, dumb, dumb, dumb, dumb, Self.page([.pod("a", "2")], "20"), dumb,
            Self.page([.pod("a", "3")], "30"),
            .watch([.bookmark(resourceVersion: "31", endsInitialEvents: false)], then: .stayOpen),
        ]) { run in
            for lists in 1...2 {
                await run.clock.waitForSleepers()
                #expect(run.informer.status.problem == silent)
                #expect(run.informer.status.problemSince != nil)
                #expect(run.informer.status.lists == lists)
                run.clock.advance(by: .seconds(30))
            }
            try await eventually { run.informer.status.resourceVersion == "31" }
            #expect(run.informer.status.problem == nil && run.informer.status.problemSince == nil)
            #expect(run.log.all == ["+a", "~a", "~a"])
        }
    }

    @Test func `An API server that is away for five minutes costs no event`() async throws {
        let outage = (0..<20).map { _ in ScriptedAPI.Step.failWatch(.broken) }
        try await follow(
            [Self.page([.pod("a", "1")], "10")] + outage + [
                .watch([.modified(.pod("a", "11")), .deleted(.pod("a", "12"))], then: .stayOpen)
            ]
        ) { run in
            for _ in outage {
                await run.clock.waitForSleepers()
                #expect(run.informer.status.problem == .broken)
                run.clock.advance(by: .seconds(30))
            }
            try await eventually { run.log.all == ["+a", "~a", "-a"] }
            #expect(Set(run.api.watched) == ["10"])
            #expect(run.informer.status.problem == nil)
        }
    }

    @Test func `A watch that goes silent is opened again at once (controller-runtime#3428)`() async throws {
        try await follow([
            Self.page([], "10"),
            .watch([.added(.pod("a", "11"))], then: .error(KubernetesError(.watchIdle, message: "silent"))),
            .watch([.added(.pod("b", "12"))], then: .stayOpen),
        ]) { run in
            try await eventually { run.log.all == ["+a", "+b"] }
            #expect(run.api.watched == ["10", "11"])
        }
    }

    @Test func `Events that are told twice are handled once`() async throws {
        try await follow([
            Self.page([.pod("a", "1")], "1"),
            .watch(
                [
                    .added(.pod("a", "1")), .modified(.pod("a", "2")), .modified(.pod("a", "2")),
                    .deleted(.pod("a", "3")), .deleted(.pod("a", "3")), .added(.pod("a", "4", uid: "second")),
                    .deleted(.pod("a", "3")), .bookmark(resourceVersion: "5", endsInitialEvents: false),
                ], then: .stayOpen),
        ]) { run in
            try await eventually { run.informer.status.resourceVersion == "5" }
            #expect(run.log.all == ["+a", "~a", "-a", "+a"])
            #expect(run.informer.store.count == 1)
        }
    }

    @Test func `A WatchList fills the cache without a list, and the same stream goes on`() async throws {
        try await follow(
            [
                .watch(
                    [
                        .added(.pod("a", "1")), .added(.pod("b", "2")),
                        .bookmark(resourceVersion: "10", endsInitialEvents: true), .modified(.pod("a", "11")),
                    ], then: .end), .watch([], then: .stayOpen),
            ], watchList: true
        ) { run in
            try await eventually { run.api.watched == [nil, "11"] }
            #expect(Set(run.log.all.prefix(2)) == ["+a", "+b"])
            #expect(run.log.all.last == "~a")
            guard case .watch(let first) = run.api.requests.first else { throw NeverCameTrue() }
            #expect(first.sendInitialEvents && first.allowBookmarks)
        }
    }

    @Test func `Nothing of a WatchList counts before its closing bookmark`() async throws {
        let asked = Atomic(0)
        let gate = Latch()
        // Asked for the second event, the informer has taken the first.
        let stream = WatchStream { () async throws(KubernetesError) in
            let number = asked.add(1, ordering: .relaxed).newValue
            guard number < 3 else { return nil }
            if number == 1 { return .added(.pod("a", "1")) }
            try? await gate.wait()
            return .bookmark(resourceVersion: "10", endsInitialEvents: true)
        }
        let log = ChangeLog()
        let informer = Informer(
            api: StreamAPI(stream, from: nil), resource: .pods, handlers: [{ log.note($0) }],
            environment: .manual(ManualClock()))
        try await withThrowingTaskGroup { group in
            group.addTask { await informer.run() }
            try await eventually { asked.load(ordering: .relaxed) == 2 }
            #expect(!informer.hasSynced && informer.store.count == 0 && log.all.isEmpty)
            gate.open()
            try await informer.waitUntilSynced()
            #expect(log.all == ["+a"])
            group.cancelAll()
        }
    }

    @Test func `A server that cannot do a WatchList is listed, and is not asked for one again`() async throws {
        try await follow(
            [
                .watch([], then: .error(.watchListDisabled)), Self.page([.pod("a", "1")], "10"),
                .watch([], then: .error(.expired)), Self.page([.pod("a", "1")], "20"), .watch([], then: .stayOpen),
            ], watchList: true
        ) { run in
            try await eventually { run.api.watched == [nil, "10", "20"] }
            #expect(run.clock.sleeperCount == 0)
        }
    }

    @Test func `A server that does not know WatchLists and sends a common watch is listed`() async throws {
        try await follow(
            [
                .watch(
                    [.added(.pod("a", "1")), .bookmark(resourceVersion: "5", endsInitialEvents: false)],
                    then: .stayOpen), Self.page([.pod("a", "1"), .pod("b", "2")], "10"), .watch([], then: .stayOpen),
            ], watchList: true
        ) { run in
            try await eventually { run.api.watched == [nil, "10"] }
            #expect(Set(run.log.all) == ["+a", "+b"])
        }
    }

    @Test func `A missing role is shown, and mended without a restart`() async throws {
        let forbidden = KubernetesError(.forbidden, statusCode: 403, message: "may not list")
        try await follow([.failList(forbidden), Self.page([.pod("a", "1")], "10"), .watch([], then: .stayOpen)]) {
            run in
            await run.clock.waitForSleepers()
            #expect(!run.informer.hasSynced)
            #expect(run.informer.status.problem == forbidden)
            #expect(run.informer.status.phase == .waiting)
            run.clock.advance(by: .seconds(60))
            try await run.informer.waitUntilSynced()
            #expect(run.informer.status.problem == nil)
        }
    }

    @Test func `A definition that is removed takes no object out of the cache until a list says so`() async throws {
        let missing = KubernetesError(.notFound, statusCode: 404, message: "no such resource")
        try await follow([
            Self.page([.pod("a", "1")], "10"), .failWatch(missing), Self.page([], "20"), .watch([], then: .stayOpen),
        ]) { run in
            await run.clock.waitForSleepers()
            #expect(run.informer.store.count == 1)
            run.clock.advance(by: .seconds(60))
            try await eventually { run.log.all == ["+a", "?a"] }
        }
    }

    @Test func `What the server must not send is not kept, and the collection is read anew`() async throws {
        try await follow([
            Self.page([], "10"), .watch([.added(.pod("", "11"))], then: .stayOpen), Self.page([.pod("a", "1")], "20"),
            .watch([], then: .stayOpen),
        ]) { run in
            await run.clock.waitForSleepers()
            #expect(run.informer.store.count == 0)
            run.clock.advance(by: .seconds(30))
            try await eventually { run.log.all == ["+a"] }
        }
    }

    @Test func `Indexes follow the objects`() async throws {
        let store = ObjectStore(indexes: ["version": { [$0.resourceVersion ?? ""] }])
        let api = ScriptedAPI([
            Self.page([.pod("a", "1"), .pod("b", "1")], "1"),
            .watch([.modified(.pod("a", "2")), .deleted(.pod("b", "3")), .added(.pod("c", "4"))], then: .stayOpen),
        ])
        let informer = Informer(
            api: api, resource: .pods, settings: CacheSettings(usesWatchList: false), store: store,
            environment: .manual(ManualClock()))
        try await withThrowingTaskGroup { group in
            group.addTask { await informer.run() }
            try await eventually { informer.status.resourceVersion == "4" }
            group.cancelAll()
        }
        #expect(store.keys("version", "1").isEmpty)
        #expect(store.objects("version", "2").map(\.name) == ["a"])
        #expect(store.objects("version", "4").map(\.name) == ["c"])
        #expect(store.objects("other", "1").isEmpty)
    }

    @Test func `A thousand events and a slow handler: the stream is read no faster than handled`() async throws {
        let given = Atomic(0)
        let handled = Atomic(0)
        let ahead = Atomic(0)
        let stream = WatchStream { () async throws(KubernetesError) in
            let number = given.add(1, ordering: .relaxed).newValue
            ahead.max(number - handled.load(ordering: .relaxed), ordering: .relaxed)
            return number <= 1_000 ? .added(.pod("p\(number)", "\(number)")) : nil
        }
        let api = StreamAPI(stream)
        let informer = Informer(
            api: api, resource: .pods, settings: CacheSettings(usesWatchList: false),
            handlers: [
                { _ in
                    for _ in 0..<3 { await Task.yield() }
                    handled.add(1, ordering: .relaxed)
                }
            ], environment: .manual(ManualClock()))
        try await withThrowingTaskGroup { group in
            group.addTask { await informer.run() }
            try await eventually { informer.store.count == 1_000 && handled.load(ordering: .relaxed) == 1_000 }
            group.cancelAll()
        }
        #expect(ahead.load(ordering: .relaxed) == 1)
    }

    @Test func `An informer that has been stopped is let go`() async throws {
        weak var released: ObjectStore?
        do {
            let informer = Informer(
                api: ScriptedAPI([Self.page([], "1"), .watch([], then: .stayOpen)]), resource: .pods,
                settings: CacheSettings(usesWatchList: false), handlers: [{ _ in }])
            released = informer.store
            let task = Task { await informer.run() }
            try await informer.waitUntilSynced()
            task.cancel()
            await task.value
        }
        // The runtime may take a moment to let go of a task that has ended.
        for _ in 0..<100_000 where released != nil { await Task.yield() }
        #expect(released == nil)
    }
}
