import AdminClient
import Encodings
import Foundation
import GuestTestSupport
import Kubernetes
import Synchronization
import Testing

@testable import claviger

/// How records of the ledger are held against a pod's object.
@Suite("kubectl claviger: which decisions are a pod's")
struct PodTieTests {
    private static func workload(
        _ spec: JSONObject = [:], status: JSONObject = [:], annotations: [String: String] = [:]
    ) -> PodWorkload {
        var pod = KubernetesObject(.pods, namespace: "team", name: "api")
        pod.spec = spec
        pod.status = status
        pod.annotations = annotations
        return PodWorkload(pod, namespace: "team")
    }

    private static func record(_ path: String, operation: String = "get") -> JSONObject {
        [
            "id": "1", "operation": .string(operation), "path": .string(path),
            "tenant": .string(path.prefix { $0 != "/" }.description),
        ]
    }

    @Test("resources are found wherever the pod names them, also in another namespace's repository")
    func resources() {
        let workload = Self.workload(
            [
                "containers": [
                    [
                        "name": "a", "args": ["--project", "kbs:///other/keys/a=/run/a"],
                        "env": [["value": "kbs:///team/keys/b"]],
                    ]
                ]
            ],
            annotations: ["note": "kbs://broker.example/team/keys/c, kbs:///too/short and kbs:///team/../x"])
        #expect(workload.resources == ["other/keys/a", "team/keys/b", "team/keys/c"])
        #expect(PodDecisions.tie(of: Self.record("other/keys/a"), to: workload) == .resource)
        #expect(PodDecisions.tie(of: Self.record("team/keys/z"), to: workload) == .namespace)
        #expect(PodDecisions.tie(of: Self.record("other/keys/z"), to: workload) == nil)
    }

    @Test("what is decided for one who only shares the namespace never hides what is decided for the pod")
    func strongest() {
        func decision(_ id: String, _ path: String, _ tie: PodTie) -> PodDecision {
            var record = Self.record(path)
            record["id"] = .string(id)
            return PodDecision(record: record, tie: tie)
        }
        let found = PodDecisions([
            decision("3", "team/keys/z", .namespace), decision("2", "team/keys/a", .resource),
            decision("1", "team/keys/a", .resource), decision("0", "team/keys/b", .resource),
        ])
        #expect(found.shown.map(\.id) == ["2", "0"])
        #expect(found.otherCount == 2)
    }

    @Test(
        "a refused attestation may be anybody's: it is shown when nothing else is known, and is no denial of the pod's")
    func refusedAttestation() throws {
        var record = Self.record("", operation: "attest")
        record["trace"] = ["stage": "evidence"]
        record["reason"] = "The report's signature is wrong."
        let tie = try #require(PodDecisions.tie(of: record, to: Self.workload()))
        #expect(tie == .time)
        #expect(
            DecisionRemedy(record: record).sentences() == [
                "the evidence must be believed; it was refused in the stage evidence: The report's signature is wrong."
            ])
        let report = PodReport(
            workload: Self.workload(), decisions: PodDecisions([PodDecision(record: record, tie: tie)]), twins: 0,
            profiles: [], policies: [], now: .now)
        #expect(!report.isDecided && !report.isDenied)
        #expect(PodText(report: report).text().contains("REFUSED  attest"))
    }

    @Test("what a container said before it recovered is over")
    func recovered() {
        let id = "01a1ffba-1ad4-71a7-a1f5-e69ebc1b834c"
        func reported(_ state: JSONValue, isReady: Bool) -> [String] {
            let ended: JSONValue = ["terminated": ["exitCode": 2, "message": .string("denied (decision: \(id))")]]
            return Self.workload(status: [
                "containerStatuses": [
                    ["name": "a", "ready": .bool(isReady), "state": state, "lastState": ended]
                ]
            ]).reported
        }
        #expect(reported(["waiting": ["reason": "CrashLoopBackOff"]], isReady: false) == [id])
        #expect(reported(["running": [:]], isReady: false) == [id])
        #expect(reported(["running": [:]], isReady: true) == [])
        #expect(reported(["terminated": ["exitCode": 0]], isReady: false) == [])
    }

    @Test("only an agent's container counts as one, by name, image or command")
    func agents() {
        func agents(_ container: JSONObject) -> Int { Self.workload(["containers": [.object(container)]]).agents.count }
        #expect(agents(["name": "attestation-agent", "image": "x"]) == 1)
        #expect(agents(["name": "a", "image": "registry.example:5000/team/attestation-agent:1@sha256:00"]) == 1)
        #expect(agents(["name": "a", "image": "x", "command": ["/usr/bin/attestation-agent", "--once"]]) == 1)
        #expect(agents(["name": "a", "image": "attestation-agent.example/app:1"]) == 0)
    }

    @Test("init-data that cannot be read is told, and hides nothing")
    func unreadableInitData() {
        let workload = Self.workload(annotations: [InitDataDocument.annotation: "AAAA"])
        #expect(workload.initData == nil && workload.initDataProblem != nil)
        #expect(PodDecisions.tie(of: Self.record("team/keys/a"), to: workload) == .namespace)
    }

    @Test("who may see one namespace's decisions only is told those, and that there may be others")
    func ownNamespaceOnly() async throws {
        let asked = Mutex(0)
        let decision = #"{"id":"1","operation":"get","path":"team/keys/a","tenant":"team","allowed":true}"#
        try await LocalService.run { _ in
            let isFirst = asked.withLock { count in
                count += 1
                return count == 1
            }
            return isFirst ? (200, Array(#"{"decisions":[\#(decision)]}"#.utf8)) : (403, Array("{}".utf8))
        } _: { url in
            let client = try AdminClient(.init(url: url, insecureHTTPAllowed: true))
            let found = try await PodDecisions.search(for: Self.workload(), in: client)
            #expect(found.shown.map(\.request) == ["get team/keys/a"] && found.isPartial)
            // The namespace's own decisions are what no answer goes without.
            await #expect(throws: AdminClientError.self) {
                try await PodDecisions.search(for: Self.workload(), in: client)
            }
        }
    }
}
