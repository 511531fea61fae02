import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Hostile and careless input")
struct HostileInputTests {
    private func decision(_ spec: String, _ request: ReleaseRequest = Fixture.request()) throws -> Decision {
        try Fixture.bundle(Fixture.release(spec)).decide(request)
    }

    @Test(
        "A29: a variable that failed is not simply left out of the variables",
        arguments: [
            "variables.all(name, variables[name])", "!('safe' in variables)", "size(variables) == 0",
            "cel.bind(all, variables, !has(all.safe))", "!has(variables.safe)", "variables[?'safe'].orValue(true)",
            "variables['sa' + 'fe'] || true",
        ])
    func failedVariable(_ expression: String) throws {
        let spec = """
              match: {resources: ["payments/**"]}
              variables:
                - {name: safe, expression: "claims.snp.policy_debug_allowed == false"}
              validations:
                - expression: >-
                    \(expression)
            """
        let decision = try decision(spec)
        #expect(!decision.allowed)
        #expect(decision.reason == .conditionError)
    }

    @Test("A32: names of plugins and operations are compared byte for byte")
    func exactNames() throws {
        let policy = Fixture.clusterRelease("  match: {resources: [\"**\"], plugins: [\"PKI\"]}")
        let bundle = try Fixture.bundle(policy)
        #expect(bundle.decide(Fixture.request("a", plugin: "PKI")).allowed)
        #expect(!bundle.decide(Fixture.request("a", plugin: "P\u{212A}I")).allowed)
        #expect(!bundle.decide(Fixture.request("a", plugin: "pki")).allowed)
        #expect(!bundle.decide(Fixture.request("a", operation: "GET", plugin: "PKI")).allowed)
    }

    @Test("A32: no namespace looks like the absence of one")
    func dashNamespace() {
        let policy = Fixture.release("  match: {resources: [\"-/**\"]}", namespace: "\"-\"")
        #expect(Fixture.diagnostics(policy).first?.path == "metadata.namespace")
    }

    @Test("an attestation from the future is never fresh, and has no age that an expression could compare")
    func future() throws {
        func decide(_ condition: String, age: TimeInterval) throws -> Decision {
            let spec = "  match: {resources: [\"payments/**\"]}\n  \(condition)"
            return try decision(spec, Fixture.request(attestation: Fixture.attestation(age: age)))
        }
        let expression = "validations: [{expression: \"attestation.age < duration('10m')\"}]"
        #expect(try decide(expression, age: 599).allowed)
        #expect(try decide(expression, age: -59).allowed)
        #expect(try decide(expression, age: -61).reason == .conditionError)
        #expect(try decide(expression, age: -1e300).reason == .conditionError)
        #expect(try decide("require: {maxEvidenceAge: 10m}", age: -61).reason == .staleEvidence)
        #expect(try decide("require: {maxEvidenceAge: 10m}", age: .nan).reason == .staleEvidence)
    }

    @Test("A29: an appraisal rule against the attester that cannot be evaluated does not clear it")
    func failedRule() throws {
        func grade(_ rule: String, defaults: String = "{executables: 2}") throws -> Int8? {
            let policy = """
                apiVersion: claviger.dev/v1alpha1
                kind: AppraisalPolicy
                metadata: {name: default-cpu}
                spec:
                  class: cpu
                  defaults: \(defaults)
                  rules:
                    - \(rule)
                    - {tee: sample, claim: executables, value: 3, when: ["claims.debug == false"]}
                """
            let references = ReferenceValues(["known_bad": ["other"]])
            return try Fixture.bundle(policy, registered: references).appraise([Fixture.input()], now: Fixture.now)
                .get()[0].vector[.executables]
        }
        func against(_ condition: String, _ value: Int = 96) -> String {
            "{tee: sample, claim: executables, value: \(value), when: [\"\(condition)\"]}"
        }
        #expect(try grade(against("claims.launch_digest in reference('known_bad')")) == 3)
        #expect(try grade(against("claims.launch_digest in reference('missing')")) == 96)
        #expect(try grade(against("int(claims.launch_digest) > 5")) == 96)
        #expect(try grade(against("int(claims.launch_digest) > 5", 33)) == 33)
        #expect(try grade(against("int(claims.launch_digest) > 5", 0)) == 0)
        #expect(try grade(against("int(claims.launch_digest) > 5", 4)) == 3)
        let never = against("claims.debug") + "\n    - " + against("int(claims.launch_digest) > 5", 33)
        #expect(try grade(never, defaults: "{executables: 97}") == 33)
        let last = "{tee: sample, claim: executables, value: 4, when: [\"claims.debug\"]}"
        #expect(try grade(last) == 3)
    }

    @Test("A29: a failed rule does not make a bad grade better")
    func failedRuleKeepsWorse() throws {
        let policy = """
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata: {name: default-cpu}
            spec:
              class: cpu
              defaults: {executables: 97}
              rules:
                - {tee: sample, claim: executables, value: 33, when: ["int(claims.launch_digest) > 5"]}
                - {tee: sample, claim: executables, value: 3, when: ["reference('missing') == 1"]}
            """
        let report = try Fixture.bundle(policy).appraisalReport([Fixture.input()], now: Fixture.now).get()
        #expect(report.appraisals[0].vector[.executables] == 97)
    }

