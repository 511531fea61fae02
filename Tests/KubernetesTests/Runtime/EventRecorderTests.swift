import Encodings
import KubernetesTestSupport
import Testing

@testable import Kubernetes

@Suite(.timeLimit(.minutes(5))) struct EventRecorderTests {
    private let api = MemoryAPI()
    private let clock = ManualClock()

    private func recorder() -> EventRecorder {
        EventRecorder(
            api: api, controller: "claviger.dev/controller", instance: "pod-1", environment: .manual(clock, chance: 0.3)
        )
    }

    private func running(
        _ recorder: EventRecorder, _ check: @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { await recorder.run() }
            try await check()
            group.cancelAll()
        }
    }

    @Test func `An event names the object, the reporter, and what happened`() async throws {
        let recorder = recorder()
        recorder.record(.warning, reason: "Refused", action: "Compile", note: "line 3", regarding: .pod("p", "1"))
        try await running(recorder) { try await eventually { api.writes.count == 1 } }
        let event = try #require(api.writes.first).object
        #expect(event["apiVersion"] == "events.k8s.io/v1")
        #expect(event["metadata"]?["namespace"] == "a")
        #expect(event["metadata"]?["name"]?.stringValue?.hasPrefix("p.") == true)
        #expect(event["eventTime"] == "2026-11-21T12:00:00.000000Z")
        #expect(event["type"] == "Warning" && event["reason"] == "Refused" && event["action"] == "Compile")
        #expect(event["note"] == "line 3")
        #expect(event["reportingController"] == "claviger.dev/controller" && event["reportingInstance"] == "pod-1")
        #expect(
            event["regarding"]
                == ["apiVersion": "v1", "kind": "Pod", "namespace": "a", "name": "p", "uid": "uid-p"])
        #expect(event["series"] == nil)
    }

    @Test func `The same again counts one event up, once a minute`() async throws {
        let recorder = recorder()
        @Sendable func happen() {
            recorder.record(.normal, reason: "R", action: "A", note: "same", regarding: .pod("p", "1"))
        }
        happen()
        try await running(recorder) {
            try await eventually { api.writes.count == 1 }
            for _ in 0..<500 { happen() }
            try await eventually { clock.sleeperCount == 1 }
            clock.advance(by: .seconds(60))
            try await eventually { api.writes.count == 2 }
            try await eventually { clock.sleeperCount == 1 }
            clock.advance(by: .seconds(60))
            try await eventually { clock.sleeperCount == 1 }
        }
        #expect(api.writes.map(\.verb) == ["create", "patch"])
        #expect(
            api.writes.last?.object["series"]
                == ["count": 501, "lastObservedTime": "2026-11-21T12:00:00.000000Z"])
    }

    @Test func `What happens again after six minutes is another event`() async throws {
        let recorder = recorder()
        @Sendable func happen() {
            recorder.record(.normal, reason: "R", action: "A", note: "same", regarding: .pod("p", "1"))
        }
        happen()
        try await running(recorder) {
            try await eventually { api.writes.count == 1 && clock.sleeperCount == 1 }
            clock.advance(by: .seconds(361))
            happen()
            try await eventually { api.writes.count == 2 }
        }
        #expect(api.writes.map(\.verb) == ["create", "create"])
    }

    @Test func `Recording waits for nothing and keeps a bounded memory when the server is away`() async throws {
        api.fault = .unreachable
        var ledger = EventLedger()
        let now = ContinuousClock.now
        var taken = 0
        for number in 0..<100_000 {
            let note = EventNote(
                kind: "Normal", reason: "R", action: "A", note: "n", regarding: .pod("p\(number)", "1"))
            if ledger.note(note, at: now, time: "t", suffix: 1) { taken += 1 }
        }
        #expect(taken == EventLedger.capacity)
        let recorder = recorder()
        recorder.record(.normal, reason: "R", action: "A", note: "n", regarding: .pod("p", "1"))
        try await running(recorder) {
            await clock.waitForSleepers()
            api.fault = nil
            clock.advance(by: .seconds(60))
            try await eventually { api.writes.count == 1 }
        }
    }

    @Test func `An object with too much to tell is cut short, and others are not`() {
        var ledger = EventLedger()
        let now = ContinuousClock.now
        func tell(_ pod: String, _ number: Int, at time: ContinuousClock.Instant) -> Bool {
            ledger.note(
                EventNote(kind: "Normal", reason: "R", action: "A", note: "\(number)", regarding: .pod(pod, "1")),
                at: time, time: "t", suffix: 1)
        }
        let taken = (0..<100).filter { tell("loud", $0, at: now) }.count
        #expect(taken == 25)
        #expect(tell("quiet", 0, at: now))
        #expect(tell("loud", 1_000, at: now + .seconds(61)))
    }

    @Test func `Notes are at most 1 KiB, cut between characters, and drive no terminal`() {
        let note = EventNote(
            kind: "Normal", reason: "R", action: "A", note: "\u{1B}[31m" + String(repeating: "é", count: 2_000),
            regarding: .pod("p", "1"))
        #expect(note.note.utf8.count <= 1_024 && note.note.utf8.count > 1_000)
        #expect(note.note.hasPrefix("?[31mé") && note.note.hasSuffix("é…"))
    }

    @Test func `Names of events are valid however long the object's name is`() {
        let object = KubernetesObject(
            .pods, namespace: "a", name: String(repeating: "a", count: 235) + "-.-.-.-.-.-.-.-.-")
        let note = EventNote(kind: "Normal", reason: "R", action: "A", note: "n", regarding: object)
        let name = note.eventName(suffix: .max)
        #expect(name.utf8.count <= 253 && name.hasPrefix("aaa") && name.hasSuffix("a.ffffffffffffffff"))
    }

    @Test func `What lies in no namespace is told of in the namespace default`() {
        let note = EventNote(
            kind: "Normal", reason: "R", action: "A", note: "n", regarding: KubernetesObject(.namespaces, name: "x"))
        #expect(note.namespace == "default")
    }

    @Test func `An event whose answer got lost is neither sent twice nor forgotten`() async throws {
        let metrics = KeptMetrics()
        let recorder = EventRecorder(
            api: api, controller: "claviger.dev/controller", instance: "pod-1",
            environment: .manual(clock, chance: 0.3), metrics: metrics)
        @Sendable func happen() {
            recorder.record(.normal, reason: "R", action: "A", note: "same", regarding: .pod("p", "1"))
        }
        api.fault = .answerLost
        happen()
        try await running(recorder) {
            try await eventually { api.requests == 1 && clock.sleeperCount == 1 }
            api.fault = nil
            clock.advance(by: .seconds(2))
            try await eventually { api.requests == 2 && clock.sleeperCount == 1 }
            happen()
            clock.advance(by: .seconds(60))
            try await eventually { api.writes.contains { $0.verb == "patch" } }
        }
        #expect(metrics["claviger_events_dropped_total"] ?? 0 == 0)
        #expect(api.writes.last?.object["series"]?["count"] == 2)
    }

    @Test func `An event that the server refuses is dropped, and the next one is sent`() async throws {
        let recorder = recorder()
        api.fault = .error(KubernetesError(.forbidden, statusCode: 403, message: "terminating"))
        recorder.record(.normal, reason: "R", action: "A", note: "first", regarding: .pod("p", "1"))
        try await running(recorder) {
            try await eventually { api.requests == 1 }
            api.fault = nil
            recorder.record(.normal, reason: "R", action: "A", note: "second", regarding: .pod("p", "1"))
            try await eventually { api.writes.count == 1 }
        }
        #expect(api.writes.first?.object["note"] == "second")
    }
}
