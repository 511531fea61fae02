import BrokerTestSupport
import Encodings
import Foundation
import Testing

@testable import Broker

@Suite("Reference values that live and end")
struct ReferenceLifeCycleTests {
    private static func values(_ state: String, until: String? = nil, source: String = "build 1") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ReferenceValues
        metadata: {name: firmware}
        spec:
          values:
            - name: launch_digest
              values: [abcde]
              state: \(state)
              \(until.map { "validUntil: \"\($0)\"" } ?? "")
              provenance: {source: "\(source)", signedBy: alice}
        """
    }

    private static func time(_ test: TestBroker, days: Double) -> String {
        test.clock.now.addingTimeInterval(days * 86_400).formatted(.iso8601)
    }

    private func row(_ test: TestBroker, _ name: String) async throws -> JSONValue? {
        try await test.broker.referenceValueList()["referenceValues"]?.arrayValue?.first { $0["name"] == .string(name) }
    }

    @Test("the list shows registered and declared values with state, days left and provenance")
    func list() async throws {
        let test = try await TestBroker.make()
        let policy = Self.values("deprecated", until: Self.time(test, days: 3.5))
        _ = try await test.broker.applyPolicies(policy, dryRun: false, by: "eve")
        try await test.broker.putReferenceValue("svn", value: ["1"], expires: nil, by: "eve")
        let declared = try await row(test, "launch_digest")
        #expect(declared?["state"] == "deprecated" && declared?["counts"] == true && declared?["daysLeft"] == 3)
        #expect(declared?["document"] == "ReferenceValues/-/firmware")
        #expect(declared?["provenance"]?["source"] == "build 1")
        let registered = try await row(test, "svn")
        #expect(registered?["state"] == "accepted" && registered?["document"] == nil)
        #expect(try #require(registered?["daysLeft"]?.intValue) > 300)
        test.clock.advance(by: 5 * 86_400)
        let ended = try await row(test, "launch_digest")
        #expect(ended?["counts"] == false && ended?["expired"] == true && ended?["daysLeft"] == -1)
    }

    @Test("each change of a value's state is in its history, with who made it")
    func history() async throws {
        let test = try await TestBroker.make()
        for (state, author) in [("candidate", "eve"), ("accepted", "bob"), ("accepted", "carol"), ("revoked", "dave")] {
            _ = try await test.broker.applyPolicies(Self.values(state), dryRun: false, by: author)
        }
        let other = Self.values("revoked").replacing("launch_digest", with: "something_else")
        _ = try await test.broker.applyPolicies(other, dryRun: false, by: "frank")
        try await test.broker.putReferenceValue("svn", value: ["1"], expires: nil, by: "eve")
        let history = try await test.broker.referenceValueHistory("launch_digest")["history"]?.arrayValue ?? []
        #expect(history.map { $0["changedBy"] } == ["frank", "dave", "bob", "eve"])
        #expect(history.map { $0["after"]?.arrayValue?.first?["state"] } == [nil, "revoked", "accepted", "candidate"])
        #expect(history.map { $0["before"]?.arrayValue?.first?["state"] } == ["revoked", "accepted", "candidate", nil])
        #expect(history.allSatisfy { $0["changedAt"]?.stringValue?.hasSuffix("Z") == true })
        let registered = try await test.broker.referenceValueHistory("svn")["history"]?.arrayValue ?? []
        #expect(registered.map { $0["changedBy"] } == ["eve"] && registered.first?["value"] == ["1"])
        try await test.broker.deletePolicy(
            PolicyName(kind: "ReferenceValues", namespace: nil, name: "firmware"), by: "grace")
        let deleted = try await test.broker.referenceValueHistory("something_else")["history"]?.arrayValue ?? []
        #expect(deleted.map { $0["changedBy"] } == ["grace", "frank"])
        #expect(deleted.map { $0["change"] } == ["delete", "put"])
        #expect(deleted.first?["before"]?.arrayValue?.first?["state"] == "revoked")
        let unknown = try await brokerError { _ = try await test.broker.referenceValueHistory("nowhere") }
        #expect(unknown?.kind == .notFound)
    }

    @Test("nothing ends silently: a gauge counts down, and the log says it once a day")
    func watch() async throws {
        let test = try await TestBroker.make()
        let policy = Self.values("accepted", until: Self.time(test, days: 10))
        _ = try await test.broker.applyPolicies(policy, dryRun: false, by: "eve")
        await test.broker.watchReferenceValues()
        let series = #"claviger_reference_value_expiry_seconds{name="launch_digest",namespace=""}"#
        func gauge() -> Double? {
            test.metrics.prometheusText().split(separator: "\n").first { $0.hasPrefix(series) }
                .flatMap { Double($0.dropFirst(series.count + 1)) }
        }
        #expect(try abs(#require(gauge()) - 864_000) < 60)
        func warnings() -> Int { test.logs.text.split(separator: "a reference value ends soon").count - 1 }
        #expect(warnings() == 1)
        await test.broker.watchReferenceValues()
        #expect(warnings() == 1)
        test.clock.advance(by: 11 * 86_400)
        await test.broker.watchReferenceValues()
        #expect(try #require(gauge()) < 0)
        #expect(test.logs.text.contains("a reference value has ended"))
        try await test.broker.deletePolicy(
            PolicyName(kind: "ReferenceValues", namespace: nil, name: "firmware"), by: "eve")
        await test.broker.watchReferenceValues()
        #expect(gauge()?.isNaN == true)
    }

    @Test("a deprecated value behind a guest's grades stands in the decision that they allowed")
    func decisionSaysSo() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.affirmingOnly))
        try await test.put("a/b/c", "secret")
        for (name, value) in [("svn", ["1"] as JSONValue), ("major_version", 1), ("minimum_minor_version", 1)] {
            try await test.broker.putReferenceValue(name, value: value, expires: nil, by: "eve")
        }
        let end = Self.time(test, days: 10)
        _ = try await test.broker.applyPolicies(Self.values("deprecated", until: end), dryRun: false, by: "eve")
        let guest = try SampleGuest()
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "secret")
        let rows = try await test.broker.decisions(limit: 1, path: "a/b/c", allowed: true, before: nil)
        let id = try #require(rows["decisions"]?.arrayValue?.first?["id"]?.stringValue)
        let notes = try await test.broker.decision(id)["trace"]?["notes"]?.arrayValue
        #expect(notes?.count == 1)
        #expect(
            notes?.first?.stringValue?.contains("'launch_digest' is deprecated and counts only until \(end)") == true)
    }
}
