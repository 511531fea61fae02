import Encodings
import Testing

@testable import CEL

@Suite("CEL evaluation")
struct CELEvaluationTests {
    private func error(_ source: String, _ variables: [String: CELValue] = [:]) -> CELError? {
        let environment = CELEnvironment(variableNames: Array(variables.keys))
        do throws(CELError) {
            _ = try CELProgram(source, environment: environment).evaluate(variables)
            return nil
        } catch {
            return error
        }
    }

    @Test("JSON becomes values and comes back")
    func json() throws {
        let json: JSONValue = [
            "int": 7, "negative": -1, "large": .uint(.max), "double": 1.5, "text": "é", "list": [true, .null, []],
            "object": ["a": ["b": 1]],
        ]
        #expect(CELValue(json).json() == json)
        #expect(CELValue(json).mapValue?["int"] == .int(7))
        #expect(CELValue(json).mapValue?["large"] == .uint(.max))
        #expect(CELValue.bytes([255, 0]).json() == "/wA=")
        #expect(CELValue.duration(CELDuration(nanoseconds: 1_500_000_000)).json() == "1.5s")
        #expect(CELValue.optional(nil).json() == JSONValue.null)
        #expect(CELValue.double(.infinity).json() == "Infinity")
    }

    @Test("a value that shares its parts without end is not written out")
    func jsonIsBounded() throws {
        var source = "x"
        for _ in 0..<40 { source = "cel.bind(x, [x, x], \(source))" }
        let program = try CELProgram("cel.bind(x, 1, \(source))")
        #expect(try program.evaluate().json() == nil)
    }

