import Foundation
import Testing

@testable import Policy

@Suite("Diagnostics")
struct DiagnosticTests {
    /// `code line:column path` of every error.
    private func places(_ yaml: String) -> [String] {
        Fixture.diagnostics(yaml).map { "\($0.code) \($0.line):\($0.column) \($0.path)" }
    }

    @Test("an unknown field is refused where it stands, with the nearest name")
    func unknownField() throws {
        let yaml = Fixture.release("  match: {resources: [\"payments/**\"]}\n  validatons: []")
        let found = try #require(Fixture.diagnostics(yaml).first)
        #expect(places(yaml) == ["unknown_field 8:3 spec.validatons"])
        #expect(found.hint == "did you mean 'validations'?")
        #expect(
            found.description
                == "policy.yaml:8:3: error: spec.validatons: There is no field 'validatons' here. (did you mean 'validations'?)"
        )
    }

    static let fields: [(String, String)] = [
        ("  match: {resources: [\"payments/**\"]}\n  require: {tees: [snpp]}", "unknown_tee 8:20 spec.require.tees[0]"),
        (
            "  match: {resources: [\"payments/**\"]}\n  require: {trust: {hardwear: affirming}}",
            "unknown_trust_claim 8:21 spec.require.trust.hardwear"
        ),
        (
            "  match: {resources: [\"payments/**\"]}\n  require: {trust: {hardware: good}}",
            "invalid_value 8:31 spec.require.trust.hardware"
        ),
        (
            "  match: {resources: [\"payments/**\"]}\n  require: {maxEvidenceAge: 10}",
            "wrong_type 8:29 spec.require.maxEvidenceAge"
        ),
        (
            "  match: {resources: [\"payments/**\"]}\n  require: {maxEvidenceAge: 10d}",
            "invalid_value 8:29 spec.require.maxEvidenceAge"
        ),
        (
            "  match: {resources: [\"payments/**\"]}\n  require: {minProtocol: 0.4}",
            "wrong_type 8:26 spec.require.minProtocol"
        ),
        (
            "  match: {resources: [\"payments/**\"]}\n  require: {initData: {digests: [abcd]}}",
            "invalid_value 8:34 spec.require.initData.digests[0]"
        ),
        ("  match: {resources: [\"payments/**\"], operations: [steal]}", "invalid_value 7:52 spec.match.operations[0]"),
        ("  match: {resources: payments}", "wrong_type 7:22 spec.match.resources"),
        ("  match: {resources: []}", "invalid_value 7:22 spec.match.resources"),
        ("  match: {}", "missing_field 7:10 spec.match.resources"),
        (
            "  effect: Guardrail\n  match: {resources: [\"payments/**\"]}\n  require: {tees: [snp]}",
            "invalid_value 7:11 spec.effect"
        ),
        (
            "  match: {resources: [\"payments/**\"]}\n  validations: [{message: x}]",
            "missing_field 8:17 spec.validations[0].expression"
        ),
    ]

    @Test("each wrong field is reported where it stands", arguments: fields)
    func field(_ row: (String, String)) {
        #expect(places(Fixture.release(row.0)) == [row.1])
    }

    @Test("an error in an expression is reported where it was written, whatever the quoting")
    func expressionPlaces() {
        let yaml = Fixture.release(
            #"""
              match: {resources: ["payments/**"]}
              validations:
                - expression: tee == 'snp' && clams.snp.measurement == ''
                - expression: "tee == \"snp\" && clams.snp.measurement == ''"
                - expression: 'tee == ''snp'' && clams.snp.measurement == '''''
                - expression: |
                    tee == 'snp'
                      && clams.snp.measurement == ''
                - expression: >-
                    tee == 'snp'
                    && clams.snp.measurement == ''
                - expression: "tee == 'snp'
                    && clams.snp.measurement == ''"
            """#)
        #expect(
            places(yaml) == [
                "undeclared_variable 9:35 spec.validations[0].expression",
                "undeclared_variable 10:38 spec.validations[1].expression",
                "undeclared_variable 11:38 spec.validations[2].expression",
                "undeclared_variable 14:14 spec.validations[3].expression",
                "undeclared_variable 17:12 spec.validations[4].expression",
                "undeclared_variable 19:12 spec.validations[5].expression",
            ])
        #expect(Fixture.diagnostics(yaml).allSatisfy { $0.hint == "did you mean 'claims'?" })
    }

    @Test("a syntax error in an expression is reported where it was written")
    func expressionSyntax() {
        let yaml = Fixture.release(
            "  match: {resources: [\"payments/**\"]}\n  validations: [{expression: \"tee == \"}]")
        #expect(Fixture.diagnostics(yaml).map(\.code) == ["expression"])
        #expect(Fixture.diagnostics(yaml).map(\.line) == [8])
    }

    @Test("a condition that is neither true nor false is refused when it is read")
    func conditionType() {
        func yaml(_ expression: String) -> String {
            Fixture.release("  match: {resources: [\"payments/**\"]}\n  validations: [{expression: \"\(expression)\"}]")
        }
        for expression in ["tee", "1 + 1", "now", "size(tee)", "[true]"] {
            #expect(places(yaml(expression)) == ["wrong_type 8:31 spec.validations[0].expression"])
        }
        #expect(Fixture.diagnostics(yaml("tee == 5")).map(\.code) == ["wrong_type"])
        #expect(Fixture.diagnostics(yaml("tee < now")).map(\.code) == ["wrong_type"])
    }

    @Test("a variable may only use those before it")
    func variableOrder() {
        let yaml = Fixture.release(
            """
              match: {resources: ["payments/**"]}
              variables:
                - {name: a, expression: "variables.b"}
                - {name: b, expression: "1"}
            """)
        #expect(places(yaml) == ["unknown_name 9:40 spec.variables[0].expression"])
    }

    @Test("errors of all documents are reported together, at their lines of the stream")
    func severalDocuments() {
        let yaml =
            "# first\n---\nkind: ReleasePolcy\n---\napiVersion: v1\nkind: AppraisalPolicy\nmetadata: {name: a}\nspec: {class: cpus}\n"
        #expect(
            places(yaml) == [
                "missing_field 3:1 apiVersion", "invalid_value 3:7 kind", "missing_field 3:1 metadata",
                "missing_field 3:1 spec", "invalid_value 5:13 apiVersion", "invalid_value 8:15 spec.class",
            ])
    }

    @Test("Rego is refused with the command that helps")
    func rego() throws {
        for text in [
            "package policy\n\ndefault allow = false\n", "# a comment\npackage policy\nimport rego.v1\n",
            "default allow := false\nallow if { input.tee == \"snp\" }\n", "allow = true\n",
        ] {
            let found = try #require(Fixture.diagnostics(text).first)
            #expect(found.code == "rego")
            #expect(
                found.hint == "'claviger policy import rego FILE' translates it; see docs/policy.md, Coming from Rego")
        }
        #expect(Fixture.diagnostics("package policy\n\nallow = true\n").first?.line == 1)
        #expect(Fixture.diagnostics("# x\n\nallow = true\n").first?.line == 3)
    }

    @Test("names and namespaces that cannot be are refused")
    func names() {
        #expect(
            places(Fixture.release("  match: {resources: [\"payments/**\"]}", name: "Image_Keys")) == [
                "invalid_value 4:9 metadata.name"
            ])
        #expect(
            places(Fixture.release("  match: {resources: [\"../**\"]}", namespace: "..")).first
                == "invalid_value 5:14 metadata.namespace")
        let cluster = Fixture.clusterRelease("  match: {resources: [\"**\"]}").replacingOccurrences(
            of: "name: all", with: "name: all\n  namespace: payments")
        #expect(places(cluster) == ["invalid_value 5:14 metadata.namespace"])
    }

    @Test("a guardrail without conditions is refused")
    func emptyGuardrail() {
        for (extra, code) in [("", "missing_field"), ("\n  require: {}", "invalid_value")] {
            let yaml = Fixture.clusterRelease("  effect: Guardrail\n  match: {resources: [\"**\"]}" + extra)
            #expect(Fixture.diagnostics(yaml).map(\.code) == [code])
        }
    }

    @Test("a document given twice is refused, in one stream and in one bundle")
    func duplicates() throws {
        let yaml = Fixture.release("  match: {resources: [\"payments/**\"]}")
        #expect(places(yaml + "\n---\n" + yaml) == ["duplicate_document 9:1 metadata.name"])
        let documents = try PolicyParser.parse(yaml, source: "a") + PolicyParser.parse(yaml, source: "b")
        #expect(throws: PolicyError.self) { try PolicyBundle(documents) }
    }
}
