import Encodings
import FoundationEssentials
import Policy
import RATS
import Testing

@testable import RegoImport

/// Each body is one that Rego denies for the token, and that a careless translation would allow.
@Suite("What Rego calls undefined is never allowed")
struct UndefinedTests {
    private static let evidence = "input.submods.cpu0[\"ear.veraison.annotated-evidence\"]"
    private static let vector = "input.submods.cpu0[\"ear.trustworthiness-vector\"]"

    /// What the import makes of a body, asked by a guest whose token has hardly anything in it.
    private func isAllowed(_ body: String, more: String = "") throws -> Bool {
        let rules = "package policy\nimport rego.v1\ndefault allow := false\nallow if {\n\(body)\n}\n\(more)\n"
        let result = try RegoImport(rules, source: "a.rego", name: "a")
        #expect(result.losses.count + result.documents.count == 1, "\(result.yaml)")
        let token: JSONObject = [
            "iss": "", "iat": 1_767_225_500, "exp": 1_767_226_500,
            "submods": [
                "cpu0": ["ear.status": "affirming", "ear.veraison.annotated-evidence": ["snp": ["measurement": "aa"]]]
            ],
        ]
        let request = ReleaseRequest(
            operation: "get", path: ["payments", "image-key", "app"],
            attestation: try AttestationResult(earClaims: token), now: Date(timeIntervalSince1970: 1_767_225_600))
        return try PolicyBundle(result.documents).decide(request).allowed
    }

    @Test("the token is one that is allowed what its claims say")
    func control() throws {
        #expect(try isAllowed("\(Self.evidence).snp.measurement == \"aa\""))
        #expect(try isAllowed("not \(Self.evidence).snp.policy_debug_allowed == true"))
        #expect(try isAllowed("not wrong", more: "wrong if \(Self.evidence).snp.measurement == \"bb\""))
    }

    @Test(
        "parts that the token does not have",
        arguments: [
            "input.submods.gpu0[\"ear.status\"]", "x := input.submods.gpu0[\"ear.status\"]",
            "input.submods.gpu0[\"ear.veraison.annotated-evidence\"]", vector, "x := \(vector)\nnot x.hardware == 97",
            "every grade in \(vector) { grade < 32 }", "count(\(vector)) == 0", "\(vector) != {\"hardware\": 97}",
            "input.iss != \"other\"", "object.get(\(evidence).snp.tcb, \"debug\", false) == false",
            "x := [\(evidence).snp.measurement, \(evidence).snp.svn]", "\"bb\" in [\(evidence).tdx.x, \"bb\"]",
        ])
    func missing(body: String) throws {
        #expect(try !isAllowed(body))
    }

    @Test(
        "members that have other names here",
        arguments: [
            "object.get(input.submods.cpu0, \"ear.status\", \"x\") != \"affirming\"",
            "count(input.submods.cpu0) > 2", "not \"affirming\" in input.submods.cpu0",
            "every name, part in input.submods.cpu0 { name != \"ear.status\" }",
        ])
    func renamed(body: String) throws {
        #expect(try !isAllowed(body))
    }

    @Test(
        "a loss below a negation takes the body with it",
        arguments: [
            "not time.now_ns() > 5", "not {x | x := input.submods[_]} == 1", "not measured == false",
            "not input.submods[i][\"ear.status\"] == \"warning\"", "not missing(\(evidence).snp.measurement)",
            "not wrong", "count(wrongs) == 0",
        ])
    func negatedLosses(body: String) throws {
        let more = """
            default measured := true
            measured := \(Self.evidence).snp.measurement == "bb"
            wrong if time.now_ns() > 5
            wrongs contains "x" if time.now_ns() > 5
            """
        #expect(try !isAllowed(body, more: more))
    }

    @Test(
        "sets, which have no order and no indices, and no token holds",
        arguments: [
            "split(\"aa\", \",\") == {\"aa\"}", "count({\"aa\", \"aa\"}) == 2",
            "concat(\"\", {\"b\", \"a\"}) == \"ba\"",
            "some i, x in {\"aa\", \"bb\"}\ni == 0", "every i, x in {\"aa\", \"bb\"} { i != x }",
        ])
    func sets(body: String) throws {
        #expect(try !isAllowed(body))
    }

    @Test("signs that mean sums of texts only here, and orders only in Rego")
    func signs() throws {
        #expect(try !isAllowed("\(Self.evidence).snp.measurement + \(Self.evidence).snp.measurement == \"aaaa\""))
        #expect(try !isAllowed("data[\"resource-path\"] < \"q\""))
    }

    @Test("each '_' is another element, also after a loop or a parameter of that name")
    func wildcards() throws {
        let statuses = "input.submods[_][\"ear.status\"]"
        #expect(try isAllowed("some _, x in input.submods\n\(statuses) == \"affirming\""))
        #expect(try isAllowed("f(\"gpu0\")", more: "f(_) if \(statuses) == \"affirming\""))
        #expect(try !isAllowed("f(\"cpu0\")", more: "f(_) if not \(statuses) == \"affirming\""))
    }

    @Test("local names are never taken for rules, parameters or imports of the same name")
    func names() throws {
        let shadow = "v := \(Self.evidence).snp.measurement\nf(p) if { some v in [\"bb\"]; p == v }"
        #expect(try !isAllowed("f(v)", more: shadow))
        #expect(try !isAllowed("f(\"aa\", \"bb\")", more: "f(x, x) if x == \"bb\""))
        #expect(try !isAllowed("f(y)\ny = \"bb\"", more: "f(p) if { some y in [\"aa\"]; p == y }"))
        let imported = "package policy\nimport input.submods\nallow if submods = \"x\""
        #expect(try RegoImport(imported, source: "a", name: "a").documents == [])
    }

    @Test("a plugin called '*' in a list does not stand for all of them")
    func plugins() throws {
        #expect(try !isAllowed("data.plugin in [\"*\", \"x\"]"))
    }

    @Test("glob.match sees texts with line breaks as a whole")
    func lineBreaks() {
        #expect(GlobPattern("a/**")?.regularExpression == "^a/(?s:.*)$")
    }

    @Test(
        "texts that are no Rego are refused rather than read as allowing",
        arguments: ["default allow := true if data.plugin == \"x\"", "default allow", "allow {}", "allow if {\n}"])
    func invalid(rule: String) {
        #expect(throws: RegoError.self) { try RegoImport("package policy\n" + rule, source: "a", name: "a") }
    }

    @Test("rules of another package, which no broker reads, are not imported")
    func package() {
        #expect(throws: RegoError.self) { try RegoImport("package other\nallow := true", source: "a", name: "a") }
    }
}
