import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("The life of reference values")
struct ReferenceLifeCycleTests {
    private func values(_ entries: String, name: String = "firmware", namespace: String? = nil) -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ReferenceValues
        metadata: {name: \(name)\(namespace.map { ", namespace: \($0)" } ?? "")}
        spec:
          values:
        \(entries.split(separator: "\n").map { "    - {\($0)}" }.joined(separator: "\n"))
        """
    }

    private let policy = Fixture.release(
        """
          match: {resources: ["payments/**"]}
          validations:
            - expression: "claims.sample.launch_digest in reference('digests')"
        """)

    private func decide(_ documents: String...) throws -> Decision {
        try Fixture.bundle(([policy] + documents).joined(separator: "\n---\n")).decide(Fixture.request())
    }

    @Test("a value is revoked in a list that stands under value, and by one")
    func revokedInSingleList() throws {
        let list = "name: digests, value: [abcde, fghij]"
        #expect(try decide(values(list)).allowed)
        #expect(
            try !decide(values(list), values("name: digests, value: [abcde], state: revoked", name: "gone")).allowed)
        #expect(
            try !decide(values(list), values("name: digests, values: [abcde], state: revoked", name: "gone")).allowed)
        let lists = "name: digests, values: [abcde, fghij]"
        #expect(
            try !decide(values(lists), values("name: digests, value: [abcde], state: revoked", name: "gone")).allowed)
    }

    @Test("lists of one name are put together, each with a life of its own")
    func merged() throws {
        let old = "name: digests, values: [abcde], state: deprecated, validUntil: \"2030-01-01T00:00:00Z\""
        let new = "name: digests, values: [fghij]"
        #expect(try decide(values(new)).reason == .conditionFalse)
        #expect(try decide(values("\(old)\n\(new)")).allowed)
        let ended = "name: digests, values: [abcde], validUntil: \"2020-01-01T00:00:00Z\""
        #expect(try decide(values("\(ended)\n\(new)")).reason == .conditionFalse)
        let candidate = "name: digests, values: [abcde], state: candidate"
        #expect(try decide(values("\(candidate)\n\(new)")).reason == .conditionFalse)
        #expect(try decide(values("\(candidate)\n\(ended)")).reason == .missingReferenceValue)
        for entries in ["name: a, value: 1\nname: a, value: 2", "name: a, values: [x]\nname: a, value: x"] {
            #expect(Fixture.diagnostics(values(entries)).map(\.code) == ["duplicate_name"])
        }
    }

    @Test("a deprecated value counts, and the decision says so and until when")
    func deprecated() throws {
        let decision = try decide(
            values("name: digests, values: [abcde], state: deprecated, validUntil: \"2030-01-01T00:00:00Z\""))
        #expect(decision.allowed)
        let words = "The reference value 'digests' is deprecated and counts only until 2030-01-01T00:00:00Z."
        #expect(decision.trace.first?.conditions.first?.notes == [words])
        #expect(decision.explanation().contains("note: \(words)"))
        #expect(try Decision(json: decision.json()) == decision)
        #expect(try decide(values("name: digests, values: [abcde]")).trace[0].conditions[0].notes.isEmpty)
    }

    @Test("where a value comes from stands in the explanation")
    func provenance() throws {
        let decision = try decide(
            values(
                """
                name: digests, values: [abcde], provenance: {source: "registry/app:1", builtBy: ci, signedBy: alice, \
                date: "2026-01-02T03:04:05Z"}
                """))
        #expect(
            decision.explanation().contains(
                "comes from registry/app:1, built by ci, signed by alice, on 2026-01-02T03:04:05Z."))
        #expect(Fixture.diagnostics(values("name: a, value: 1, provenance: {}")).map(\.code) == ["invalid_value"])
        #expect(
            Fixture.diagnostics(values("name: a, value: 1, provenance: {sorce: x}")).map(\.code) == ["unknown_field"])
    }

    @Test("a value that is revoked in any layer that the policy sees is refused, whoever accepts it")
    func revoked() throws {
        let accepted = values("name: digests, values: [abcde, other]", namespace: "payments")
        let revokedInCluster = values("name: digests, state: revoked, values: [ABCDE]", name: "revoked")
        #expect(try decide(accepted).allowed)
        #expect(try decide(accepted, revokedInCluster).reason == .conditionFalse)
        let only = values("name: digests, values: [abcde]", namespace: "payments")
        let decision = try decide(only, revokedInCluster)
        #expect(decision.reason == .missingReferenceValue)
        #expect(decision.message.contains("revoked, the first by ReferenceValues/-/revoked"))
        // The namespace can take away what the cluster accepts, for itself.
        let cluster = values("name: digests, values: [abcde]")
        let own = values("name: digests, state: revoked, values: [abcde]", namespace: "payments")
        #expect(try decide(cluster).allowed)
        #expect(try decide(cluster, own).reason == .missingReferenceValue)
        #expect(
            try decide(values("name: digests, values: [abcde]\nname: digests, state: revoked, values: [abcde]")).reason
                == .missingReferenceValue)
    }

    @Test("a revocation takes away registered values too, and never waits for a date")
    func revokedRegistered() throws {
        let revoked = values(
            "name: digests, state: revoked, values: [abcde], validFrom: \"2999-01-01T00:00:00Z\"", name: "revoked")
        let registered = ReferenceValues(["digests": ["abcde"]])
        #expect(try Fixture.bundle(policy, registered: registered).decide(Fixture.request()).allowed)
        let decision = try Fixture.bundle(policy, revoked, registered: registered).decide(Fixture.request())
        #expect(decision.reason == .missingReferenceValue)
    }

    @Test("A32: another namespace's values, revocations and states change nothing here")
    func otherTenants() throws {
        let mine = values("name: digests, values: [abcde]")
        let theirs = values("name: digests, state: revoked, values: [abcde]", namespace: "research")
        #expect(try decide(mine, theirs).allowed)
        let theirValues = values("name: digests, values: [abcde]", namespace: "research")
        #expect(try decide(theirValues).reason == .missingReferenceValue)
    }

    @Test("a deprecated value behind a grade is remembered with the grade")
    func behindGrades() throws {
        let appraising = try Fixture.readyPolicy("default-cpu.yaml")
        let references = values(
            """
            name: launch_digest, values: [abcde], state: deprecated, validUntil: "2030-01-01T00:00:00Z"
            name: svn, values: ["1"]
            name: major_version, value: 1
            name: minimum_minor_version, value: 1
            """)
        let report = try Fixture.bundle(appraising, references).appraisalReport([Fixture.input()], now: Fixture.now)
            .get()
        #expect(report.traces[0].notes.count == 1)
        #expect(report.traces[0].notes[0].contains("'launch_digest' is deprecated"))
    }
}
