import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Attacks on policy")
struct AttackTests {
    static let anything = "  match: {resources: [\"payments/**\"]}\n"

    @Test("A29: whatever is missing or broken denies, each for its own reason")
    func defaultDeny() throws {
        #expect(PolicyBundle.empty.decide(Fixture.request()).reason == .noPolicies)
        let foreign = Fixture.release("  match: {resources: [\"orders/**\"]}", namespace: "orders")
        #expect(try Fixture.bundle(foreign).decide(Fixture.request()).reason == .noMatchingPolicy)
        #expect(try Fixture.decide(validation: "false").reason == .conditionFalse)
        #expect(try Fixture.decide(validation: "claims.snp.measurement == ''").reason == .conditionError)
        #expect(try Fixture.decide(validation: "'1' in reference('svn')").reason == .missingReferenceValue)
        let stale = Fixture.request(attestation: Fixture.attestation(age: 3600))
        let fresh = Fixture.release(Self.anything + "  require: {maxEvidenceAge: 1m}")
        #expect(try Fixture.bundle(fresh).decide(stale).reason == .staleEvidence)
        let guardrail = Fixture.clusterRelease(
            "  effect: Guardrail\n  match: {resources: [\"**\"]}\n  require: {tees: [snp]}", name: "guard")
        let guarded = try Fixture.bundle(Fixture.release(Self.anything), guardrail)
        #expect(guarded.decide(Fixture.request()).reason == .guardrailDenied)
        let noAttester = try Fixture.bundle(Fixture.release(Self.anything))
            .decide(Fixture.request(attestation: Fixture.attestation([])))
        #expect(noAttester.reason == .noAttester)
        for text in ["", "kind: ReleasePolicy", "{", "package policy\ndefault allow = true"] {
            #expect(throws: PolicyError.self) { try PolicyParser.parse(text, source: "x") }
        }
    }

    @Test("A29: a guardrail that cannot be evaluated denies")
    func brokenGuardrail() throws {
        let guardrail = Fixture.clusterRelease(
            "  effect: Guardrail\n  match: {resources: [\"**\"]}\n  validations: [{expression: \"claims.snp.policy_debug_allowed == false\"}]",
            name: "guard")
        let decision = try Fixture.bundle(Fixture.release(Self.anything), guardrail).decide(Fixture.request())
        #expect(decision.reason == .guardrailDenied)
        #expect(decision.trace.last?.conditions.first?.outcome == .error)
    }

    @Test(
        "A29: a reference value that does not count is missing, and the reason says why",
        arguments: [
            ("state: candidate", "candidate"), ("state: revoked", "revoked"),
            ("validFrom: 2030-01-01T00:00:00Z", "only from 2030"),
            ("validUntil: 2020-01-01T00:00:00Z", "only until 2020"),
        ])
    func referenceLifeCycle(_ row: (String, String)) throws {
        func values(_ extra: String) -> String {
            "apiVersion: claviger.dev/v1alpha1\nkind: ReferenceValues\nmetadata: {name: v}\nspec: {values: [{name: svn, values: [\"1\"], \(extra)}]}"
        }
        let policy = Fixture.release(Self.anything + "  validations: [{expression: \"'1' in reference('svn')\"}]")
        let decision = try Fixture.bundle(policy, values(row.0)).decide(Fixture.request())
        #expect(decision.reason == .missingReferenceValue)
        #expect(decision.message.contains(row.1), "\(decision.message)")
        for counting in [
            "state: accepted", "state: deprecated", "validFrom: 2020-01-01T00:00:00Z, validUntil: 2030-01-01T00:00:00Z",
        ] {
            #expect(try Fixture.bundle(policy, values(counting)).decide(Fixture.request()).allowed)
        }
    }

