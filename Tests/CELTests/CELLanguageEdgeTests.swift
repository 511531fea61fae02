import Testing

@testable import CEL

/// The language at its edges, each case checked and unchecked.
@Suite("CEL language edges")
struct CELLanguageEdgeTests {
    private func outcome(_ source: String, isChecked: Bool) -> String {
        let environment = CELEnvironment(variables: ["x": .dyn], isChecked: isChecked)
        do throws(CELError) {
            let value = try CELProgram(source, environment: environment).evaluate(["x": 1])
            return value.json()?.serializedString() ?? "-"
        } catch {
            return error.code
        }
    }

    @Test(
        "arithmetic at the ends of 64 bits",
        arguments: [
            ("9223372036854775807 + 1", "overflow"), ("-9223372036854775807 - 2", "overflow"),
            ("(-9223372036854775807 - 1) / -1", "overflow"), ("(-9223372036854775807 - 1) % -1", "overflow"),
            ("-(-9223372036854775807 - 1)", "overflow"), ("5 % -3", "2"), ("-5 % 3", "-2"), ("-5 / 2", "-2"),
            ("1u - 2u", "overflow"), ("18446744073709551615u * 2u", "overflow"), ("1 / 0", "divide_by_zero"),
            ("1u % 0u", "divide_by_zero"), ("1.0 / 0.0", "\"Infinity\""),
            ("-0x8000000000000000", "-9223372036854775808"),
            ("--1", "1"), ("math.abs(-9223372036854775808)", "overflow"),
            ("math.bitShiftRight(-1024, 3)", "2305843009213693824"), ("math.bitShiftLeft(1, 64)", "0"),
            ("int(9223372036854775807.0)", "overflow"), ("uint(18446744073709551615.0)", "overflow"),
            ("int('0x10')", "invalid_argument"), ("uint('-1')", "invalid_argument"),
        ])
    func integers(source: String, expected: String) {
        #expect(outcome(source, isChecked: true) == expected)
        #expect(outcome(source, isChecked: false) == expected)
    }

    @Test(
        "numbers meet each other by value, and not-a-number meets nothing",
        arguments: [
            ("dyn(1) == 1u && dyn(1) == 1.0 && dyn(1u) == 1.0", "true"), ("dyn(-1) < 1u && dyn(1u) > -1", "true"),
            ("9223372036854775807 < dyn(9223372036854775808.0)", "false"),
            ("dyn(18446744073709551615u) > 9223372036854775807", "true"), ("0.0 / 0.0 == 0.0 / 0.0", "false"),
            ("[0.0 / 0.0] == [0.0 / 0.0]", "false"), ("0.0 / 0.0 in [0.0 / 0.0]", "false"),
            ("dyn({1: 'a'})[1.0]", "\"a\""), ("dyn({1u: 'a'})[1]", "\"a\""), ("dyn({1: 'a'})[1.5]", "no_such_key"),
            ("dyn({1: 'a'})[0.0 / 0.0]", "no_such_key"), ("{1: 'a', 1u: 'b'}", "duplicate_key"),
            ("{0.0 / 0.0: 1}", "no_such_overload"), ("{null: 1}", "no_such_overload"),
            ("dyn(1) in {1u: 2}", "true"), ("dyn(1.0) in {1: 2}", "true"), ("dyn(null) == dyn(0)", "false"),
            ("dyn([1, 2.0]) == dyn([1.0, 2u])", "true"), ("math.greatest(1, dyn(0.0 / 0.0)) == 1", "true"),
        ])
    func mixedNumbers(source: String, expected: String) {
        #expect(outcome(source, isChecked: true) == expected)
        #expect(outcome(source, isChecked: false) == expected)
    }

    @Test(
        "text counts code points and is never normalised",
        arguments: [
            ("size('\\U0001F600é')", "2"), ("'\\u00e9' == 'e\\u0301'", "false"), ("'\\u212a' == 'K'", "false"),
            ("{'\\u00e9': 1, 'e\\u0301': 2}.size()", "2"), ("['\\u00e9', 'e\\u0301'].distinct().size()", "2"),
            ("'e\\u0301'.size()", "2"), ("'e\\u0301'.charAt(0)", "\"e\""), ("'e\\u0301x'.indexOf('\\u0301')", "1"),
            ("'e\\u0301'.startsWith('e')", "true"), ("'a\\u0301,b'.split(',').size()", "2"),
            ("'a,\\u0301b'.split(',').size()", "2"), ("'\\r\\n'.size()", "2"),
            ("'\\U0001F1E9\\U0001F1EA'.reverse()", "\"🇪🇩\""),
            ("'é' < 'f'", "false"), ("bytes('\\377') == b'\\377'", "false"), ("string(b'\\xff')", "invalid_argument"),
            ("'\\ud800'", "syntax_error"), ("b'\\u0041'", "syntax_error"), ("isQuantity('1\\u212ai')", "false"),
        ])
    func text(source: String, expected: String) {
        #expect(outcome(source, isChecked: true) == expected)
        #expect(outcome(source, isChecked: false) == expected)
    }

