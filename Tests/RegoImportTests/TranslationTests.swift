import Policy
import RATS
import Testing

@testable import RegoImport

@Suite("Translating Rego")
struct TranslationTests {
    private func allow(_ body: String, more: String = "") throws -> RegoImport {
        try RegoImport(
            "package policy\nimport rego.v1\ndefault allow := false\nallow if {\n\(body)\n}\n\(more)\n",
            source: "a.rego",
            name: "a")
    }

    private func spec(_ result: RegoImport) throws -> ReleasePolicySpec {
        guard case .release(let spec)? = result.documents.first?.spec else { throw Missing() }
        return spec
    }

    private struct Missing: Error {}

    private func expressions(_ result: RegoImport) -> [String] {
        result.documents.flatMap { document in
            (document.content["spec"]?["validations"]?.arrayValue ?? []).compactMap { $0["expression"]?.stringValue }
        }
    }

    @Test("paths, plugins and prefixes become patterns, and a common first segment the namespace")
    func patterns() throws {
        let prefix = "data.plugin == \"resource\"\n"
        func match(_ body: String) throws -> (String?, [String], [String]) {
            let result = try allow(prefix + body)
            #expect(result.losses.isEmpty)
            let match = try spec(result).match
            return (result.documents[0].namespace, match.resources.map(\.description), match.plugins)
        }
        #expect(try match("data[\"resource-path\"] == [\"a\", \"b\", \"c\"]") == ("a", ["a/b/c"], ["resource"]))
        #expect(try match("data[\"resource-path\"][0] == \"a\"") == ("a", ["a/*/*"], ["resource"]))
        #expect(
            try match("data[\"resource-path\"][0] == \"a\"\ndata[\"resource-path\"][2] in [\"x\", \"y\"]")
                == ("a", ["a/*/x", "a/*/y"], ["resource"]))
        #expect(
            try match("startswith(concat(\"/\", data[\"resource-path\"]), \"a/b/\")") == ("a", ["a/b/**"], ["resource"])
        )
        #expect(
            try match("glob.match(\"a/*/c\", [\"/\"], concat(\"/\", data[\"resource-path\"]))")
                == ("a", ["a/*/c"], ["resource"]))
        #expect(try match("data[\"resource-path\"] == \"a/b/c\"") == ("a", ["a/b/c"], ["resource"]))
        let any = try allow("input.submods.cpu0[\"ear.status\"] == \"affirming\"")
        #expect(any.documents[0].kind == .clusterReleasePolicy)
        #expect(try spec(any).match.plugins == ["*"])
    }

    @Test("a guard over all submodules becomes require.status")
    func status() throws {
        let result = try RegoImport(Oracle.rego("resource/affirming.rego"), source: "a", name: "affirming")
        #expect(try spec(result).require.status == .affirming)
        #expect(expressions(result) == [])
    }

    @Test("claims, grades, functions and negations become CEL with the lines that they come from")
    func conditions() throws {
        let result = try allow(
            """
            evidence := input.submods.cpu0["ear.veraison.annotated-evidence"]
            evidence.snp.measurement in {"aa", "bb"}
            not evidence.snp.policy_debug_allowed == true
            input.submods.cpu0["ear.trustworthiness-vector"]["file-system"] == 2
            startswith(evidence.snp.chip_id, "00")
            regex.match("^a+$", data.query.name)
            count(input.submods) == 2
            """)
        #expect(
            expressions(result) == [
                "claims.snp.measurement in ['aa', 'bb']",
                "!(claims.?snp.?policy_debug_allowed.hasValue() && claims.snp.policy_debug_allowed == true)",
                "trust['file-system'] == 2", "claims.snp.chip_id.startsWith('00')",
                "request.query.name.matches('^a+$')", "size(submods) == 2",
            ])
        #expect(result.yaml.contains("# line 6\n    - expression: \"claims.snp.measurement"))
        #expect(result.yaml.hasPrefix("# Imported from a.rego."))
    }

    @Test(
        "a condition without a counterpart leaves out the whole body, never the condition alone",
        arguments: [
            "time.now_ns() > 5", "http.send({\"url\": \"x\"}).status == 200", "input.exp > 3",
            "input.submods.cpu0[\"ear.status\"] == \"affirming\" with input as {}",
            "lower(data.plugin) == \"resource\"",
            "x := [y | y := input.submods[_]]\ncount(x) == 1", "unknown_rule", "data.other.rule",
            "not helper", "count(data.plugin) / 2 == 1",
            "input.submods.cpu0[\"ear.veraison.annotated-evidence\"].snp.mesurement == \"a\"",
        ])
    func untranslatable(condition: String) throws {
        let result = try allow(
            "data.plugin == \"resource\"\n" + condition,
            more: "helper if {\n  input.iat > 5\n}\nhelper if { data.plugin == \"x\" }")
        #expect(result.documents == [], "\(result.yaml)")
        #expect(result.losses.count == 1)
        #expect(result.yaml.hasPrefix("#"))
        #expect(!result.yaml.contains("apiVersion"))
    }

    @Test("other bodies stay when one is left out")
    func others() throws {
        let result = try allow("time.now_ns() > 5", more: "allow if data.plugin == \"resource\"")
        #expect(result.documents.count == 1)
        #expect(result.losses.map(\.line) == [5])
        #expect(result.losses[0].message.contains("time.now_ns"))
    }

    @Test("a value that has to be there is asked for, also when nothing looks at it")
    func presence() throws {
        let result = try allow("x := input.submods.cpu0[\"ear.veraison.annotated-evidence\"].snp.measurement")
        #expect(expressions(result) == ["claims.?snp.?measurement.hasValue()"])
    }

    @Test("rules that contradict each other, and sets, allow nothing")
    func contradictions() throws {
        let result = try allow("data.plugin == \"resource\"", more: "allow := false if data.query.x == \"y\"")
        #expect(result.documents == [])
        #expect(result.losses.count == 1)
        let set = try RegoImport("package policy\nallow contains \"x\" if true", source: "a", name: "a")
        #expect(set.documents == [])
        #expect(set.losses.count == 1)
    }

    @Test("a grade against the attester that cannot be translated takes the better grades of its claim with it")
    func gradesAgainst() throws {
        let text = """
            package policy
            import rego.v1
            default executables := 2
            default hardware := 97
            trust_claims := {"executables": executables, "hardware": hardware}
            executables := 96 if time.now_ns() > 5
            executables := 3 if input.snp.measurement == "aa"
            hardware := 2 if input.snp.measurement == "aa"
            hardware := 3 if opaque(input.snp)
            """
        let result = try RegoImport(text, source: "a", name: "default_cpu")
        #expect(result.losses.map(\.line) == [6, 9])
        guard case .appraisal(let spec)? = result.documents.first?.spec else {
            Issue.record("no appraisal policy: \(result.yaml)")
            return
        }
        #expect(spec.defaults[.executables] == 96)
        #expect(spec.defaults[.hardware] == 97)
        #expect(result.documents[0].content["spec"]?["rules"]?.arrayValue?.count == 1)
    }

    @Test("a rule about no claims of a TEE is one for all of them")
    func anyTEE() throws {
        let text = """
            package policy
            import rego.v1
            default configuration := 36
            trust_claims := {"configuration": configuration}
            configuration := 2 if input.init_data == "00"
            """
        let result = try RegoImport(text, source: "a", name: "cpu")
        #expect(result.losses == [], "\(result.yaml)")
        let rule = result.documents.first?.content["spec"]?["rules"]?.arrayValue?.first
        #expect(rule?["tees"]?.arrayValue?.count == TEE.allCases.count)
        #expect(rule?["when"] == ["init_data == '00'"])
    }

    @Test("a rule whose claims are not known is left out, the others stay")
    func unknownClaims() throws {
        let text = """
            package policy
            import rego.v1
            default hardware := 97
            trust_claims := {"hardware": hardware}
            hardware := 2 if input.snp.no_such_claim == "aa"
            hardware := 2 if input.tdx.tcb_status == "UpToDate"
            """
        let result = try RegoImport(text, source: "a", name: "cpu")
        #expect(result.losses.map(\.line) == [5])
        #expect(result.documents[0].content["spec"]?["rules"]?.arrayValue?.count == 1)
    }

    @Test(
        "what cannot be read is refused with its line",
        arguments: [
            ("package policy\nallow if {", 2), ("allow = true", 1), ("package policy\n\nallow if \"x", 3),
            ("package policy\nallow if { x ] }", 2), ("package policy\nx[y] = z { true }", 2), ("package policy\n§", 2),
        ])
    func refused(text: String, line: Int) {
        do throws(RegoError) {
            _ = try RegoImport(text, source: "a.rego", name: "a")
            Issue.record("it was read")
        } catch {
            #expect(error.code == "rego_syntax", "\(error)")
            #expect(error.line == line, "\(error)")
        }
    }

    @Test("YAML and policies of other kinds are no policies of a key broker")
    func nothing() {
        #expect(throws: RegoError.self) { try RegoImport("package a\nx := 1", source: "a", name: "a") }
        #expect(throws: RegoError.self) { try RegoImport("apiVersion: v1", source: "a", name: "a") }
    }

    @Test("hostile texts end: deep nesting, endless recursion, exploding helpers, and what is too long")
    func hostile() throws {
        let deep = String(repeating: "(", count: 5_000) + "1" + String(repeating: ")", count: 5_000)
        #expect(throws: RegoError.self) { try allow("x == " + deep) }
        let recursive = try allow("a", more: "a if b\nb if a")
        #expect(recursive.documents == [] && recursive.losses.count == 1)
        let doubling =
            (0..<40).map { "r\($0) if { r\($0 + 1); r\($0 + 1) }" }.joined(separator: "\n")
            + "\nr40 if data.plugin == \"a\""
        let exploding = try allow("r0", more: doubling)
        #expect(exploding.documents == [] && exploding.losses.count == 1)
        let growing = (1..<40).map { "x\($0) := [x\($0 - 1), x\($0 - 1)]" }.joined(separator: "\n")
        let names = try allow("x0 := \"a\"\n\(growing)\nx39 == 1")
        #expect(names.documents == [] && names.losses.count == 1)
        #expect(throws: RegoError.self) { try allow(String(repeating: "a", count: 300_000)) }
    }
}
