import Encodings
import Testing

@Suite("Writing JSON")
struct JSONWriterTests {
    @Test("compact text keeps member order and escapes only what must be escaped")
    func compact() {
        let value: JSONValue = [
            "z": "a/b\"\\\u{8}\u{9}\u{A}\u{C}\u{D}\u{1F}\u{7F}é😀", "a": [1, -2, 2.5, true, .null], "m": [:], "e": [],
        ]
        #expect(
            value.serializedString()
                == "{\"z\":\"a/b\\\"\\\\\\b\\t\\n\\f\\r\\u001f\u{7F}é😀\",\"a\":[1,-2,2.5,true,null],\"m\":{},\"e\":[]}")
    }

    @Test(
        "doubles always show that they are doubles and read back",
        arguments: [
            (1.0, "1.0"), (-0.0, "-0.0"), (0.1, "0.1"), (1e15, "1000000000000000.0"), (1e16, "1e16"),
            (1.234e33, "1.234e33"), (0.00001, "0.00001"), (1e-6, "1e-6"), (1.5e-7, "1.5e-7"), (123.456, "123.456"),
            (Double.leastNonzeroMagnitude, "5e-324"), (-1.7976931348623157e308, "-1.7976931348623157e308"),
        ])
    func doubles(number: Double, text: String) throws {
        #expect(JSONValue.double(number).serializedString() == text)
        #expect(try JSONValue(parsing: text) == .double(number))
    }

    @Test("a double that is not finite becomes null")
    func notFinite() {
        #expect(JSONValue.double(.infinity).serializedString() == "null")
        #expect(JSONValue.double(.nan).serializedString() == "null")
    }

    @Test("pretty text is indented by two blanks")
    func pretty() {
        let value: JSONValue = ["a": [1, ["b": .null]], "c": [:], "d": []]
        #expect(
            value.pretty() == """
                {
                  "a": [
                    1,
                    {
                      "b": null
                    }
                  ],
                  "c": {},
                  "d": []
                }
                """)
    }
}
