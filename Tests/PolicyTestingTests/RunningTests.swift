import Encodings
import Policy
import Testing

@testable import PolicyTesting

@Suite("Running test cases")
struct RunningTests {
    @Test("cases that are as expected pass: verdicts, reasons, grades, extensions, explanations and tokens")
    func passing() throws {
        let report = try TestFixture.run(
            """
                - name: allowed
                  expect:
                    verdict: Allow
                    reason: allowed
                    policy: ReleasePolicy/payments/keys
                    status: affirming
                    trust: {executables: 3, hardware: affirming, file-system: none}
                - name: unknown measurement
                  change: {cpu0: {measurement: "bb"}}
                  expect: {verdict: Deny, reason: condition_false, trust: {executables: 33}}
                - name: debug guest
                  change: {cpu0: {policy_debug_allowed: true}}
                  expect: {reason: condition_false, explainContains: ["no debug guests", "policy_debug_allowed"]}
                - name: no reference value
                  referenceValues: {measurements: null}
                  expect: {reason: missing_reference_value}
                - name: old evidence
                  age: 11m
                  expect: {reason: stale_evidence, policy: ReleasePolicy/payments/keys}
                - name: another path
                  request: {resource: payments/other/app}
                  expect: {reason: no_matching_policy}
                - name: a device that nothing grades
                  evidence: [{tee: snp, claims: {}}, {tee: nvidia, class: gpu, claims: {}}]
                  expect: {verdict: Deny, reason: no_appraisal_policy}
                - name: a token
                  token:
                    iat: 1767225000
                    exp: 1767226200
                    submods:
                      cpu0:
                        ear.status: affirming
                        ear.trustworthiness-vector: {executables: 3}
                        ear.veraison.annotated-evidence: {snp: {policy_debug_allowed: false}}
                  expect: {verdict: Allow}
            """)
        #expect(report.failures.map { "\($0.name): \($0.differences)" } == [])
        #expect(report.results.count == 8)
    }

    @Test("a case that comes out otherwise says what was expected, what it was and which condition it was")
    func failing() throws {
        let report = try TestFixture.run(
            """
                - name: should be allowed
                  change: {cpu0: {policy_debug_allowed: true}}
                  expect: {verdict: Allow, reason: allowed, trust: {executables: warning}, status: contraindicated}
            """)
        let result = try #require(report.failures.first)
        let found = Dictionary(result.differences.map { ($0.field, "\($0.expected), \($0.actual)") }) { $1 }
        #expect(
            found == [
                "verdict": "Allow, Deny", "reason": "allowed, condition_false",
                "trust.executables": "warning, 3 (affirming)", "status": "contraindicated, affirming",
            ])
        #expect(
            result.findings.contains {
                $0.contains("claims.snp.policy_debug_allowed == false")
                    && $0.contains("claims.snp.policy_debug_allowed = true")
            }, "\(result.findings)")
    }

    @Test("the guardrail that objects is the policy of a denial")
    func guardrail() throws {
        let guardrail = TestFixture.clusterPolicy(
            "limit",
            "  effect: Guardrail\n  match: {resources: [\"**\"]}\n  validations: [{expression: \"tee == 'tdx'\"}]")
        let report = try TestFixture.run(
            """
                - name: denied
                  expect: {reason: guardrail_denied, policy: ClusterReleasePolicy/-/limit}
            """, documents: TestFixture.documents(TestFixture.appraisal, TestFixture.release, guardrail))
        #expect(report.failures.isEmpty, "\(report.failures)")
    }

    @Test("coverage tells what was never true, never false, never evaluated, and what only can be reached")
    func coverage() throws {
        let good = "    - {name: good, expect: {verdict: Allow}}"
        let report = try TestFixture.run(good)
        let gaps = report.coverage.documents.flatMap { document in
            document.conditions.compactMap { condition in condition.gap.map { "\(condition.path) \($0)" } }
        }
        #expect(
            gaps == [
                "spec.rules[0].when[0] never false", "spec.require.trust.executables never false",
                "spec.require.maxEvidenceAge never false", "spec.validations[0] never false",
            ])
        #expect(report.coverage.percent == 55)  // 5 of 9
        let lines = report.coverage.documents.flatMap(\.conditions).map(\.line)
        #expect(lines == [8, 9, 17, 18, 20])

        var all = report.coverage
        all.add(
            try TestFixture.run(
                """
                    - name: debug and old
                      age: 1h
                      change: {cpu0: {measurement: "b", policy_debug_allowed: true}}
                      expect: {verdict: Deny}
                """
            ).coverage)
        #expect(all.percent == 100)
    }

    @Test("a policy that no case reaches counts as not covered")
    func unreached() throws {
        let other = TestFixture.releasePolicy("other", "  match: {resources: [\"payments/**\"]}", namespace: "payments")
        let report = try TestFixture.run(
            "    - {name: good, expect: {verdict: Allow}}",
            documents: TestFixture.documents(TestFixture.appraisal, TestFixture.release, other))
        let found = report.coverage.documents.first { $0.identifier == "ReleasePolicy/payments/other" }
        #expect(found?.conditions.map(\.gap) == ["never reached"])
    }

    @Test("JUnit XML carries names and failures, whatever characters they have")
    func junit() throws {
        let report = try TestFixture.run(
            #"""
                - {name: "a <b> & \"c\"\u0001", expect: {verdict: Deny}}
                - {name: good, expect: {verdict: Allow}}
            """#)
        let xml = JUnitReport([report]).text()
        #expect(xml.hasPrefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "))
        #expect(xml.contains("<testsuite name=\"keys\" tests=\"2\" failures=\"1\" errors=\"0\""))
        #expect(xml.contains("<testcase name=\"a &lt;b&gt; &amp; &quot;c&quot;?\" classname=\"keys\""))
        #expect(xml.contains("<failure message=\"verdict: expected Deny, got Allow\">"))
        #expect(!xml.contains("\u{1}"))
    }
}
