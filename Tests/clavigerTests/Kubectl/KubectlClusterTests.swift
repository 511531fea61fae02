import Encodings
import Foundation
import Kubernetes
import KubernetesTestSupport
import TestPrograms
import Testing

@testable import claviger

/// What people ask about a whole cluster, with the controller at work between it and the broker.
@Suite("kubectl claviger: policies and status", .serialized, .timeLimit(.minutes(5)))
struct KubectlClusterTests {
    /// A broker of their own: policies that other tests apply at the same time are a difference, too.
    private static let broker = SharedDevelopmentBroker()

    @Test("policies: all is said to be well while it is, and each difference between cluster and broker is named")
    func policies() async throws {
        try await KubectlFixture.run(namespace: "compared", on: Self.broker) { fixture in
            try fixture.cluster.create(fixture.policy("attested"))
            try fixture.cluster.create(fixture.policy("hardware", validation: "tee != 'sample'"))
            try await fixture.controlling { controller in
                try await fixture.wait(controller) {
                    try ["attested", "hardware"].allSatisfy { try fixture.isProgrammed($0) }
                }
                let well = try await fixture.kubectl("policies")
                #expect(well.status == 0 && !well.output.contains("PROBLEM  "), "\(well)")
                #expect(well.output.contains(/attested +True +True +True +same/), "\(well.output)")
                #expect(try await fixture.kubectl("policies", "-A").status == 0)
                controller.signal(SIGTERM)
                _ = await controller.status()
            }
            // Nobody brings these to the broker any more.
            try fixture.cluster.replace(fixture.policy("attested", validation: "tee == 'snp'"))
            try fixture.cluster.delete("ReleasePolicy", fixture.namespace, "hardware")
            try fixture.cluster.create(fixture.policy("fresh"))
            let behind = try await fixture.kubectl("policies", "-o", "json")
            #expect(behind.status == 1)
            let problems = try behind.json["problems"]?.arrayValue?.compactMap(\.stringValue) ?? []
            for text in [
                "ReleasePolicy/compared/attested: the broker decides by another version of it",
                "ReleasePolicy/compared/attested: StatusOutdated: The status speaks of an earlier version of the object.",
                "ReleasePolicy/compared/fresh: the broker does not have it",
                "ReleasePolicy/compared/hardware: the broker has it from source/compared, and it is no object any more",
            ] {
                #expect(problems.contains(text), "\(text) is not in \(problems)")
            }
        }
    }

    @Test("status: 0 while everything runs, 1 when nobody leads, when a definition is missing, when the broker is away")
    func status() async throws {
        try await KubectlFixture.run(namespace: "healthy", on: Self.broker) { fixture in
            try fixture.cluster.create(fixture.policy("attested"))
            try await fixture.controlling { controller in
                try await fixture.wait(controller) { try fixture.isProgrammed("attested") }
                let well = try await fixture.kubectl("status")
                #expect(well.status == 0, "\(well)")
                for text in [
                    "leads, renewed", "7 kinds, v1alpha1", "1, all Programmed", "Kubernetes 1.", "generation",
                    "none of which ends soon",
                ] {
                    #expect(well.output.contains(text), "\(text) is not in \(well.output)")
                }
                controller.signal(SIGTERM)
                _ = await controller.status()
            }
            let leaderless = try await fixture.kubectl("status")
            #expect(leaderless.status == 1 && leaderless.output.contains("nobody leads"), "\(leaderless)")
            try fixture.cluster.delete("CustomResourceDefinition", "", "agentprofiles.claviger.dev")
            let undefined = try await fixture.kubectl("status", "-o", "json")
            let findings = try undefined.json.arrayValue ?? []
            let definitions = findings.first { $0["subject"] == "definitions" }
            #expect(definitions?["state"] == "problem", "\(undefined)")
            #expect(definitions?["details"]?.stringValue?.contains("agentprofiles (missing)") == true)
            let away = try await fixture.kubectl("status", "--url", "https://127.0.0.1:1")
            #expect(away.status == 1, "\(away)")
        }
    }

    @Test("a Lease that is not renewed, and one that the broker knows a higher number of, are problems")
    func leases() throws {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        func finding(_ spec: JSONObject, fences: [Int64] = []) -> HealthFinding {
            var lease = KubernetesObject(.leases, namespace: "claviger", name: "claviger-controller")
            lease.spec = spec
            let sources = fences.map { JSONValue.object(["fence": .int($0)]) }
            return ControllerHealth(lease).finding(broker: ["sources": .array(sources)], now: now)
        }
        let fresh: JSONObject = [
            "holderIdentity": "one", "leaseDurationSeconds": 15, "leaseTransitions": 7,
            "renewTime": "2027-01-15T07:59:58.000000Z",
        ]
        #expect(finding(fresh, fences: [7]).details == "one leads, renewed 2s ago, fence 7")
        #expect(finding(fresh, fences: [7, 9]).state == .ok)
        #expect(finding(fresh, fences: [8, 9]).state == .problem)
        var stale = fresh
        stale["renewTime"] = "2027-01-15T07:59:00.000000Z"
        #expect(finding(stale).state == .problem)
        #expect(finding(["holderIdentity": ""]).state == .problem)
    }

    @Test("collateral is a problem when it has ended, ends soon, or was changed past the broker")
    func collateral() {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        func state(_ item: JSONValue) -> HealthFinding.State {
            BrokerHealth.collateral(["items": [item]], soon: .seconds(86_400), now).state
        }
        #expect(state(["name": "a", "state": "permanent", "nextUpdate": .null]) == .ok)
        #expect(state(["name": "a", "state": "current", "nextUpdate": "2027-01-17T00:00:00Z"]) == .ok)
        #expect(state(["name": "a", "state": "expiring", "nextUpdate": "2027-01-15T20:00:00Z"]) == .problem)
        #expect(state(["name": "a", "state": "expired", "nextUpdate": "2027-01-15T00:00:00Z"]) == .problem)
        #expect(state(["name": "a", "state": "unauthentic", "nextUpdate": .null]) == .problem)
    }

    @Test("real kubectl finds the program as its plugin and passes options and exit status on")
    func realKubectl() async throws {
        try await KubectlFixture.run(namespace: "real", on: Self.broker) { fixture in
            try fixture.cluster.create(fixture.policy("attested"))
            let script = KubectlFixture.repository.appending(path: "scripts/kubectl.sh").path
            func kubectl(_ arguments: String...) async throws -> (status: Int32, output: String) {
                let run = try RunningProgram(script, ["claviger"] + arguments, environment: fixture.environment)
                return (await run.status(), run.outputText + run.errorText)
            }
            let policies = try await kubectl("policies", "-n", "real")
            #expect(policies.status == 1, "\(policies.output)")
            #expect(policies.output.contains("ReleasePolicy/real/attested: the broker does not have it"))
            let help = try await kubectl("--help")
            #expect(help.status == 0 && help.output.contains("USAGE: kubectl claviger <subcommand>"), "\(help.output)")
            let unknown = try await kubectl("why", "nobody", "-n", "real")
            #expect(unknown.status == 3, "\(unknown.output)")
        }
    }
}