    @Test(
        "time stays within the years 1 to 9999 and 64 bits of nanoseconds",
        arguments: [
            ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "overflow"),
            ("timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "overflow"),
            ("timestamp(253402300800)", "overflow"),
            ("timestamp('0000-12-31T23:59:59Z')", "overflow"),
            ("timestamp('2021-02-29T00:00:00Z')", "invalid_argument"),
            ("timestamp('2020-12-31T23:59:60Z')", "invalid_argument"),
            ("timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')", "overflow"),
            ("duration('9223372036.854775807s')", "\"9223372036.854775807s\""),
            ("duration('9223372036.854775808s')", "overflow"), ("duration('2562048h')", "overflow"),
            ("duration('1d')", "invalid_argument"), ("duration('1h-1m')", "invalid_argument"),
            ("duration('-1h30m')", "\"-5400s\""), ("timestamp(0).getHours('../../etc/passwd')", "invalid_argument"),
            ("timestamp(0).getHours('Nowhere/At_All')", "invalid_argument"),
        ])
    func time(source: String, expected: String) {
        #expect(outcome(source, isChecked: true) == expected)
        #expect(outcome(source, isChecked: false) == expected)
    }

    @Test(
        "errors are absorbed by what decides, and by nothing else",
        arguments: [
            ("1 / 0 == 1 || true", "true"), ("1 / 0 == 1 && false", "false"), ("false || 1 / 0 == 1", "divide_by_zero"),
            ("[0, 1].exists(y, 1 / y == 1)", "true"), ("[0, 2].exists(y, 1 / y == 1)", "divide_by_zero"),
            ("[0, 1].all(y, 1 / y == 2)", "false"), ("[0, 1].exists_one(y, 1 / y == 1)", "divide_by_zero"),
            ("cel.bind(a, 1 / 0, a == 1 || true)", "true"), ("cel.bind(a, 1 / 0, true)", "true"),
            ("true ? 1 : 1 / 0", "1"), ("[true, 1 / 0 == 1][0]", "divide_by_zero"),
            ("optional.none().value()", "invalid_argument"), ("optional.none().orValue(1)", "1"),
            ("optional.of(1).or(1 / 0 == 0 ? optional.of(2) : optional.none()).hasValue()", "divide_by_zero"),
        ])
    func errors(source: String, expected: String) {
        #expect(outcome(source, isChecked: true) == expected)
        #expect(outcome(source, isChecked: false) == expected)
    }

    @Test("what maps an optional to no optional is refused")
    func flatMap() {
        #expect(outcome("optional.of(1).optFlatMap(y, y)", isChecked: true) == "type_mismatch")
        #expect(outcome("optional.of(1).optFlatMap(y, y)", isChecked: false) == "no_such_overload")
        #expect(outcome("optional.of(1).optFlatMap(y, optional.of(y + 1)).value()", isChecked: true) == "2")
    }

    @Test("without macros their names are functions that do not exist")
    func macros() throws {
        let environment = CELEnvironment(hasMacros: false)
        for source in ["has({}.a)", "[1].all(x, true)", "cel.bind(a, 1, a)", "optional.of(1).optMap(x, 1)"] {
            #expect(throws: CELError.self, "\(source)") { try CELProgram(source, environment: environment) }
        }
        #expect(try CELProgram("[1].size() == 1", environment: environment).evaluate() == true)
    }

    @Test("a value in a message is short and commands no terminal")
    func messages() throws {
        func message(_ value: String, _ source: String) -> String {
            do throws(CELError) {
                _ = try CELProgram(source, environment: CELEnvironment(variableNames: ["x"])).evaluate([
                    "x": .string(value)
                ])
                return ""
            } catch {
                return error.message
            }
        }
        let long = "a" + String(repeating: "\u{301}", count: 10_000)
        for source in ["int(x)", "duration(x)", "timestamp(x)", "url(x)", "quantity(x)", "{}[x]", "ip(x)"] {
            let hostile = message("\u{1B}[31mred\r\n\u{202E}\u{9B}", source)
            #expect(!hostile.isEmpty, "\(source)")
            #expect(hostile.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" && $0 != "\u{9B}" })
            #expect(message(long, source).unicodeScalars.count < 200, "\(source)")
        }
        #expect(message("\u{1B}[31m", "int(x)").contains("\\u{1b}[31m"))
    }

    @Test("A36: large expressions are checked in time that grows with their size")
    func checkingTime() throws {
        let clock = ContinuousClock()
        let comparisons = Array(repeating: "1 == 1", count: 6000).joined(separator: " && ")
        #expect(try CELProgram(comparisons).evaluate() == true)
        // Types that nest through bindings, and differ only at the bottom.
        func deep(_ leaf: String, _ name: String, _ body: String) -> String {
            (0..<40).reduce(
                "cel.bind(\(name), \(String(repeating: "[", count: 40))\(leaf)\(String(repeating: "]", count: 40)), BODY)"
            ) {
                source, _ in source.replacing("BODY", with: "cel.bind(\(name), [[[[\(name)]]]], BODY)")
            }.replacing("BODY", with: body)
        }
        let pairs = Array(repeating: "[x, y]", count: 1000).joined(separator: ", ")
        let source = deep("1", "x", deep("'a'", "y", "size([\(pairs)])"))
        let start = clock.now
        #expect(try CELProgram(source).evaluate() == .int(1000))
        #expect(clock.now - start < .seconds(20))
    }
}
