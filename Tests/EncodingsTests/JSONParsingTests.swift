import Encodings
import Testing

@Suite("Reading JSON")
struct JSONParsingTests {
    @Test("literals, numbers, strings and containers are read")
    func reads() throws {
        let value = try JSONValue(parsing: #" {"a":[null,true,false,0,-1,2.5,1e3,"x\n\u00e9\ud83d\ude00\/"],"b":{}} "#)
        #expect(value == ["a": [.null, true, false, 0, -1, 2.5, 1000.0, "x\né😀/"], "b": [:]])
    }

    @Test(
        "integers keep their exact value and kind",
        arguments: [
            ("9223372036854775807", JSONValue.int(.max)), ("-9223372036854775808", .int(.min)),
            ("9223372036854775808", .uint(9_223_372_036_854_775_808)), ("18446744073709551615", .uint(.max)),
            ("18446744073709551616", .double(18_446_744_073_709_551_616)),
            ("-9223372036854775809", .double(-9_223_372_036_854_775_808)), ("0", .int(0)), ("10", .int(10)),
            ("1.0", .double(1)), ("1E+2", .double(100)),
        ])
    func numbers(text: String, expected: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == expected)
    }

    @Test("negative zero keeps its sign")
    func negativeZero() throws {
        let number = try #require(try JSONValue(parsing: "-0").doubleValue)
        #expect(number == 0 && number.sign == .minus)
    }

    @Test(
        "what is not JSON is refused with its reason",
        arguments: [
            ("", "unexpected_end"), ("   ", "unexpected_end"), ("{", "unexpected_end"), ("[1", "unexpected_end"),
            ("\"abc", "unexpected_end"), ("tru", "unexpected_end"), ("-", "unexpected_end"), ("1.", "unexpected_end"),
            ("1e", "unexpected_end"), (#"{"a""#, "unexpected_end"), (#"{"a":"#, "unexpected_end"),
            (#""\"#, "unexpected_end"), (#""\u12"#, "unexpected_end"),
            ("nul!", "unexpected_byte"), ("True", "unexpected_byte"), ("[1,]", "unexpected_byte"),
            (#"{"a":1,}"#, "unexpected_byte"), ("{a:1}", "unexpected_byte"), (#"{"a" 1}"#, "unexpected_byte"),
            ("[1 2]", "unexpected_byte"), ("'a'", "unexpected_byte"), ("NaN", "unexpected_byte"),
            ("+1", "unexpected_byte"), (".5", "unexpected_byte"), ("\u{FEFF}1", "unexpected_byte"),
            ("[//c\n1]", "unexpected_byte"), ("01", "invalid_number"), ("-a", "invalid_number"),
            ("1.e3", "invalid_number"), ("1e+", "unexpected_end"), ("-01", "invalid_number"),
            ("1e400", "number_out_of_range"), (#""\x""#, "invalid_escape"), (#""\u12g4""#, "invalid_escape"),
            (#""\ud800""#, "lone_surrogate"), (#""\ud800\u0041""#, "lone_surrogate"), (#""\udc00""#, "lone_surrogate"),
            ("\"a\nb\"", "control_character"), ("\"a\\n\u{0}\"", "control_character"),
            (#"{"a":1,"a":2}"#, "duplicate_name"), (#"{"a":1,"\u0061":2}"#, "duplicate_name"),
            ("1 2", "trailing_bytes"), ("{}}", "trailing_bytes"), ("1x", "trailing_bytes"), ("0x10", "trailing_bytes"),
        ])
    func refuses(text: String, code: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.code == code)
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func utf8(bytes: [UInt8]) {
        for quoted in [[0x22] + bytes + [0x22], [0x22, 0x5C, 0x6E] + bytes + [0x22]] {
            let error = #expect(throws: JSONError.self) { try JSONValue(parsing: quoted) }
            #expect(error?.code == "invalid_utf8")
        }
    }

    @Test("an error says line and column")
    func position() {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\n  \"a\": 1,\n  \"b\" 2\n}") }
        #expect(error?.line == 3)
        #expect(error?.column == 7)
        #expect(error?.offset == 18)
    }

    @Test("a repeated name is found among many members")
    func manyMembers() throws {
        let members = (0..<200).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        let object = try JSONObject(parsing: "{\(members)}")
        #expect(object.count == 200)
        #expect(object["m157"] == 157)
        #expect(object.names.first == "m0" && object.names.last == "m199")
        let error = #expect(throws: JSONError.self) { try JSONObject(parsing: "{\(members),\"m31\":0}") }
        #expect(error?.code == "duplicate_name")
    }

    @Test("names that only look alike are different names")
    func canonicalEquivalence() throws {
        let object = try JSONObject(parsing: #"{"\u00e9":1,"e\u0301":2}"#)
        #expect(object.count == 2)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
    }

    @Test("names that are one under Unicode equivalence do not slow the reader down")
    func collidingNames() throws {
        // Orders of these marks are all canonically equivalent, so Swift's own string hash is the same for all of them.
        let marks = ["\u{0301}", "\u{0323}", "\u{0327}", "\u{0345}", "\u{031B}", "\u{0334}"]
        var names = ["a"]
        for _ in 0..<5 { names = names.flatMap { name in marks.map { name + $0 } } }
        let text = "{" + names.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
        let clock = ContinuousClock()
        var count = 0
        let elapsed = try clock.measure { count = try JSONObject(parsing: text).count }
        #expect(count == names.count && count == 7776)
        #expect(elapsed < .seconds(20))
    }

    @Test("limits on size, depth and number of values hold")
    func limits() throws {
        func code(_ text: String, _ limits: JSONLimits) -> String? {
            do {
                _ = try JSONValue(parsing: text, limits: limits)
                return nil
            } catch { return error.code }
        }
        #expect(code("[1]", JSONLimits(maximumBytes: 3)) == nil)
        #expect(code("[1] ", JSONLimits(maximumBytes: 3)) == "too_large")
        #expect(code("[[1]]", JSONLimits(maximumDepth: 2)) == nil)
        #expect(code("[[[1]]]", JSONLimits(maximumDepth: 2)) == "too_deep")
        #expect(code(#"{"a":{"b":{}}}"#, JSONLimits(maximumDepth: 2)) == "too_deep")
        #expect(code("[1,2]", JSONLimits(maximumValues: 3)) == nil)
        #expect(code("[1,2,3]", JSONLimits(maximumValues: 3)) == "too_many_values")
        let deep = String(repeating: "[", count: 100_000)
        #expect(code(deep, JSONLimits()) == "too_deep")
        #expect(code(deep, JSONLimits(maximumDepth: .max)) == "too_deep")
        #expect(code(String(repeating: "9", count: 5000), JSONLimits()) == "invalid_number")
    }

    @Test("an array of small numbers is read as bytes")
    func byteArrays() throws {
        let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
        let text = "[" + bytes.map(String.init).joined(separator: ", ") + "]"
        #expect(try JSONValue(parsing: text).byteArrayValue == bytes)
        #expect(try JSONValue(parsing: "[256]").byteArrayValue == nil)
        #expect(try JSONValue(parsing: "[-1]").byteArrayValue == nil)
        #expect(try JSONValue(parsing: "[1.5]").byteArrayValue == nil)
    }

    @Test("an object reader refuses other values")
    func objectsOnly() {
        let error = #expect(throws: JSONError.self) { try JSONObject(parsing: "[]") }
        #expect(error?.code == "wrong_type")
    }
}
