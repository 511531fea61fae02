import Foundation
import Policy
import Testing

@testable import PolicyTesting

@Suite("Lint of policies that are right as YAML")
struct LintTests {
    private func codes(_ text: String) throws -> [String] { try TestFixture.lint(text).map(\.code) }

    private func release(_ body: String) throws -> [PolicyDiagnostic] {
        try TestFixture.lint(
            TestFixture.releasePolicy("a", "  match: {resources: [\"payments/image-key/*\"]}\n" + body))
    }

    @Test("an ordinary policy has nothing to complain about")
    func clean() throws {
        #expect(try codes(TestFixture.release) == [])
    }

    @Test("a policy that allows every attested guest is a warning")
    func unconditional() throws {
        let findings = try release("")
        #expect(findings.map(\.code) == ["unconditional_allow"])
        #expect(findings[0].severity == .warning)
    }

    @Test("conditions that are constant are named at their line and column, also when only part of them is")
    func constants() throws {
        let findings = try release(
            """
              validations:
                - expression: "true"
                - expression: "1 == 2"
                - expression: "claims.snp.policy_debug_allowed || true"
                - expression: "size(submods) > 0 && false"
                - expression: "claims.snp.policy_debug_allowed == false"
            """)
        #expect(
            findings.map(\.code) == ["constant_condition", "never_allows", "constant_condition", "never_allows"],
            "\(findings)")
        #expect(findings.map(\.line) == [7, 8, 9, 10])
        #expect(findings.allSatisfy { $0.column == 19 })
    }

    @Test("a guardrail that nothing passes, and one whose condition contradicts the TEEs that it requires, are found")
    func guardrail() throws {
        func guardrail(_ body: String) -> String {
            TestFixture.clusterPolicy("limit", "  effect: Guardrail\n  match: {resources: [\"**\"]}\n" + body)
        }
        #expect(try codes(guardrail("  validations: [{expression: \"false\"}]")) == ["nothing_passes"])
        #expect(
            try codes(guardrail("  require: {tees: [snp, tdx]}\n  validations: [{expression: \"tee == 'sgx'\"}]"))
                == ["nothing_passes"])
        #expect(try codes(guardrail("  require: {tees: [snp]}\n  validations: [{expression: \"tee == 'snp'\"}]")) == [])
    }

    @Test("devices can never be the guest itself")
    func devices() throws {
        #expect(try release("  require: {tees: [nvidia, sampledevice]}").map(\.code) == ["never_allows"])
    }

    @Test("variables that nothing uses are found, those that are used in messages or other variables are not")
    func variables() throws {
        let findings = try release(
            """
              variables:
                - {name: unused, expression: "1"}
                - {name: first, expression: "claims.snp.measurement"}
                - {name: second, expression: "variables.first"}
              validations:
                - {expression: "tee == 'snp'", messageExpression: "'measured ' + variables.second"}
            """)
        #expect(findings.map(\.message) == ["Nothing uses variables.unused."])
    }

    @Test("plugins and segments that nothing has can never match")
    func neverMatches() throws {
        let plugin = TestFixture.clusterPolicy(
            "a", "  match: {resources: [\"**\"], plugins: [nebula-ca]}\n  require: {status: affirming}")
        #expect(try codes(plugin) == ["never_matches"])
        let segment = TestFixture.releasePolicy(
            "a", "  match: {resources: [\"payments/image-key/a:1\"]}\n  require: {status: affirming}")
        #expect(try codes(segment) == ["never_matches"])
        let redundant = TestFixture.releasePolicy(
            "a", "  match: {resources: [\"payments/**\", \"payments/a/b\"]}\n  require: {status: affirming}")
        #expect(try codes(redundant) == ["redundant_pattern"])
    }

    @Test("rules behind one that holds whenever they do are unreachable, per TEE")
    func unreachable() throws {
        func appraisal(_ rules: String) -> String {
            """
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata: {name: default-cpu}
            spec:
              class: cpu
              rules:
            \(rules)
            """
        }
        let findings = try TestFixture.lint(
            appraisal(
                """
                    - {tee: snp, claim: hardware, value: 2, when: []}
                    - {tee: snp, claim: hardware, value: 3, when: ["claims.policy_abi_major == 1"]}
                    - {tee: tdx, claim: hardware, value: 3, when: ["claims.tcb_status == 'UpToDate'"]}
                    - {tees: [snp, tdx], claim: hardware, value: 3, when: ["tee == 'snp'"]}
                    - {tee: snp, claim: executables, value: 3, when: ["claims.measurement == 'a'"]}
                    - {tee: snp, claim: executables, value: 4, when: ["claims.policy_abi_major == 1", "claims.measurement == 'a'"]}
                    - {tee: snp, claim: executables, value: 5, when: ["false"]}
                """))
        #expect(findings.map(\.code) == ["unreachable_rule", "unreachable_rule", "never_holds"], "\(findings)")
        #expect(findings.map(\.line) == [8, 12, 13])
    }

    @Test("an appraisal policy that is not named after its class is never chosen")
    func neverChosen() throws {
        let text = TestFixture.appraisal.replacing("default-cpu", with: "graphics")
        #expect(try codes(text).contains("never_chosen"))
    }

    @Test("a reference value that nobody defines is a note alone, and a warning when it is known what is defined")
    func undefinedReferences() throws {
        let note = try TestFixture.lint(TestFixture.appraisal)
        #expect(note.map(\.code) == ["undefined_reference_value"])
        #expect(note[0].severity == .note)
        #expect(note[0].line == 8)
        let values = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: values}
            spec: {values: [{name: measurement, values: []}]}
            """
        let near = try TestFixture.lint(TestFixture.appraisal, values)
        #expect(near.first { $0.code == "undefined_reference_value" }?.severity == .warning)
        #expect(near.first { $0.code == "undefined_reference_value" }?.hint == "did you mean 'measurement'?")
        #expect(near.map(\.code).contains("unused_reference_value"))
        let known = [PolicyLint.RegisteredValue(name: "measurements", expires: nil)]
        #expect(try TestFixture.lint(TestFixture.appraisal, registered: known) == [])
        #expect(try TestFixture.lint(TestFixture.appraisal, registered: []).map(\.severity) == [.warning])
    }

    @Test("reference values that floors of the platform version name are looked for like those of expressions")
    func floorReferences() throws {
        let policy = TestFixture.releasePolicy(
            "a",
            """
              match: {resources: ["payments/**"]}
              require:
                posture:
                  tcb:
                    snp: {atLeast: milan_tcb}
            """)
        func values(_ name: String, state: String = "accepted") -> String {
            """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: values, namespace: payments}
            spec: {values: [{name: \(name), state: \(state), value: {microcode: 213}}]}
            """
        }
        let missing = try TestFixture.lint(policy, registered: [])
        #expect(missing.map(\.code) == ["undefined_reference_value"])
        #expect(missing.map(\.path) == ["spec.require.posture.tcb.snp.atLeast"])
        #expect(missing.map(\.line) == [9])
        #expect(try TestFixture.lint(policy, values("milan_tcb")) == [])
        #expect(
            try TestFixture.lint(policy, values("milan_tcb", state: "revoked")).map(\.code) == [
                "reference_does_not_count"
            ])
        let misspelt = try TestFixture.lint(policy, values("milan_tbc"))
        #expect(Set(misspelt.map(\.code)) == ["undefined_reference_value", "unused_reference_value"])
    }

    @Test("values that do not count, end soon or have ended are found")
    func expiry() throws {
        func values(_ entry: String) -> String {
            """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: values}
            spec: {values: [{name: measurements, values: ["aa"], \(entry)}]}
            """
        }
        func codes(_ entry: String) throws -> [String] {
            try TestFixture.lint(TestFixture.appraisal, values(entry)).map(\.code)
        }
        #expect(try codes("validUntil: \"2027-01-01T00:00:00Z\"") == [])
        #expect(try codes("validUntil: \"2026-01-20T00:00:00Z\"") == ["expiring_reference_value"])
        #expect(try codes("validUntil: \"2025-01-20T00:00:00Z\"") == ["expired_reference_value"])
        #expect(try codes("state: candidate") == ["reference_does_not_count"])
        let registered = [PolicyLint.RegisteredValue(name: "measurements", expires: TestFixture.now + 86_400)]
        #expect(
            try TestFixture.lint(TestFixture.appraisal, registered: registered).map(\.code)
                == ["expiring_reference_value"])
    }

    @Test("resources that no policy can release are named where they were asked for")
    func resources() throws {
        let never = TestFixture.releasePolicy(
            "never", "  match: {resources: [\"payments/never/*\"]}\n  validations: [{expression: \"false\"}]")
        let findings = try TestFixture.lint(
            TestFixture.release, never,
            resources: ["payments/image-key/app", "Payments/image-key/app", "payments/never/a", "a/b"])
        let found = findings.filter { $0.code == "unreleasable_resource" }
        #expect(found.map(\.line) == [2, 3, 4])
        #expect(found.allSatisfy { $0.source == "resources.txt" })
    }
}
