import Policy
import RATS
import Testing

@testable import PolicyTesting

@Suite("Reading test files")
struct CaseReadingTests {
    @Test("a case takes from the defaults what it does not say itself")
    func defaults() throws {
        let text = TestFixture.suite(
            """
                - name: plain
                  expect: {verdict: Allow}
                - name: own
                  request: {resource: payments/image-key/other, query: {a: b}}
                  age: 1h30m
                  protocol: "0.4.0"
                  now: "2026-06-01T12:00:00Z"
                  expect: {verdict: Deny}
            """)
        let suite = try PolicyTestSuite.read(text, source: "a")[0]
        #expect(suite.policies == ["keys.yaml"])
        #expect(suite.cases[0].now == TestFixture.now)
        #expect(suite.cases[0].request?.path == ["payments", "image-key", "app"])
        #expect(suite.cases[0].request?.operation == "get")
        #expect(suite.cases[1].request?.query == ["a": "b"])
        #expect(suite.cases[1].age == 5400)
        #expect(suite.cases[1].protocolVersion == "0.4.0")
        #expect(suite.cases[1].now != suite.cases[0].now)
        #expect(suite.cases[1].line == suite.cases[0].line + 2)
    }

    @Test("changes replace and remove claims of the evidence that is named, and reference values likewise")
    func changes() throws {
        let text = TestFixture.suite(
            """
                - name: changed
                  change: {cpu0: {measurement: "bb", policy_debug_allowed: null}}
                  referenceValues: {measurements: null, more: 1}
                  expect: {verdict: Deny}
                - {name: plain, expect: {verdict: Allow}}
            """)
        let cases = try PolicyTestSuite.read(text, source: "a")[0].cases
        guard case .evidence(let changed) = cases[0].subject, case .evidence(let plain) = cases[1].subject else {
            Issue.record("no evidence")
            return
        }
        #expect(changed[0].claims.claims == ["measurement": "bb"])
        #expect(plain[0].claims.claims == ["measurement": "aa", "policy_debug_allowed": false])
        #expect(cases[0].referenceValues == ReferenceValues(["more": 1]))
        #expect(cases[1].referenceValues == ReferenceValues(["measurements": ["aa"]]))
    }

    @Test(
        "whatever is misspelt or contradictory is refused at its line and column",
        arguments: [
            ("    - {name: a, expect: {verdict: Alow}}", "invalid_value", 14, 35),
            ("    - {name: a, expects: {verdict: Allow}}", "unknown_field", 14, 17),
            ("    - {name: a, evidence: goood, expect: {verdict: Allow}}", "unknown_name", 14, 27),
            ("    - {name: a, expect: {trust: {execs: 3}}}", "unknown_trust_claim", 14, 34),
            ("    - {name: a, expect: {reason: condition_fals}}", "invalid_value", 14, 34),
            ("    - {name: a, expect: {verdict: Allow, reason: no_policies}}", "invalid_value", 14, 50),
            ("    - {name: a, change: {gpu0: {a: 1}}, expect: {verdict: Allow}}", "unknown_name", 14, 32),
            ("    - {name: a, token: {}, age: 1m, expect: {verdict: Allow}}", "invalid_value", 14, 33),
            ("    - {name: a, age: soon, expect: {verdict: Allow}}", "invalid_value", 14, 22),
            ("    - {name: a, expect: {}}", "invalid_value", 14, 25),
            ("    - {name: a, now: yesterday, expect: {verdict: Allow}}", "invalid_value", 14, 22),
        ])
    func refused(cases: String, code: String, line: Int, column: Int) {
        let found = TestFixture.diagnostics(TestFixture.suite(cases))
        #expect(found.map(\.code).contains(code), "\(found)")
        #expect(found.contains { $0.code == code && $0.line == line && $0.column == column }, "\(found)")
    }

    @Test("a verdict without a request, a name that stands twice, and a document of another kind are refused")
    func incomplete() {
        let text = """
            apiVersion: claviger.dev/v1alpha1
            kind: PolicyTest
            metadata: {name: a}
            spec:
              policies: [p.yaml]
              cases:
                - {name: a, evidence: [{tee: snp, claims: {}}], expect: {verdict: Allow}}
                - {name: b, evidence: [{tee: snp, claims: {}}], expect: {status: none}}
                - {name: b, evidence: [{tee: snp, claims: {}}], expect: {status: none}}
                - {name: c, expect: {status: none}}
            """
        #expect(TestFixture.diagnostics(text).map(\.code) == ["missing_field", "duplicate_name", "missing_field"])
        #expect(TestFixture.diagnostics(TestFixture.release).contains { $0.message.contains("PolicyTest") })
    }
}
