import Policy
import RATS
import Testing

@testable import RegoImport

@Suite("What cannot be translated exactly denies")
struct StrictnessTests {
    private static let snp = "input.submods.cpu0[\"ear.veraison.annotated-evidence\"].snp"
    private static let affirming = "input.submods.cpu0[\"ear.status\"] == \"affirming\""

    private func read(_ rules: String, name: String = "a") throws -> RegoImport {
        try RegoImport("package policy\nimport rego.v1\n" + rules, source: "a.rego", name: name)
    }

    private func expectNothing(_ rules: String) throws {
        let result = try read(rules)
        #expect(result.documents == [], "\(result.yaml)")
        #expect(!result.losses.isEmpty)
    }

    private func expressions(_ result: RegoImport) -> [String] {
        result.documents.flatMap { document in
            (document.content["spec"]?["validations"]?.arrayValue ?? []).compactMap { $0["expression"]?.stringValue }
        }
    }

    @Test(
        "an 'allow' that is true by default, and may be denied by a body, allows nothing",
        arguments: [
            "allow := \(affirming)", "allow := false if not \(affirming)", "allow if \(affirming)",
            "allow if \(affirming)\nelse := false",
        ])
    func trueByDefault(rule: String) throws {
        try expectNothing("default allow := true\n" + rule)
    }

    @Test("an 'allow' that is only true by default is imported as such")
    func alwaysTrue() throws {
        let result = try read("default allow := true")
        #expect(result.documents.count == 1)
        #expect(result.losses == [])
    }

    @Test(
        "bodies that may deny what another allows take all of 'allow' with them",
        arguments: [
            "allow := false if data.plugin == \"x\"\nelse := true if data.plugin == \"resource\"",
            "allow if data.plugin == \"x\"\nelse := false if data.query.a == \"b\"\nelse := true",
            "allow := \(affirming)\nelse := true if data.plugin == \"resource\"",
            "allow := \(affirming)\nallow if data.plugin == \"resource\"",
            "allow := \"no\" if data.query.a == \"b\"\nallow if data.plugin == \"resource\"",
        ])
    func chains(rules: String) throws {
        try expectNothing("default allow := false\n" + rules)
    }

    @Test("a chain of which every branch gives true is a policy for each of them")
    func plainChain() throws {
        let result = try read("allow if data.plugin == \"resource\"\nelse := true if data.plugin == \"x\"")
        #expect(result.documents.count == 2)
        #expect(result.losses == [])
    }

    @Test(
        "a value of 'allow' that may be no boolean, or true and false at once, allows nothing",
        arguments: [
            "allow := input.submods.cpu0[\"ear.status\"]", "allow := input.submods[_][\"ear.status\"] == \"affirming\"",
        ])
    func values(rule: String) throws {
        try expectNothing(rule)
    }

    @Test(
        "rules with computed values are not used where another value may count",
        arguments: [
            "default genuine := true\ngenuine := \(affirming)",
            "genuine := \(affirming)\ngenuine if data.query.a == \"b\"",
            "genuine := \(affirming) if data.query.a == \"b\"\nelse := true",
            "genuine := input.submods[_][\"ear.status\"] == \"affirming\"",
            "genuine := \"yes\" if \(affirming)\ngenuine := \"no\" if data.query.a == \"b\"",
        ])
    func usedRules(rules: String) throws {
        try expectNothing("allow if {\n  data.plugin == \"resource\"\n  genuine\n}\n" + rules)
    }

    @Test("a rule that gives a text is not the same as true")
    func textIsNotTrue() throws {
        try expectNothing("allow if genuine == true\ngenuine := \"yes\" if data.plugin == \"resource\"")
    }

    @Test("a computed value with a true default affirms no guest that may be debugged")
    func debugGuests() throws {
        let result = try read(
            """
            default configuration := 36
            trust_claims := {"configuration": configuration}
            default debug_off := true
            debug_off := input.snp.policy_debug_allowed == false
            configuration := 2 if {
              input.snp
              debug_off
            }
            """, name: "cpu")
        #expect(result.losses.count == 1)
        #expect(result.documents.first?.content["spec"]?["rules"]?.arrayValue ?? [] == [], "\(result.yaml)")
    }

    @Test("an index that has a name means the same element in every line, with '=' as with '=='")
    func namedIndex() throws {
        func body(_ sign: String) throws -> [String] {
            let result = try read(
                """
                allow if {
                  some i
                  input.submods[i]["ear.status"] \(sign) "affirming"
                  input.submods[i]["ear.veraison.annotated-evidence"].snp.measurement \(sign) "abc"
                }
                """)
            #expect(result.losses == [])
            return expressions(result)
        }
        let walk = "submods.exists(i, submods[i].status == 'affirming' && submods[i].claims.snp.measurement == 'abc')"
        #expect(try body("==") == [walk])
        #expect(try body("=") == [walk])
    }

    @Test("a name is not taken for the request before it has a value")
    func laterNames() throws {
        try expectNothing("allow if {\n  some x\n  x.plugin == \"resource\"\n}")
    }

