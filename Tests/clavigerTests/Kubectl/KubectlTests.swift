import Encodings
import Foundation
import Testing

@testable import claviger

/// What people ask about a pod, through the program that kubectl starts, a cluster's API server and a broker.
@Suite("kubectl claviger: pods and decisions", .timeLimit(.minutes(5)))
struct KubectlTests {
    @Test("a pod whose secret was granted: which policy allows it, and how sure it is that it was this pod")
    func granted() async throws {
        try await KubectlFixture.run(namespace: "granted") { fixture in
            try await fixture.put("keys/db")
            try await fixture.apply(fixture.policy("attested"))
            try fixture.pod("api", fetching: ["keys/db"])
            #expect(try await fixture.ask("keys/db").output == "value")
            let answer = try await fixture.kubectl("why", "api")
            #expect(answer.status == 0, "\(answer)")
            for text in [
                "GRANTED  get granted/keys/db", "likely: the pod names this resource",
                "ReleasePolicy/granted/attested (Allow): allows", "container agent (registry.example/claviger/",
            ] {
                #expect(answer.output.contains(text), "\(text) is not in \(answer)")
            }
            #expect(!answer.output.contains("What would have to change"))
        }
    }

    @Test("a pod whose secret was denied: the condition, what was measured, and what would have to change")
    func denied() async throws {
        try await KubectlFixture.run(namespace: "denied") { fixture in
            try await fixture.put("keys/db")
            try await fixture.apply(fixture.policy("hardware", validation: "tee != 'sample'"))
            try fixture.pod("api", fetching: ["keys/db"])
            #expect(try await fixture.ask("keys/db").status == 2)
            let answer = try await fixture.kubectl("why", "pod/api")
            #expect(answer.status == 2, "\(answer)")
            for text in [
                "DENIED  get denied/keys/db", "What would have to change:",
                "- ReleasePolicy/denied/hardware, spec.validations[0]: required tee != 'sample'", "only real hardware",
            ] {
                #expect(answer.output.contains(text), "\(text) is not in \(answer.output)")
            }
            #expect(
                answer.output.contains(/ReleasePolicy\/denied\/hardware +NoStatus +does not allow/), "\(answer.output)")
            let json = try await fixture.kubectl("why", "api", "-o", "json").json
            let decision = try #require(json["decisions"]?.arrayValue?.first)
            #expect((decision["code"], decision["tie"]) == ("condition_false", "resource"))
            #expect(decision["claims"] == nil && decision["trace"] != nil)
        }
    }

    @Test(
        "without a policy the answer is which one is missing; once it is there and the guest asked again, that counts")
    func noPolicy() async throws {
        try await KubectlFixture.run(namespace: "unspoken") { fixture in
            try await fixture.put("keys/db")
            try fixture.pod("api")
            try await fixture.ask("keys/db")
            let denied = try await fixture.kubectl("why", "api")
            #expect(denied.status == 2, "\(denied)")
            let remedy =
                "a ReleasePolicy in the namespace unspoken, or a ClusterReleasePolicy, must name unspoken/keys/db"
            #expect(denied.output.contains(remedy), "\(denied.output)")
            #expect(denied.output.contains("weak: the resource is of the pod's namespace"), "\(denied.output)")
            #expect(denied.output.contains("The cluster has no release policy for the namespace unspoken"))
            try await fixture.apply(fixture.policy("attested"))
            try await fixture.ask("keys/db")
            let granted = try await fixture.kubectl("why", "api")
            #expect(granted.status == 0 && granted.output.contains("GRANTED"), "\(granted)")
        }
    }

    @Test("init-data ties a guest to its pods: what a guest with another document asked for is not theirs")
    func initData() async throws {
        try await KubectlFixture.run(namespace: "measured") { fixture in
            try await fixture.put("keys/db")
            let documents = try ["one", "two"].map { name in
                try fixture.file(
                    "\(name).toml",
                    """
                    version = "0.1.0"
                    algorithm = "sha256"

                    [data]
                    "note" = "\(name)"

                    """)
            }
            let first = try InitDataDocument.annotationValue(InitDataDocument.read(documents[0]))
            try fixture.pod("one", annotations: [InitDataDocument.annotation: .string(first)])
            try fixture.pod("two", annotations: [InitDataDocument.annotation: .string(first)])
            try await fixture.ask("keys/db", initData: documents[1])
            let nothing = try await fixture.kubectl("why", "one")
            #expect(nothing.status == 1 && nothing.output.contains("No decision yet"), "\(nothing)")
            try await fixture.ask("keys/db", initData: documents[0])
            let answer = try await fixture.kubectl("why", "one")
            #expect(answer.status == 2, "\(answer)")
            #expect(answer.output.contains("strong: the guest's evidence shows the init-data of this pod"))
            #expect(
                answer.output.contains("with the same init-data, which the ledger does not tell apart: 1 more"),
                "\(answer.output)")
        }
    }

    @Test("a decision that the agent's container reports is the pod's for certain")
    func reported() async throws {
        try await KubectlFixture.run(namespace: "reported") { fixture in
            try fixture.pod("api", fetching: ["keys/db"])
            let denial = try await fixture.ask("keys/db")
            try await fixture.ask("keys/db")
            try fixture.endAgent(of: "api", saying: "startup failed\n" + denial.errors)
            let answer = try await fixture.kubectl("why", "api", "-o", "json")
            let decisions = try answer.json["decisions"]?.arrayValue ?? []
            #expect(decisions.map { $0["tie"] } == ["reported"], "\(answer)")
            let id = try #require(decisions.first?["id"]?.stringValue)
            #expect(denial.errors.contains(id))
            let agent = try answer.json["pod"]?["agent"]?.arrayValue?.first?.stringValue ?? ""
            #expect(agent.contains("has ended with status 2 (Error), restarted 3 times"), "\(agent)")
        }
    }

    @Test("a pod that is not there, nothing decided yet, a cluster or a broker that nobody named")
    func nothing() async throws {
        try await KubectlFixture.run(namespace: "silent") { fixture in
            let unknown = try await fixture.kubectl("why", "nobody")
            #expect(unknown.status == 3, "\(unknown)")
            #expect(unknown.errors.contains("the namespace silent has no pod nobody"), "\(unknown)")
            try fixture.pod("api")
            let silent = try await fixture.kubectl("why", "api")
            #expect(silent.status == 1 && silent.output.contains("No decision yet"), "\(silent)")
            let elsewhere = try await fixture.kubectl("why", "api", "-n", "claviger")
            #expect(elsewhere.status == 3, "\(elsewhere)")
            let noCluster = try await fixture.kubectl("why", "api", "--kubeconfig", "/nowhere")
            #expect(noCluster.status == 1 && noCluster.errors.contains("/nowhere"), "\(noCluster)")
            let noBroker = try await fixture.kubectl("why", "api", environment: ["CLAVIGER_HOME": "/nowhere"])
            #expect(noBroker.status == 1 && noBroker.errors.contains("set CLAVIGER_URL"), "\(noBroker)")
        }
    }

    @Test("decisions are those of the context's namespace, of another one with -n, denied ones, and late ones")
    func decisions() async throws {
        try await KubectlFixture.run(namespace: "ledger") { fixture in
            try await fixture.put("keys/db")
            try await fixture.ask("keys/db")
            try await fixture.apply(fixture.policy("attested"))
            try await fixture.ask("keys/db")
            let all = try await fixture.kubectl("decisions", "-o", "json").json.arrayValue ?? []
            #expect(all.map { $0["allowed"] } == [true, false])
            #expect(all.allSatisfy { $0["tenant"] == "ledger" })
            let denied = try await fixture.kubectl("decisions", "--denied", "--since", "1h", "-o", "json")
            #expect(try denied.json.arrayValue?.map { $0["allowed"] } == [false])
            let limited = try await fixture.kubectl("decisions", "--limit", "1")
            #expect(limited.output.split(separator: "\n").count == 2 && limited.errors.contains("there are more"))
            let other = try await fixture.kubectl("decisions", "-n", "claviger")
            #expect(other.status == 0, "\(other)")
            #expect(other.output.contains("no decision about resources of the namespace claviger yet"), "\(other)")
        }
    }
}
