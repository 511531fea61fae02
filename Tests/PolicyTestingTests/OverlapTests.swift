import Policy
import Testing

@testable import PolicyTesting

@Suite("Overlapping policies")
struct OverlapTests {
    private func overlaps(_ first: String, _ second: String) throws -> [String] {
        let findings = try TestFixture.lint(
            TestFixture.releasePolicy("a", first), TestFixture.releasePolicy("b", second))
        return findings.filter { $0.code.hasSuffix("_policy") }.map { "\($0.line < 6 ? "a" : "b") \($0.code)" }
    }

    private static let keys = "  match: {resources: [\"payments/image-key/*\"]}\n"
    private static let everything = "  match: {resources: [\"payments/*/*\"]}\n"

    @Test("a policy is shadowed by one that allows as much or more under no more conditions")
    func shadowed() throws {
        let strict =
            "  require: {trust: {hardware: affirming, executables: affirming}, maxEvidenceAge: 5m, tees: [snp]}"
        let weak = "  require: {trust: {hardware: warning}, maxEvidenceAge: 10m, tees: [snp, tdx]}"
        #expect(try overlaps(Self.keys + strict, Self.everything + weak) == ["a shadowed_policy"])
        #expect(try overlaps(Self.everything + weak, Self.keys + strict) == ["b shadowed_policy"])
        #expect(try overlaps(Self.keys + strict, Self.keys + weak) == ["a shadowed_policy"])
    }

    @Test("resources have three segments, so that '**' and '*/*' are the same")
    func lengths() throws {
        let any = "  match: {resources: [\"payments/**\"]}\n"
        let require = "  require: {status: affirming}"
        #expect(try overlaps(any + require, Self.everything + require) == ["b duplicate_policy"])
    }

    @Test("validations count by their text, and what cannot be compared is not said to be covered")
    func validations() throws {
        let one = "  validations: [{expression: \"tee == 'snp'\"}]"
        let two = "  validations: [{expression: \"tee == 'snp'\"}, {expression: \"status == 'affirming'\"}]"
        let other = "  validations: [{expression: \"tee != 'tdx'\"}]"
        #expect(try overlaps(Self.keys + two, Self.keys + one) == ["a shadowed_policy"])
        #expect(try overlaps(Self.keys + one, Self.keys + other) == [])
        let variable =
            "  variables: [{name: x, expression: \"1\"}]\n  validations: [{expression: \"variables.x == 1\"}]"
        let changed = "  variables: [{name: x, expression: \"2\"}]\n  validations: [{expression: \"variables.x == 1\"}]"
        #expect(try overlaps(Self.keys + variable, Self.keys + changed) == [])
        #expect(try overlaps(Self.keys + variable, Self.keys + variable) == ["b duplicate_policy"])
    }

    @Test("a requirement of any kind that the other lacks keeps a policy from covering it")
    func requirements() throws {
        let age = "  require: {maxEvidenceAge: 5m}"
        for require in [
            "{status: affirming, maxEvidenceAge: 5m}", "{trust: {hardware: none}, maxEvidenceAge: 5m}",
            "{minProtocol: \"0.4.0\", maxEvidenceAge: 5m}", "{initData: {required: true}, maxEvidenceAge: 5m}",
            "{tees: [snp], maxEvidenceAge: 5m}", "{maxEvidenceAge: 4m}",
        ] {
            #expect(try overlaps(Self.keys + "  require: \(require)", Self.keys + age) == ["a shadowed_policy"])
            #expect(
                try overlaps(Self.keys + "  require: \(require)", Self.keys + "  require: {minProtocol: \"9.0.0\"}")
                    == [])
        }
    }

    @Test("where the weaker policy is about some of the resources only, it is a note")
    func partial() throws {
        let strict = Self.everything + "  require: {status: affirming, maxEvidenceAge: 5m}"
        let findings = try TestFixture.lint(
            TestFixture.releasePolicy("a", Self.keys + "  require: {status: affirming}"),
            TestFixture.releasePolicy("b", strict))
        #expect(findings.map(\.code) == ["overlapping_policy"])
        #expect(findings[0].severity == .note)
    }

    @Test("policies of different namespaces, and those that the broker has already, are compared the same way")
    func beside() throws {
        let weak = TestFixture.clusterPolicy("all", "  match: {resources: [\"**\"]}\n  require: {status: warning}")
        let strict = TestFixture.releasePolicy("a", Self.keys + "  require: {status: affirming}")
        let findings = try TestFixture.lint(strict, beside: TestFixture.documents(weak))
        #expect(findings.map(\.code) == ["shadowed_policy"])
        #expect(findings[0].message.contains("ClusterReleasePolicy/-/all"))
        #expect(try TestFixture.lint(weak, beside: TestFixture.documents(strict)) == [])
        let other = TestFixture.releasePolicy(
            "a", "  match: {resources: [\"other/**\"]}\n  require: {status: none}", namespace: "other")
        #expect(try TestFixture.lint(strict, other) == [])
    }

    @Test(
        "policies that ask for reference values are the same only where the names stand for the same values",
        arguments: [
            "  validations: [{expression: \"claims.snp.measurement in reference('builds')\"}]",
            "  variables: [{name: x, expression: \"reference('builds')\"}]\n  validations: [{expression: \"'a' in variables.x\"}]",
            "  require: {posture: {tcb: {snp: {atLeast: builds}}}}",
        ])
    func references(_ conditions: String) throws {
        let tenant = TestFixture.releasePolicy("a", Self.keys + conditions)
        let twin = TestFixture.releasePolicy("b", Self.keys + conditions)
        let cluster = TestFixture.clusterPolicy("c", Self.keys + conditions)
        let known = [PolicyLint.RegisteredValue(name: "builds", expires: nil)]
        #expect(try TestFixture.lint(tenant, twin, registered: known).map(\.code) == ["duplicate_policy"])
        #expect(try TestFixture.lint(tenant, cluster, registered: known) == [])
    }

    @Test("limits are without effect where another policy allows the same and counts nothing")
    func limits() throws {
        let limits = "  limits: {maxReleases: 1}"
        let require = "  require: {status: affirming}\n"
        func findings(_ other: String) throws -> [PolicyDiagnostic] {
            try TestFixture.lint(
                TestFixture.releasePolicy("a", Self.keys + require + limits), TestFixture.releasePolicy("b", other))
        }
        let unlimited = try findings(Self.everything + require)
        #expect(unlimited.map(\.code) == ["limit_without_effect"])
        #expect(unlimited[0].path == "spec.limits")
        #expect(unlimited[0].severity == .warning)
        #expect(unlimited[0].message.contains("ReleasePolicy/payments/b"))
        #expect(try findings(Self.everything + "  require: {status: affirming, maxEvidenceAge: 5m}") == [])
        #expect(try findings("  match: {resources: [\"payments/other/*\"]}\n" + require) == [])
        #expect(try findings(Self.everything + require + limits).map(\.code) == ["shadowed_policy"])
    }
}