    @Test(
        "a guardrail that can match no resource is refused", arguments: ["payments/*", "*", "payments/key", "a/*/c/d"])
    func idleGuardrail(_ pattern: String) {
        let spec = "  effect: Guardrail\n  match: {resources: [\"\(pattern)\"]}\n  require: {tees: [snp]}"
        #expect(Fixture.diagnostics(Fixture.clusterRelease(spec)).map(\.code) == ["invalid_pattern"])
    }

    @Test("a pattern of another plugin's path may have any length")
    func otherPlugin() throws {
        let spec = "  match: {resources: [\"credential\"], plugins: [\"nebula-ca\"]}"
        let bundle = try Fixture.bundle(Fixture.clusterRelease(spec))
        #expect(bundle.decide(Fixture.request("credential", plugin: "nebula-ca")).allowed)
    }

    @Test("requirements that require nothing are refused", arguments: ["{}", "{trust: {}}", "{tees: []}", "null", ""])
    func emptyRequirements(_ require: String) {
        let spec = "  match: {resources: [\"payments/**\"]}\n  require: \(require)"
        #expect(Fixture.diagnostics(Fixture.release(spec)).count == 1)
    }

    @Test(
        "characters that hide what a policy says are refused, with their line",
        arguments: [
            ("a: 1 # fine\u{2028}b: 2", 1), ("a: 1\nb: 2 # fine\u{85}c: 3", 2), ("a: 1\n# x\u{2029}b: 1", 2),
            ("a: 1\nb: \"\u{202E}x\"", 2), ("a: \u{2066}x\u{2069}", 1), ("a: 1\n---\n\u{FEFF}b: 1", 3),
            ("a: 1 # fine\rb: 2\n", 1), ("a: 1\r\nb: 2\r", 2),
        ])
    func hidden(_ row: (String, Int)) throws {
        let found = try #require(Fixture.diagnostics(row.0).first)
        #expect(found.code == "yaml_syntax")
        #expect(found.line == row.1)
        #expect(found.message.contains("not accepted"))
    }

    @Test(
        "nested aliases are refused at once, whatever stands before their anchors",
        arguments: ["\u{85}", "\u{2028}", "\r"])
    func hiddenAnchors(_ lineBreak: String) {
        var yaml = "a0:\(lineBreak)&a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let aliases = repeatElement("*a\(level - 1)", count: 10).joined(separator: ",")
            yaml += "a\(level):\(lineBreak) \(lineBreak)&a\(level) [\(aliases)]\n"
        }
        #expect(Fixture.diagnostics(yaml).map(\.code) == ["yaml_syntax"])
    }

    @Test("different documents have different digests", arguments: ["1.0", "-0.0", "100.0"])
    func wholeDoubles(_ number: String) throws {
        let values = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: a}
            spec: {values: [{name: svn, value: \(number)}]}
            """
        #expect(Fixture.diagnostics(values).map(\.code) == ["ambiguous_value"])
    }

    @Test("an objecting guardrail is shown, however many agree")
    func objectionShown() throws {
        let agreeing = (10..<60).map {
            Fixture.clusterRelease(
                "  effect: Guardrail\n  match: {resources: [\"**\"]}\n  require: {tees: [sample]}", name: "a\($0)")
        }
        let objecting = Fixture.clusterRelease(
            "  effect: Guardrail\n  match: {resources: [\"**\"]}\n  require: {tees: [snp]}", name: "z")
        let allowing = Fixture.release("  match: {resources: [\"payments/**\"]}")
        let decision = try Fixture.bundle((agreeing + [objecting, allowing]).joined(separator: "\n---\n")).decide(
            Fixture.request())
        #expect(decision.reason == .guardrailDenied)
        #expect(decision.trace.contains { $0.policy == "ClusterReleasePolicy/-/z" && !$0.passed })
        #expect(decision.trace.count <= 64)
    }

    @Test("what turns text around reaches no terminal")
    func directions() {
        let decision = Decision(
            allowed: false, reason: .conditionFalse, message: "a\u{202E}b\u{2028}c", request: "get resource/a/b/c",
            trace: [], nearest: nil, bundleDigest: "")
        #expect(decision.explanation().contains("a?b?c"))
    }

    @Test("raw strings in any spelling hide no reference value")
    func rawStrings() throws {
        let calls = try ReferenceCalls(#"bR'\' == b'' || reference('svn') == '1' || Rb"\" == b''"#)
        #expect(calls.names == ["svn"])
    }

    @Test("claims of a foreign token with unexpected types deny")
    func hostileTypes() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("allow-attested.yaml"), Fixture.readyPolicy("no-debug-guests.yaml"))
        let values: [JSONValue] = [0, "", "false", .null, [], [:], [false], 0.5]
        for value in values {
            let appraisal = Fixture.appraisal(tee: .snp, claims: ["policy_debug_allowed": value])
            let decision = bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal])))
            #expect(decision.reason == .guardrailDenied, "\(value)")
        }
    }

    @Test("the debug guardrail denies kinds of guest that it cannot judge")
    func unknownGuests() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("allow-attested.yaml"), Fixture.readyPolicy("no-debug-guests.yaml"))
        for tee in [TEE.sgx, .csv, .cca, .se, .tpm, .hygondcu] {
            let appraisal = Fixture.appraisal(tee: tee, claims: [:])
            let decision = bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal])))
            #expect(decision.reason == .guardrailDenied, "\(tee)")
        }
    }
}
