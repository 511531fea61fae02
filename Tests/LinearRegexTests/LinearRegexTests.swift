import Testing

@testable import LinearRegex

@Suite("Linear regular expressions")
struct LinearRegexTests {
    @Test(
        "a pattern finds what it describes",
        arguments: [
            ("ubb", "hubba"), ("ba(na)*", "banana"), ("^ba(na){2}$", "banana"), ("a.c", "abc"), ("[a-c]+", "xxabcx"),
            ("[^0-9]", "12a"), (#"\d{2,3}"#, "a12b"), (#"\w+\s\w+"#, "two words"), ("[[:alpha:]]+", "x1"),
            ("[[:^alpha:]]", "a1"), (#"\pL\pN"#, "ä٣"), (#"\p{Lu}"#, "abC"), (#"\P{L}"#, "a-"),
            ("(?i)STRASSE", "Strasse"),
            ("(?i)[k]", "\u{212A}"), ("(?i:ä)", "Ä"), ("a(?i)b", "aB"), ("(?s)a.b", "a\nb"), ("(?m)^b$", "a\nb\nc"),
            (#"\bcat\b"#, "a cat!"), (#"\Bat"#, "cat"), (#"\Aab\z"#, "ab"), ("a*?b", "aaab"), ("(a|ab)(c|bcd)", "abcd"),
            (#"\x41\x{1F431}\101"#, "A🐱A"), (#"\Qa.b\E+"#, "a.bb"), ("a{,2}", "a{,2}"), ("x{2}{", "xx{"), ("", "any"),
            ("(|a)*b", "aab"), ("(a*)*b", "b"), ("[]a]", "]"), ("[a-]", "-"), (#"[\d\-x]+"#, "4-x"), (#"[^\pL]"#, "1"),
            ("日+本", "日日本"), ("(?P<x>a)(?<y>b)", "ab"), (#"\.\*\[\_"#, ".*[_"), ("a||b", ""), ("(?-s).", "a"),
        ])
    func finds(pattern: String, text: String) throws {
        #expect(try LinearRegex(pattern).matches(text))
    }

    @Test(
        "a pattern does not find what it excludes",
        arguments: [
            ("foo|bar", ""), ("^a$", "ba"), ("a.c", "a\nc"), ("^b$", "a\nb"), ("[^a]", "a"), (#"\d"#, "٣"),
            (#"\w"#, "ä"),
            (#"\bat"#, "cat"), ("a{3}", "aa"), ("(?i)a(?-i)b", "AB"), (#"\pL"#, "1"), ("[[:upper:]]", "a"),
            (#"\Aa\z"#, "a\n"),
        ])
    func excludes(pattern: String, text: String) throws {
        #expect(try !LinearRegex(pattern).matches(text))
    }

    @Test(
        "a malformed pattern is refused with its reason and place",
        arguments: [
            ("a(b", "missing_parenthesis", 1), ("a)b", "unexpected_parenthesis", 1), ("[a", "missing_bracket", 0),
            ("a**", "invalid_repetition", 2), ("a{2}{3}", "invalid_repetition", 4), ("*a", "missing_operand", 0),
            ("a|+", "missing_operand", 2), ("a{1001}", "invalid_repetition", 1), ("a{3,2}", "invalid_repetition", 1),
            ("[z-a]", "invalid_range", 1), (#"a\"#, "invalid_escape", 1), (#"\y"#, "invalid_escape", 0),
            (#"(a)\1"#, "unsupported", 3), ("(?=a)", "unsupported", 2), ("(?<=a)", "unsupported", 2),
            ("(?q)", "invalid_flag", 2), (#"\p{Klingon}"#, "invalid_class", 0), ("[[:foo:]]", "invalid_class", 1),
            ("(?P<n>a)(?P<n>b)", "invalid_name", 14), (#"\x{110000}"#, "invalid_escape", 0),
            ("(?i", "invalid_group", 3),
        ])
    func refuses(pattern: String, code: String, offset: Int) {
        do {
            _ = try LinearRegex(pattern)
            Issue.record("\(pattern) was accepted")
        } catch {
            #expect(error.code == code, "\(pattern): \(error)")
            #expect(error.offset == offset, "\(pattern): \(error)")
        }
    }

    @Test("the leftmost match wins, and of its alternatives the first")
    func leftmostFirst() throws {
        #expect(try LinearRegex("b+|abc").firstMatch(in: "xabcbbb")?.range == 1..<4)
        #expect(try LinearRegex("a|ab").firstMatch(in: "ab")?.range == 0..<1)
        #expect(try LinearRegex("a+?").firstMatch(in: "aaa")?.range == 0..<1)
        #expect(try LinearRegex("(?U)a+").firstMatch(in: "aaa")?.range == 0..<1)
        #expect(try LinearRegex("a*").firstMatch(in: "baa")?.range == 0..<0)
    }

    @Test("groups are reported in bytes, by index and by name")
    func groups() throws {
        let regex = try LinearRegex(#"(?P<key>\pL+)=(\d+)?(;)?"#)
        let match = try #require(regex.firstMatch(in: "é: größe=42"))
        #expect(match.range == 4..<14)
        #expect(match["key"] == 4..<11)
        #expect(match.captures == [4..<14, 4..<11, 12..<14, nil])
        #expect(regex.captureNames == [nil, "key", nil, nil])
        #expect(match["other"] == nil)
    }

    @Test("a search can go on after a match, and still sees what stands before")
    func continues() throws {
        let regex = try LinearRegex(#"\b\w"#)
        #expect(regex.firstMatch(in: "ab cd", from: 1)?.range == 3..<4)
        #expect(try LinearRegex("^b").firstMatch(in: "ab", from: 1) == nil)
        #expect(regex.firstMatch(in: "ab", from: 9) == nil)
    }

    @Test("A33: a whole match is anchored by construction, whatever alternatives stand at the top")
    func wholeMatch() throws {
        let path = try LinearRegex("/kbs/a|/kbs/b")
        #expect(path.wholeMatch("/kbs/a"))
        #expect(path.wholeMatch("/kbs/b"))
        #expect(!path.wholeMatch("/kbs/a/../admin"))
        #expect(!path.wholeMatch("/x/kbs/b"))
        #expect(!path.wholeMatch("/kbs/b\n"))
        #expect(try LinearRegex("a|ab").wholeMatch("ab"))
        #expect(try !LinearRegex("^/kbs/a|.*$x").wholeMatch("/admin"))
    }

    @Test(
        "A33: a catastrophic pattern takes steps in proportion to its text",
        arguments: ["(a+)+$", "^(a|a)*$", "(a|aa)+$", "(.*)*x", "([a-z]+)*=", "(a?){20}a{20}$", "(x+x+)+y"])
    func linearSteps(pattern: String) throws {
        let regex = try LinearRegex(pattern)
        let short = regex.measuredMatch(String(repeating: "a", count: 500) + "!")
        let long = regex.measuredMatch(String(repeating: "a", count: 5000) + "!")
        #expect(!short.matched && !long.matched)
        #expect(long.steps < 12 * short.steps)
        #expect(long.steps <= 4 * 5002 * regex.programSize)
    }

    @Test("A33: a pattern that unfolds, or nests, beyond the limit is refused before it takes memory")
    func limits() {
        for pattern in [
            "((a{100}){100}){100}", "(?:(?:(?:(?:a{0}){1000}){1000}){1000}){1000}", "(((a{1000}){1000}){1000}){1000}",
            String(repeating: "(", count: 5000),
            String(repeating: "(a|", count: 300) + "b" + String(repeating: ")", count: 300),
            String(repeating: "a", count: 20_000), String(repeating: "()", count: 101),
        ] {
            #expect(throws: RegexError.self) { try LinearRegex(pattern) }
        }
    }

    @Test("arbitrary patterns are compiled or refused, and searches end within their bound")
    func survivesArbitraryPatterns() {
        var generator = DeterministicGenerator(seed: 33)
        let pieces = [
            "a", "b", ".", "*", "+", "?", "|", "(", ")", "[", "]", "^", "$", "{2}", "{1,3}", "{0}", "\\", "\\d", "\\pL",
            "[^a]", "(?i)", "(?:", "(?P<n>", "-", "[[:alpha:]]", "\\b", "é", "\\x{41}", "\\Q", "\\E", "{", "}", ",",
            "1",
        ]
        for _ in 0..<3000 {
            let length = Int.random(in: 0..<14, using: &generator)
            let pattern = (0..<length).compactMap { _ in pieces.randomElement(using: &generator) }.joined()
            guard let regex = try? LinearRegex(pattern) else { continue }
            let text = (0..<30).compactMap { _ in ["a", "b", "é", "-", "\n"].randomElement(using: &generator) }.joined()
            let outcome = regex.measuredMatch(text)
            #expect(outcome.steps <= 4 * (text.utf8.count + 2) * regex.programSize, "\(pattern)")
            #expect((regex.firstMatch(in: text) != nil) == outcome.matched, "\(pattern)")
        }
    }
}

/// Numbers that are the same in every run (SplitMix64).
struct DeterministicGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
