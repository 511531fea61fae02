import Encodings
import KubernetesTestSupport
import Testing

@testable import Kubernetes

@Suite struct StatusWriterTests {
    private let api = MemoryAPI()
    private let clock = ManualClock()
    private let term = Leadership.unelected(fence: 1)

    private var writer: StatusWriter {
        StatusWriter(api: api, resource: .pods, fieldManager: "claviger", environment: .manual(clock))
    }

    private func stored(status: JSONObject? = nil, managedFields: JSONValue? = nil) -> KubernetesObject {
        var object = KubernetesObject.pod("p", "1")
        object.metadata["generation"] = 3
        object.metadata["managedFields"] = managedFields
        object.status = status
        api.put(.pods, object)
        return api.object(.pods, "p") ?? object
    }

    private let accepted = Condition(type: "Accepted", status: .yes, reason: "Valid", message: "all is well")

    @Test func `A status is applied by the field manager, bound to the object and version that was looked at`()
        async throws
    {
        let object = stored()
        let outcome = try await writer.write([accepted], fields: ["digest": "d"], on: object, under: term)
        let write = try #require(api.writes.first)
        #expect(write.verb == "apply claviger true status")
        #expect(write.object["metadata"]?["uid"] == "uid-p")
        #expect(write.object["metadata"]?["resourceVersion"] == object.json["metadata"]?["resourceVersion"])
        #expect(write.object["spec"] == nil)
        let status = write.object["status"]
        #expect(status?["digest"] == "d" && status?["observedGeneration"] == 3)
        #expect(
            status?["conditions"] == [
                [
                    "type": "Accepted", "status": "True", "reason": "Valid", "message": "all is well",
                    "lastTransitionTime": "2026-11-21T12:00:00Z", "observedGeneration": 3,
                ]
            ])
        guard case .written = outcome else { throw NeverCameTrue() }
    }

    @Test func `A status that says nothing new is not written`() async throws {
        _ = try await writer.write([accepted], fields: ["digest": "d"], on: stored(), under: term)
        clock.advance(by: .seconds(3_600))
        let again = try #require(api.object(.pods, "p"))
        #expect(try await writer.write([accepted], fields: ["digest": "d"], on: again, under: term) == .unchanged)
        #expect(api.writes.count == 1)
    }

    @Test func `The last transition stays until the status flips`() async throws {
        func transition() -> JSONValue? {
            api.object(.pods, "p")?.status?["conditions"]?.arrayValue?.first?["lastTransitionTime"]
        }
        _ = try await writer.write([accepted], on: stored(), under: term)
        clock.advance(by: .seconds(60))
        let reworded = Condition(type: "Accepted", status: .yes, reason: "Valid", message: "still")
        _ = try await writer.write([reworded], on: try #require(api.object(.pods, "p")), under: term)
        #expect(transition() == "2026-11-21T12:00:00Z")
        let flipped = Condition(type: "Accepted", status: .no, reason: "Invalid", message: "no more")
        _ = try await writer.write([flipped], on: try #require(api.object(.pods, "p")), under: term)
        #expect(transition() == "2026-11-21T12:01:00Z")
        #expect(api.writes.count == 3)
    }

    private let foreign: JSONObject = [
        "observedGeneration": 3, "digest": "d", "byOthers": "x",
        "conditions": [
            ["type": "Foreign", "status": "True"],
            [
                "type": "Accepted", "status": "True", "reason": "Valid", "message": "all is well",
                "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 3,
            ],
        ],
    ]

    private func managed(_ fields: JSONValue) -> JSONValue {
        [
            ["manager": "other", "operation": "Update", "fieldsV1": ["f:status": ["f:byOthers": [:]]]],
            [
                "manager": "claviger", "operation": "Apply", "subresource": "status",
                "fieldsV1": ["f:status": fields],
            ],
        ]
    }

    @Test func `Members and conditions of others do not count as a difference`() async throws {
        let own: JSONValue = [
            "f:digest": [:], "f:observedGeneration": [:],
            "f:conditions": ["k:{\"type\":\"Accepted\"}": [".": [:], "f:status": [:], "f:message": [:]]],
        ]
        let object = stored(status: foreign, managedFields: managed(own))
        #expect(try await writer.write([accepted], fields: ["digest": "d"], on: object, under: term) == .unchanged)
    }

    @Test(
        arguments: [
            ["f:digest": [:], "f:shadowed": [:]],
            ["f:digest": [:], "f:conditions": ["k:{\"type\":\"Programmed\"}": [".": [:]]]],
        ] as [JSONValue])
    func `A member or condition of ours that is no longer said is taken away`(own: JSONValue) async throws {
        let object = stored(status: foreign, managedFields: managed(own))
        _ = try await writer.write([accepted], fields: ["digest": "d"], on: object, under: term)
        #expect(api.writes.count == 1)
    }

    @Test func `A leader that was overtaken writes no status`() async throws {
        let over = Leadership(fence: 1, until: RuntimeEnvironment.manual(clock).now(), environment: .manual(clock))
        let object = stored()
        await #expect(
            throws: KubernetesError(
                .conflict, reason: "LeadershipLost", message: "Another process may lead by now; nothing was written.")
        ) {
            try await writer.write([accepted], on: object, under: over)
        }
        #expect(api.writes.isEmpty)
    }

    @Test func `What was found out about an older state, or another object of the name, is refused`() async throws {
        let object = stored()
        api.put(.pods, object)
        await #expect(throws: KubernetesError.self) { try await writer.write([accepted], on: object, under: term) }
        api.put(.pods, .pod("p", "1", uid: "another"))
        var recreated = object
        recreated.resourceVersion = api.object(.pods, "p")?.resourceVersion
        await #expect(throws: KubernetesError.self) { try await writer.write([accepted], on: recreated, under: term) }
    }

    @Test func `Messages are cut to what the API takes`() {
        let long = Condition(type: "A", status: .no, reason: "R", message: String(repeating: "🔑", count: 10_000))
        let message = long.json(previous: nil, generation: nil, timestamp: "t")["message"]?.stringValue ?? ""
        #expect(message.utf8.count <= 32_768 && message.hasSuffix("🔑…"))
    }
}