    @Test("A29: a missing reference value in the appraisal is named in the release decision")
    func missingInAppraisal() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("default-cpu.yaml"),
            Fixture.release(Self.anything + "  require: {trust: {executables: affirming}}"))
        let report = try bundle.appraisalReport([Fixture.input()], now: Fixture.now).get()
        let decision = bundle.decide(
            Fixture.request(attestation: Fixture.attestation(report.appraisals), traces: report.traces))
        #expect(decision.reason == .missingReferenceValue)
        #expect(decision.message.contains("launch_digest"))
    }

    static let unknownClaims: [(String, String, String)] = [
        ("claims.snp.policy_debug_alowed == false", "unknown_claim", "policy_debug_allowed"),
        ("claims.tdx.qoute.body.mr_td == ''", "unknown_claim", "quote"),
        ("claims.tdx.quote.body.mrtd == ''", "unknown_claim", "mr_td"),
        ("claims.snpp.measurement == ''", "unknown_claim", "snp"),
        ("has(claims.sample.launchdigest)", "unknown_claim", "launch_digest"),
        ("claims['snp']['mesurement'] == ''", "unknown_claim", "measurement"),
        ("submods.gpu0.claims.sampledevice.svm == ''", "unknown_claim", "svn"),
        ("submods['gpu0'].staus == ''", "unknown_claim", "status"),
        ("request.tennant == ''", "unknown_name", "tenant"),
        ("attestation.isuer == ''", "unknown_name", "issuer"),
        ("trust.hardwear == 2", "unknown_name", "hardware"),
        ("claim.snp.measurement == ''", "undeclared_variable", "claims"),
        ("[1].all(x, y > x)", "undeclared_variable", ""),
        ("claims.sample.svn.major == 1", "wrong_type", ""),
    ]

    @Test("A31: an unknown claim is an error when the policy is read, with the nearest name", arguments: unknownClaims)
    func unknownClaim(_ row: (String, String, String)) throws {
        let yaml = Fixture.release(Self.anything + "  validations:\n    - expression: \"\(row.0)\"")
        let found = try #require(Fixture.diagnostics(yaml).first, "\(row.0) was accepted")
        #expect(found.code == row.1)
        #expect(found.line == 9)
        #expect(row.2.isEmpty || found.hint?.contains("'\(row.2)'") == true, "\(found)")
    }

    @Test("A31: a known claim that the guest's evidence lacks denies, and so does one inside of free init-data")
    func absentClaims() throws {
        #expect(try Fixture.decide(validation: "claims['az-snp-vtpm'].measurement == ''").reason == .conditionError)
        #expect(
            try Fixture.decide(validation: "claims.init_data_claims.anything.at.all == 1").reason == .conditionError)
    }

    @Test("A32: a tenant's policies and reference values reach no other tenant")
    func tenants() throws {
        let mine = Fixture.release("  match: {resources: [\"orders/**\"]}", name: "all", namespace: "orders")
        let values = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: v, namespace: orders}
            spec: {values: [{name: launch_digest, values: ["abcde"]}, {name: svn, values: ["1"]}, {name: major_version, value: 1}, {name: minimum_minor_version, value: 1}]}
            """
        let theirs = Fixture.release(Self.anything + "  validations: [{expression: \"'1' in reference('svn')\"}]")
        let bundle = try Fixture.bundle(mine, values, theirs, Fixture.readyPolicy("default-cpu.yaml"))
        #expect(bundle.decide(Fixture.request("orders/key/1")).allowed)
        let decision = bundle.decide(Fixture.request())
        #expect(decision.reason == .missingReferenceValue)
        #expect(decision.trace.map(\.policy) == ["ReleasePolicy/payments/image-keys"])
        let appraisal = try bundle.appraise([Fixture.input()], now: Fixture.now).get()[0]
        #expect(appraisal.vector[.executables] == 33)
    }

    @Test("A32: a tenant's own reference value counts for the tenant alone")
    func ownReferenceValues() throws {
        let values = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: v, namespace: payments}
            spec: {values: [{name: svn, values: ["7"]}]}
            """
        let policy = Fixture.release(Self.anything + "  validations: [{expression: \"'7' in reference('svn')\"}]")
        let bundle = try Fixture.bundle(policy, values, registered: Fixture.sampleReferences)
        #expect(bundle.decide(Fixture.request()).allowed)
    }

    @Test("A32: a cluster-wide guardrail must agree as well as the tenant's policy")
    func parentMustAgree() throws {
        let guardrail = Fixture.clusterRelease(
            "  effect: Guardrail\n  match: {resources: [\"payments/**\"]}\n  require: {tees: [snp]}", name: "guard")
        let bundle = try Fixture.bundle(Fixture.release(Self.anything), guardrail)
        #expect(bundle.decide(Fixture.request()).reason == .guardrailDenied)
        let snp = Fixture.appraisal(tee: .snp, claims: ["measurement": "00"])
        #expect(bundle.decide(Fixture.request(attestation: Fixture.attestation([snp]))).allowed)
    }

    static let patterns = [
        "payments/a|orders/b", "payments/.*", "payments/^x$/y", "payments/image-*/x", "payments/*x/y", "payments/**/x",
        "payments//x", "payments/image-key/", "/payments/image-key/x", "payments/../orders", "payments/%2e%2e/x",
        "payments/a?/b", "payments/[ab]/c", "payments/(a)/c", "", "payments/a b/c", "payments/.hidden/c",
    ]

    @Test("A33: patterns match whole segments and have no alternation", arguments: patterns)
    func patternRefused(_ pattern: String) {
        let yaml = Fixture.release("  match: {resources: ['\(pattern)']}")
        #expect(Fixture.diagnostics(yaml).isEmpty == false)
    }

    @Test("A33: a path is matched segment by segment as it was received")
    func segments() throws {
        let pattern = try ResourcePattern("payments/image-key/*")
        #expect(pattern.matches(["payments", "image-key", "app"]))
        #expect(!pattern.matches(["payments", "image-key"]))
        #expect(!pattern.matches(["payments", "image-key", "app", "x"]))
        #expect(!pattern.matches(["payments/image-key", "app"]))
        #expect(!pattern.matches(["Payments", "image-key", "app"]))
        #expect(!(try ResourcePattern("K/x/y")).matches(["\u{212A}", "x", "y"]))
        #expect(try ResourcePattern("**").matches([]))
        #expect(try ResourcePattern("a/**").matches(["a"]))
        let bundle = try Fixture.bundle(Fixture.release("  match: {resources: [\"K/**\"]}", namespace: "K"))
        #expect(bundle.decide(Fixture.request("K/x/y")).allowed)
        #expect(!bundle.decide(Fixture.request("\u{212A}/x/y")).allowed)
    }

    @Test("A33: a catastrophic regular expression ends within its budget")
    func catastrophicPattern() throws {
        let decision = try Fixture.decide(validation: "'\(String(repeating: "a", count: 2000))!'.matches('^(a+)+$')")
        #expect(decision.reason == .conditionFalse || decision.reason == .costExceeded)
    }

    static let costly = [
        "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a+b+c+d+e+f > 0))))))"
    ]

    @Test("A36: an expression that takes too many steps denies", arguments: costly)
    func cost(_ expression: String) throws {
        let decision = try Fixture.decide(validation: expression)
        #expect(decision.reason == .costExceeded)
        #expect(try Fixture.decide(validation: "\(expression) || true").reason == .costExceeded)
        let variable = Fixture.release(
            Self.anything
                + "  variables: [{name: a, expression: \"\(expression)\"}]\n  validations: [{expression: \"variables.a || true\"}]"
        )
        #expect(try Fixture.bundle(variable).decide(Fixture.request()).reason == .costExceeded)
    }

    @Test("A36: a decision evaluates only so many expressions, however many policies match")
    func manyPolicies() throws {
        let conditions = "  validations:\n" + String(repeating: "    - {expression: \"false\"}\n", count: 64)
        let yaml = (0..<40).map { Fixture.release(Self.anything + conditions, name: "p\($0)") }.joined(
            separator: "\n---\n")
        let decision = try Fixture.bundle(yaml).decide(Fixture.request())
        #expect(!decision.allowed)
        #expect(decision.trace.last?.conditions.last?.reason == .costExceeded)
    }

    @Test(
        "A47: a policy of a namespace cannot name the resources of another",
        arguments: ["orders/**", "**", "*/image-key/x", "payments-2/**", "Payments/**", "payments", "*/**"])
    func foreignResources(_ pattern: String) {
        let yaml = Fixture.release("  match: {resources: ['payments/**', '\(pattern)']}")
        #expect(Fixture.diagnostics(yaml).map(\.code) == ["foreign_resource"])
        #expect(Fixture.diagnostics(yaml).map(\.path) == ["spec.match.resources[1]"])
    }

    @Test("A47: a policy of a namespace cannot name a plugin, nor be a guardrail")
    func foreignPlugins() {
        for plugins in ["[pkcs11]", "['*']", "[resource, nebula-ca]"] {
            let yaml = Fixture.release("  match: {resources: ['payments/**'], plugins: \(plugins)}")
            #expect(Fixture.diagnostics(yaml).map(\.code) == ["foreign_resource"])
        }
        let guardrail = Fixture.release("  effect: Guardrail\n" + Self.anything + "  require: {tees: [snp]}")
        #expect(Fixture.diagnostics(guardrail).map(\.path) == ["spec.effect"])
    }
}
