import Encodings
import Policy
import Testing

@testable import claviger

@Suite("output")
struct OutputTests {
    @Test("columns are aligned, lines end without blanks, and control characters cannot drive the terminal")
    func table() {
        var table = Table(["NAME", "VALUE"])
        table.add(["a", "1"])
        table.add(["long name", "\u{1B}[31mred\n"])
        #expect(table.text() == "NAME       VALUE\na          1\nlong name  ?[31mred?\n")
        #expect(Table(["NAME"]).text().isEmpty)
    }

    @Test(
        "values become YAML that reads back as the same values",
        arguments: [
            ("\"plain\"", "plain\n"), ("\"yes\"", "\"yes\"\n"), ("\"12\"", "\"12\"\n"), ("\"a: b\"", "\"a: b\"\n"),
            ("\"\"", "\"\"\n"), ("null", "null\n"), ("[]", "[]\n"), ("{}", "{}\n"), ("1", "1\n"),
            (#"{"a":1,"b":[1,{"c":"x","d":[]}],"e":{"f":null}}"#, "a: 1\nb:\n- 1\n- c: x\n  d: []\ne:\n  f: null\n"),
            (#"[[1,2],{"a":[3]}]"#, "- - 1\n  - 2\n- a:\n  - 3\n"), (#"{"on":"-"}"#, "\"on\": \"-\"\n"),
        ])
    func yaml(json: String, text: String) throws {
        #expect(try YAMLText.text(JSONValue(parsing: json)) == text)
    }

    @Test("a difference shows what goes and what comes, with three lines around it")
    func difference() {
        let old = (1...12).map { "line \($0)" }.joined(separator: "\n")
        let new = old.replacing("line 6", with: "line six")
        let text = LineDifference(old: old, new: new, oldName: "a", newName: "b").text()
        #expect(
            text == """
                --- a
                +++ b
                @@
                  line 3
                  line 4
                  line 5
                - line 6
                + line six
                  line 7
                  line 8
                  line 9

                """)
        let fresh = LineDifference(old: "", new: "x\ny", oldName: "a", newName: "b").text()
        #expect(fresh == "--- a\n+++ b\n+ x\n+ y\n")
    }
}

@Suite("text from guests and brokers")
struct HostileTextTests {
    /// Escape, one-byte CSI, right-to-left override, an invisible tag, a line separator.
    private static let hostile = "a\u{1B}[2J\u{9B}2J\u{202E}\u{E0041}\u{2028}z"

    @Test("JSON and YAML for machines say the same in characters that a terminal does not obey")
    func escapes() throws {
        let value: JSONValue = ["name": .string(Self.hostile), "plain": "ö 😀"]
        let json = EscapedText.json(value.pretty())
        #expect(json.unicodeScalars.allSatisfy { $0.isPrintable || $0 == "\n" })
        #expect(try JSONValue(parsing: json) == value)
        #expect(json.contains("ö 😀"))
        let yaml = EscapedText.yaml(YAMLText.text(value))
        #expect(yaml.unicodeScalars.allSatisfy { $0.isPrintable || $0 == "\n" })
        #expect(yaml.contains(#"\U0000009b2J\U0000202e\U000e0041\U00002028z"#))
    }

    @Test("a decision's explanation shows what a guest claimed without obeying it")
    func explanation() throws {
        let record: JSONValue = [
            "id": "1", "at": "2026", "allowed": false, "code": .string(Self.hostile), "reason": .string(Self.hostile),
            "operation": .string(Self.hostile), "path": .string(Self.hostile), "tee": .string(Self.hostile),
            "trace": ["stage": .string(Self.hostile)],
        ]
        let text = DecisionText(record: record).text()
        #expect(text.unicodeScalars.allSatisfy { $0.isPrintable || $0 == "\n" })
        #expect(text.contains("a?[2J?2J???z"))
    }

    @Test("two long texts without a common line are compared at once")
    func longDifference() {
        let texts = ["a", "b"].map { name in (0..<20_000).map { "\(name) \($0)" }.joined(separator: "\n") }
        let clock = ContinuousClock()
        let time = clock.measure {
            let text = LineDifference(old: texts[0], new: texts[1], oldName: "x\u{1B}", newName: "y").text()
            #expect(text.hasPrefix("--- x?\n+++ y\n- a 0\n"))
            #expect(text.hasSuffix("+ b 19999\n"))
        }
        #expect(time < .seconds(20))
    }
}

@Suite("decisions and policies for people")
struct PeopleTextTests {
    @Test("a refused attestation is told with its stage, though no release policy ever saw it")
    func refusedAttestation() throws {
        let record = try JSONValue(
            parsing: #"""
                {"id":"1","at":"2026-01-01T00:00:00Z","allowed":false,"code":"report_data_mismatch","reason":"no match",
                 "operation":"attest","path":"","tee":"snp","trace":{"stage":"verification","protocol":"0.4.0"}}
                """#)
        let text = DecisionText(record: record).text()
        #expect(text.contains("denied  report_data_mismatch  attest"))
        #expect(text.contains("no match"))
        #expect(text.contains("refused in the stage: verification"))
    }

    @Test("A15: an explanation says whether the machine's firmware was put back, and what it was")
    func machines() throws {
        func explained(_ platform: String) throws -> String {
            let record = try JSONValue(
                parsing: #"""
                    {"id":"1","at":"2026-01-01T00:00:00Z","allowed":false,"code":"guardrail_denied","reason":"m",
                     "operation":"get","path":"a/b/c","tee":"snp",
                     "claims":{"submodules":{"cpu0":{"tee":"snp"\#(platform)},"gpu0":{"tee":"nvidia"}}},
                     "trace":{"allowed":false,"reason":"guardrail_denied","message":"m","request":"get a/b/c",
                              "bundleDigest":"d","trace":[]}}
                    """#)
            return DecisionText(record: record).text()
        }
        let rolledBack = try explained(
            #","platform":{"id":"8a1c","tcb_rollback":true,"tcb_rollback_from":{"reported_tcb_snp":23}}"#)
        #expect(
            rolledBack.contains(
                "cpu0: the firmware of machine 8a1c is OLDER than it has been: reported_tcb_snp was 23\n"))
        let current = try explained(#","platform":{"id":"8a1c","tcb_rollback":false,"tcb_rollback_from":{}}"#)
        #expect(current.contains("cpu0: the firmware of machine 8a1c is as new as it has ever been\n"))
        #expect(try explained("").contains("cpu0: the evidence names no machine"))
        #expect(try !explained("").contains("gpu0"))
    }

    @Test("A15: an event of the ledger is no refusal")
    func event() {
        let record: JSONValue = [
            "id": "1", "at": "2026", "allowed": true, "code": "tcb_rollback", "reason": "older firmware",
            "operation": "attest", "path": "", "trace": ["stage": "platform"],
        ]
        let text = DecisionText(record: record).text()
        #expect(text.contains("allowed  tcb_rollback") && text.contains("older firmware") && !text.contains("refused"))
    }

    @Test("a policy text ends with one line feed, however often it went back and forth")
    func tidyPolicies() {
        for text in ["a: 1", "a: 1\n", "a: 1\n\n  \n"] { #expect(PolicyDocument.tidy(text) == "a: 1\n") }
    }
}
