import Encodings
import Foundation
import Testing

@testable import Policy

@Suite("YAML as policies read it")
struct YAMLReadingTests {
    private func reference(_ value: String) -> (JSONValue?, [PolicyDiagnostic]) {
        let yaml = """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: values}
            spec:
              values:
                - name: x
                  value: \(value)
            """
        do {
            let documents = try PolicyParser.parse(yaml, source: "policy.yaml")
            guard case .referenceValues(let spec) = documents.first?.spec else { return (nil, []) }
            return (spec.values.first?.value, [])
        } catch {
            return (nil, error.diagnostics)
        }
    }

    static let plain: [(String, JSONValue)] = [
        ("1", 1), ("-17", -17), ("1.5", 1.5), ("true", true), ("~", .null), ("abc", "abc"), ("'no'", "no"),
        ("\"0123\"", "0123"), ("[1, two, \"3\"]", [1, "two", "3"]), ("{a: 1}", ["a": 1]), ("2024-01-31", "2024-01-31"),
        ("1.2.3", "1.2.3"), ("v1.10", "v1.10"), ("0x", "0x"), ("9007199254740991", 9_007_199_254_740_991),
        (".", "."), ("5g", "5g"), ("deadbeef", "deadbeef"), ("''", ""),
    ]

    @Test("scalars mean what YAML 1.2 says", arguments: plain)
    func scalar(_ row: (String, JSONValue)) {
        let (value, diagnostics) = reference(row.0)
        #expect(diagnostics == [])
        #expect(value == row.1)
    }

    @Test(
        "scalars that readers take for different things are refused",
        arguments: [
            "no", "yes", "On", "off", "y", "0123", "-012", "0x1F", "0o17", "0b11", "12:30:45", "1:30", "1_000", "1.10",
            "1e3", "99999999999999999999", "[fine, no]", "{a: 010}",
        ])
    func ambiguous(_ text: String) {
        #expect(reference(text).1.map(\.code) == ["ambiguous_value"])
    }

    @Test("numbers that JSON does not carry exactly are refused where they stand")
    func largeNumbers() {
        let found = reference("9007199254740992").1
        #expect(found.map { "\($0.code) \($0.line):\($0.column)" } == ["invalid_value 7:14"])
    }

    @Test(
        "anchors, aliases, tags, merge keys, duplicate keys and odd keys are refused",
        arguments: [
            ("a: &x 1\nb: 2", 1), ("a: &x [1]\nb: *x", 2), ("a: !!str 1", 1), ("a: !custom {b: 1}", 1),
            ("a: 1\nb: 2\na: 3", 1), ("a: 1\n'a': 3", 1), ("? [a]\n: 1", 1), ("%YAML 1.1\n---\na: 1", 1),
            ("a: [1, 2\nb: 3", 2), ("a: \"x", 1), ("a:\n\t- b", 2), ("a: *nowhere", 1), ("? {a: 1}\n: 1", 1),
        ])
    func refused(_ row: (String, Int)) throws {
        let found = try #require(Fixture.diagnostics(row.0).first)
        #expect(found.code == "yaml_syntax", "\(found)")
        #expect(found.line >= row.1)
    }

    @Test("nested aliases that would not fit into memory are refused at once")
    func aliasBomb() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...40 {
            yaml +=
                "a\(level): &a\(level) [" + repeatElement("*a\(level - 1)", count: 10).joined(separator: ",") + "]\n"
        }
        yaml += "? *a40\n: 1\n? *a40\n: 2\n"
        #expect(Fixture.diagnostics(yaml).map(\.code) == ["yaml_syntax"])
    }

    @Test("operators of expressions are no anchors")
    func operators() throws {
        let spec =
            "  match: {resources: [\"payments/**\"]}\n  validations:\n    - expression: \"tee=='a'&&status=='b' || 2*size(tee)>3&&3 * size(tee) > 2\""
        _ = try PolicyParser.parse(Fixture.release(spec), source: "a")
    }

    @Test("nesting and size are bounded")
    func bounds() {
        let deep = "a: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
        #expect(Fixture.diagnostics(deep).first?.code == "yaml_syntax")
        let deeper = String(repeating: "- ", count: 100_000) + "x"
        #expect(Fixture.diagnostics(deeper).first?.code == "yaml_syntax")
        let long = "a: " + String(repeating: "x", count: PolicyParser.maximumDocumentBytes)
        #expect(Fixture.diagnostics(long).first?.code == "too_large")
        let longer = String(repeating: "# x\n", count: PolicyParser.maximumBytes / 4 + 1)
        #expect(Fixture.diagnostics(longer).first?.code == "too_large")
        let many = String(repeating: "a: 1\n---\n", count: PolicyParser.maximumDocuments + 1)
        #expect(Fixture.diagnostics(many).first?.code == "too_large")
    }

    @Test("a stream is split into documents that keep their own text and line")
    func documents() throws {
        let one = Fixture.release("  match: {resources: [\"payments/**\"]}", name: "one")
        let two = Fixture.release("  match: {resources: [\"payments/**\"]}", name: "two")
        let stream = "\u{FEFF}# head\r\n---\n\(one)\n...\n---\n# nothing\n--- # last\n\(two)"
        let documents = try PolicyParser.parse(stream, source: "stream.yaml")
        #expect(documents.map(\.identifier) == ["ReleasePolicy/payments/one", "ReleasePolicy/payments/two"])
        #expect(documents.map(\.line) == [3, 14])
        for document in documents {
            let again = try PolicyParser.parse(document.text, source: "stored")
            #expect(again == [document])
            #expect(again.first?.digest == document.digest)
        }
    }

    @Test("the digest covers the content and not the layout")
    func digest() throws {
        let block = Fixture.release("  match:\n    resources:\n      - payments/**  # all\n")
        let flow = Fixture.release("  match: {\"resources\": ['payments/**']}")
        let other = Fixture.release("  match: {\"resources\": ['payments/*/a']}")
        let digests = try [block, flow, other].map { try PolicyParser.parse($0, source: "a").map(\.digest) }
        #expect(digests[0] == digests[1])
        #expect(digests[0] != digests[2])
    }

    @Test("an empty text and a text of comments are refused", arguments: ["", "\n", "# nothing\n---\n", "---\n...\n"])
    func empty(_ text: String) {
        #expect(Fixture.diagnostics(text).map(\.code) == ["empty"])
    }

    @Test("times are read as RFC 3339 writes them, and nothing else")
    func times() throws {
        #expect(TimestampText.date("2026-01-31T12:00:00Z") == Date(timeIntervalSince1970: 1_769_860_800))
        #expect(TimestampText.date("2026-01-31T12:00:00+01:00") == Date(timeIntervalSince1970: 1_769_857_200))
        for text in [
            "", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00Z x", "2026-01-31T12:00:00Z 1234",
            "2026-13-31T12:00:00Z", "1769860800",
        ] {
            #expect(TimestampText.date(text) == nil, "\(text)")
        }
    }

    @Test("durations are read as Kubernetes writes them")
    func durations() {
        #expect(DurationText.seconds("10m") == 600)
        #expect(DurationText.seconds("1h30m5s") == 5405)
        for text in ["", "m", "10", "5m1h", "1d", "-5m", "1.5h", "99999999999h", "5m5m"] {
            #expect(DurationText.seconds(text) == nil, "\(text)")
        }
        #expect(DurationText.text(5405) == "1h30m5s")
        #expect(DurationText.text(0) == "0s")
    }
}