    @Test("'in' looks at values, and is refused for objects")
    func membership() throws {
        try expectNothing("allow if data.plugin in {\"resource\": \"x\"}")
        try expectNothing("allow if \"executables\" in input.submods.cpu0[\"ear.trustworthiness-vector\"]")
        try expectNothing("allow if \"measurement\" in \(Self.snp)")
        let query = try read("allow if \"key\" in data.query.list")
        #expect(!expressions(query).contains { $0.contains("'key' in") }, "\(query.yaml)")
    }

    @Test("sets with computed members are not counted")
    func computedMembers() throws {
        try expectNothing("allow if count(good) > 0\ngood contains \(Self.snp).measurement")
        try expectNothing("allow if count(good) > 0\ngood[x] if x := \(Self.snp).measurement")
        try expectNothing("allow if count(bad) == 0\nbad contains \"x\" if count(bad) == 0")
    }

    @Test(
        "literals are compared only when they are equal exactly if they are written alike",
        arguments: ["1 != 1.0", "10 != 1e1", "[1] != [1.0]", "{\"a\", \"b\"} != {\"b\", \"a\"}", "1 == 1"])
    func literals(condition: String) throws {
        try expectNothing("allow if {\n  data.plugin == \"resource\"\n  \(condition)\n}")
    }

    @Test("literal texts, truth values and null are still compared")
    func words() throws {
        let result = try read("allow if {\n  \"a\" != \"b\"\n  true == true\n  data.plugin == \"resource\"\n}")
        #expect(result.losses == [])
        #expect(expressions(result) == [])
    }

    @Test("a prefix that could be the whole path stays a condition, since '**' is also no segment")
    func prefixes() throws {
        let path = "concat(\"/\", data[\"resource-path\"])"
        for condition in ["startswith(\(path), \"a/b/c/\")", "glob.match(\"a/b/c/**\", [\"/\"], \(path))"] {
            let result = try read("allow if {\n  data.plugin == \"resource\"\n  \(condition)\n}")
            #expect(!result.yaml.contains("a/b/c/**\"]"), "\(result.yaml)")
            #expect(expressions(result).count == 1)
        }
        let other = try read("allow if {\n  data.plugin == \"x\"\n  startswith(\(path), \"a/\")\n}")
        #expect(expressions(other) == ["request.resource.startsWith('a/')"])
    }

    @Test("a trust claim whose rule is missing grades nothing, as in Rego")
    func missingRule() throws {
        let result = try read(
            """
            default hardware := 97
            hardware := 2 if input.snp
            trust_claims := {"hardware": hardware, "executables": executables}
            """, name: "cpu")
        #expect(result.documents == [], "\(result.yaml)")
        #expect(result.losses.map(\.line) == [5])
    }

    @Test(
        "a grade behind one that was left out is left out, too, since Rego may give the other",
        arguments: [("3", "2", 2), ("2", "2", 1), ("2", "33", 1)])
    func laterGrades(first: String, second: String, losses: Int) throws {
        let result = try read(
            """
            default executables := 97
            trust_claims := {"executables": executables}
            executables := \(first) if { opaque(input.snp) }
            else := \(second) if input.snp.measurement == "aa"
            """, name: "cpu")
        #expect(result.losses.count == losses)
        let rules = result.documents.first?.content["spec"]?["rules"]?.arrayValue ?? []
        #expect(rules.count == 2 - losses, "\(result.yaml)")
    }

    @Test("nothing is graded by functions, nor by claims with two defaults or named twice")
    func oddGrades() throws {
        let claims = "trust_claims := {\"hardware\": hardware}\n"
        let function = try read("default hardware := 97\n\(claims)hardware(x) := 2 if input.snp", name: "cpu")
        #expect(function.documents.first?.content["spec"]?["rules"]?.arrayValue == [])
        #expect(function.losses.count == 1)
        try expectNothing("default hardware := 97\ndefault hardware := 2\n" + claims)
        try expectNothing("trust_claims := {\"hardware\": 2, \"hardware\": 97}")
    }

    @Test("a grade against the attester that was left out takes no worse one with it", arguments: [true, false])
    func worseGrades(isFirst: Bool) throws {
        let lost = "hardware := 33 if opaque(input.snp)\n"
        let worse = "hardware := 97 if input.snp.policy_debug_allowed == true\n"
        let better = "hardware := 2 if input.snp\n"
        let result = try read(
            "default hardware := 2\ntrust_claims := {\"hardware\": hardware}\n" + better
                + (isFirst ? lost + worse : worse + lost), name: "cpu")
        #expect(result.losses.count == 1)
        guard case .appraisal(let spec)? = result.documents.first?.spec else {
            Issue.record("no appraisal policy: \(result.yaml)")
            return
        }
        #expect(spec.defaults[.hardware] == 33)
        let rules = result.documents.first?.content["spec"]?["rules"]?.arrayValue ?? []
        #expect(rules.map { $0["value"]?.intValue } == [97])
    }
}