    @Test(
        "an error names its reason and place",
        arguments: [
            ("m.a.missing", "no_such_key", 1, 4), ("m['x']", "no_such_key", 1, 2), ("m.n.x", "no_such_overload", 1, 4),
            ("1 + m.n / 0", "divide_by_zero", 1, 9), ("m.n +\n 9223372036854775807", "overflow", 1, 5),
            ("m.n + 'a'", "no_such_overload", 1, 5), ("[1][m.n]", "invalid_argument", 1, 4),
            ("!m", "no_such_overload", 1, 1),
            ("m ? 1 : 2", "no_such_overload", 1, 3), ("int(m.text)", "invalid_argument", 1, 1),
            ("m.text.matches(m.open)", "invalid_argument", 1, 8), ("{m.n: 1, 5u: 2}", "duplicate_key", 1, 10),
            ("m.n.exists(x, true)", "no_such_overload", 1, 5),
        ])
    func errors(source: String, code: String, line: Int, column: Int) throws {
        let found = try #require(
            error(source, ["m": ["a": CELValue.emptyMap, "n": 5, "text": "x", "open": "("]]), "\(source) has a value")
        #expect(found.code == code, "\(source): \(found)")
        #expect((found.line, found.column) == (line, column), "\(source): \(found)")
    }

    @Test("an error of one operand is void when another decides, on either side")
    func absorption() throws {
        let environment = CELEnvironment(variableNames: ["x"])
        for (source, expected) in [
            ("x.missing == 1 || true", true), ("true || x.missing == 1", true), ("x.missing == 1 && false", false),
            ("false && x.missing == 1", false), ("[1, 0].exists(n, 1 / n == 1)", true),
            ("[0, 1].all(n, 1 / n == 2)", false),
        ] {
            let value = try CELProgram(source, environment: environment).evaluate(["x": .emptyMap])
            #expect(value == .bool(expected), "\(source)")
        }
        #expect(error("x.missing == 1 || false", ["x": .emptyMap])?.code == "no_such_key")
    }

    @Test("strings are code points: composed and decomposed letters differ, sizes count code points")
    func codePoints() throws {
        for source in [
            #"'\u00e9' != 'e\u0301'"#, #"!({'\u00e9': 1}.exists(k, k == 'e\u0301'))"#,
            #"!('e\u0301' in {'\u00e9': 1})"#,
            #"!('e\u0301'.startsWith('e\u0301\u0301'))"#, #"'e\u0301'.startsWith('e')"#, #"size('🐱e\u0301') == 3"#,
        ] {
            #expect(try CELProgram(source).evaluate() == .bool(true), "\(source)")
        }
    }

    @Test(
        "library functions give the values that their documentation names",
        arguments: [
            ("'hello'.split('')", "['h', 'e', 'l', 'l', 'o']"), ("'hello'.split('', 2)", "['h', 'ello']"),
            ("'a,b,c'.split(',', 2)", "['a', 'b,c']"), ("''.split(',')", "['']"),
            ("'hello'.replace('', '_')", "'_h_e_l_l_o_'"),
            ("'hello'.replace('l', 'L', 1)", "'heLlo'"), ("'hello'.replace('', '_', 2)", "'_h_ello'"),
            ("'aa'.replace('a', 'b', -9223372036854775808)", "'bb'"),
            ("'a b'.split(' ', -9223372036854775808)", "['a', 'b']"),
            ("'tacocat'.lastIndexOf('at')", "5"), ("'tacocat'.lastIndexOf('a', 3)", "1"),
            ("'tacocat'.lastIndexOf('')", "7"),
            ("'tacocat'.lastIndexOf('at', 3)", "-1"), ("['a', 'b'].join('-')", "'a-b'"), ("[].join()", "''"),
            ("'%.2e|%b|%o|%X|%s'.format([1234.5, -5, 8, 'Hi', [1, 'a', 2.5]])", "'1.23e+03|-101|10|4869|[1, a, 2.5]'"),
            ("base64.decode('aGVsbG8')", "b'hello'"), ("base64.decode('aGVsbG8=')", "b'hello'"),
            ("math.greatest([1, 2.5, 2u])", "2.5"), ("math.sqrt(81)", "9.0"), ("math.round(-2.5)", "-3.0"),
            ("duration('1h30m').getMinutes()", "90"), ("duration('1.25s').getMilliseconds()", "250"),
            ("string(duration('-1.5s'))", "'-1.5s'"),
            ("string(timestamp('2020-02-29T23:59:59.5+01:00'))", "'2020-02-29T22:59:59.5Z'"),
            ("timestamp('2024-12-31T12:00:00Z').getDayOfYear()", "365"),
            ("timestamp('1969-12-31T23:59:59Z').getDayOfWeek()", "3"),
            ("int(timestamp('0001-01-01T00:00:00Z'))", "-62135596800"), ("string(1e21)", "'1e+21'"),
            ("string(-4.5e-3)", "'-0.0045'"),
            ("string(123.456)", "'123.456'"), ("string(1e-7)", "'1e-07'"),
            ("string(0.1 + 0.2)", "'0.30000000000000004'"),
            ("[1, 2, 3].map(x, x > 1, x * 2)", "[4, 6]"), ("{'a': 1}.transformMapEntry(k, v, {v: k})", "{1: 'a'}"),
            ("optional.unwrap([optional.of(1), optional.none()])", "[1]"), ("[1, 2].last().value()", "2"),
            ("google.protobuf.Struct{fields: {'a': 1}}", "{'a': 1.0}"), ("google.protobuf.Int32Value{}", "0"),
            ("google.protobuf.Duration{seconds: 1, nanos: 5}", "duration('1.000000005s')"),
        ])
    func libraries(source: String, expected: String) throws {
        #expect(try CELProgram("\(source) == \(expected)").evaluate() == .bool(true))
    }

    @Test(
        "time zones follow their rules, before, between and after the recorded changes",
        arguments: [
            ("2009-07-01T12:00:00Z", "Europe/Berlin", 14), ("2009-01-01T12:00:00Z", "Europe/Berlin", 13),
            ("2090-07-01T12:00:00Z", "Europe/Berlin", 14), ("2090-01-01T12:00:00Z", "Australia/Sydney", 23),
            ("2090-07-01T12:00:00Z", "Australia/Sydney", 22), ("2020-01-01T12:00:00Z", "+05:30", 17),
            ("2020-01-01T12:00:00Z", "-03:30", 8), ("2020-01-01T12:00:00Z", "UTC", 12),
        ])
    func timeZones(moment: String, zone: String, hour: Int64) throws {
        let source = "timestamp('\(moment)').getHours('\(zone)')"
        #expect(try CELProgram(source).evaluate() == .int(hour))
    }

    @Test(
        "a time zone cannot name a file",
        arguments: ["../../../etc/passwd", "/etc/passwd", "", "Europe//Berlin", "Nowhere/At-All"])
    func unknownZone(zone: String) {
        #expect(error("timestamp(0).getHours('\(zone)')")?.code == "invalid_argument")
    }

    @Test("a rule of summer time without a file gives the same hours")
    func timeZoneRule() throws {
        let rule = try #require(TimeZoneRule("CET-1CEST,M3.5.0,M10.5.0/3"))
        // The change of 2021-03-28T01:00:00Z and of 2021-10-31T01:00:00Z.
        #expect(rule.offset(at: 1_616_893_199) == 3600)
        #expect(rule.offset(at: 1_616_893_200) == 7200)
        #expect(rule.offset(at: 1_635_641_999) == 7200)
        #expect(rule.offset(at: 1_635_642_000) == 3600)
        #expect(TimeZoneRule("<+0545>-5:45")?.offset(at: 0) == 20_700)
        #expect(TimeZoneRule("nonsense,") == nil)
    }

    @Test("a name resolves in the container first, and a variable of a macro hides both")
    func containers() throws {
        let environment = CELEnvironment(variables: ["a.b.x": .int, "x": .int], container: "a.b")
        let variables: [String: CELValue] = ["a.b.x": 1, "x": 2]
        #expect(try CELProgram("x", environment: environment).evaluate(variables) == 1)
        #expect(try CELProgram(".x", environment: environment).evaluate(variables) == 2)
        #expect(try CELProgram("[3].map(x, x)[0]", environment: environment).evaluate(variables) == 3)
    }

    @Test("one program gives the same values from many tasks at once")
    func concurrency() async throws {
        let program = try CELProgram(
            "xs.filter(x, x % 2 == 0).map(x, cel.bind(y, x * x, y + y))",
            environment: CELEnvironment(variableNames: ["xs"]))
        let results = try await withThrowingTaskGroup(of: CELValue.self) { group in
            for start in Int64(0)..<20 {
                group.addTask { try program.evaluate(["xs": [.int(start), .int(start + 1)]]) }
            }
            return try await group.reduce(into: [CELValue]()) { $0.append($1) }
        }
        #expect(results.count == 20)
        #expect(results.contains([.int(200)]))
    }
}
