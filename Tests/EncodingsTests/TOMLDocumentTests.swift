import Encodings
import Testing

@Suite("TOML")
struct TOMLDocumentTests {
    @Test(
        "values of every kind become JSON",
        arguments: [
            ("a = 1", ["a": 1]), ("a = -17", ["a": -17]), ("a = +1_000", ["a": 1000]), ("a = 0", ["a": 0]),
            ("a = 0xDEAD_beef", ["a": 3_735_928_559]), ("a = 0o755", ["a": 493]), ("a = 0b1101", ["a": 13]),
            ("a = 9223372036854775807", ["a": 9_223_372_036_854_775_807]),
            ("a = 1.5", ["a": 1.5]), ("a = -0.25e2", ["a": -25.0]), ("a = 5e+2", ["a": 500.0]),
            ("a = true # yes", ["a": true]), ("a=false", ["a": false]),
            ("a = 'C:\\x'", ["a": "C:\\x"]), (#"a = "\t\"\\\u00e9\U0001F600""#, ["a": "\t\"\\é😀"]),
            ("a = \"\"\"\nx\n  y\"\"\"", ["a": "x\n  y"]), ("a = '''\nx\\n'''", ["a": "x\\n"]),
            ("a = \"\"\"x \\\n   y\"\"\"", ["a": "x y"]), ("a = \"\"\"x\"\"\"\"\"", ["a": "x\"\""]),
            ("a = ''", ["a": ""]), ("a = [1, 'x', [2,],\n # c\n]", ["a": [1, "x", [2]]]),
            ("a = {b = 1, c.d = 'x'}", ["a": ["b": 1, "c": ["d": "x"]]]), ("a = {}", ["a": [:]]),
            ("a = 1979-05-27", ["a": "1979-05-27"]), ("a = 07:32:00.5", ["a": "07:32:00.5"]),
            ("a = 1979-05-27T07:32:00Z", ["a": "1979-05-27T07:32:00Z"]),
            ("a = 1979-05-27 07:32:00-07:00", ["a": "1979-05-27 07:32:00-07:00"]),
            ("\"a.b\".'c' . d = 1", ["a.b": ["c": ["d": 1]]]), ("1-_x = 1", ["1-_x": 1]),
            ("[a.b]\nc=1\n[a]\nd=2", ["a": ["b": ["c": 1], "d": 2]]),
            ("[[a]]\nb=1\n[[a]]\nb=2\n[a.c]\nd=3", ["a": [["b": 1], ["b": 2, "c": ["d": 3]]]]),
            ("a.b=1\na.c=2", ["a": ["b": 1, "c": 2]]),
            ("[a]\nb.c=1\n[a.b.d]\ne=2", ["a": ["b": ["c": 1, "d": ["e": 2]]]]),
            ("\r\n\t a = 1 \r\n", ["a": 1]), ("# only\n", [:]), ("", [:]),
        ] as [(String, JSONObject)])
    func accepted(text: String, expected: JSONObject) throws {
        #expect(try TOMLDocument.parse(text) == expected)
    }

    @Test(
        "texts that are no TOML, or that define something twice, are refused",
        arguments: [
            "a", "a =", "a = 1 b = 2", "= 1", "a = 01", "a = 1_", "a = _1", "a = 1__0", "a = 1_e5", "a = 1.", "a = .5",
            "a = 0x", "a = 0x-1", "a = +0x1", "a = 9223372036854775808", "a = inf", "a = nan", "a = 1e999", "a = True",
            "a = 'x", "a = 'x\ny'", "a = \"\\q\"", "a = \"\\ud800\"", "a = \"\\u12\"", "a = \"\"\"x", "a = 'x\u{7f}'",
            "a = [1 2]", "a = [1", "a = {b = 1", "a = {b = 1,}", "a = {b=1\n}", "a = {b=1, b=2}", "a = 1\na = 2",
            "[a]\n[a]", "a = 1\n[a]", "a = {}\n[a.b]", "a = {}\na.b = 1", "[a.b]\n[a]\nb.c = 1", "a.b = 1\n[a]",
            "[[a]]\n[a]", "[a]\n[[a]]", "a = []\n[[a]]", "[a", "[[a]", "[]", "[a.]", "a. = 1", "\"\"\"a\"\"\" = 1",
            "a = 1979-13-01", "a = 1979-05-32", "a = 24:00:00", "a = 1979-05-27X07:32:00", "a = 1\rb = 2", "\u{0}",
            "# \u{1}\n", "\u{feff}a = 1",
        ])
    func refused(text: String) {
        #expect(throws: TOMLError.self) { try TOMLDocument.parse(text) }
    }

    @Test("keys are compared byte by byte, so guests and broker see the same tables")
    func lookAlikes() throws {
        let (composed, decomposed) = ("\u{e9}", "e\u{301}")
        let document = try TOMLDocument.parse("['\(composed)']\na = 1\n['\(decomposed)'.b]\nc = 2\n")
        #expect(document == [composed: ["a": 1], decomposed: ["b": ["c": 2]]])
        #expect(document.count == 2)
    }

    @Test("an error names its line")
    func line() {
        let error = #expect(throws: TOMLError.self) { try TOMLDocument.parse("a = 1\n\nb = '''\n\n'''\nc = ?") }
        #expect(error?.line == 6)
    }

    @Test("A23: nesting and number of values are bounded, whatever way they are written")
    func bounds() {
        let deep = 100_000
        let bombs = [
            "a = " + String(repeating: "[", count: deep), "a = " + String(repeating: "{a=", count: deep),
            String(repeating: "a.", count: deep) + "a = 1", "[" + String(repeating: "a.", count: deep) + "a]",
            "a = [" + String(repeating: "1,", count: deep) + "]", String(repeating: "[[a]]\n", count: deep),
            (0..<deep).map { "a\($0)=1\n" }.joined(),
            "[a.a.a.a.a.a.a.a.a.a]\nb.b.b.b.b.b.b.b.b.b=1",
        ]
        for bomb in bombs { #expect(throws: TOMLError.self) { try TOMLDocument.parse(bomb) } }
    }
}
