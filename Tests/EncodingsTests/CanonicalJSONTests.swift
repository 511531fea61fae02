import Encodings
import Testing

@Suite("Canonical JSON (RFC 8785)")
struct CanonicalJSONTests {
    @Test(
        "numbers are written as in RFC 8785 appendix B",
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"),
            (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xC340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"), (0x44B5_2D02_C7E1_4AF6, "1e+23"),
            (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"), (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
            (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"), (0x444B_1AE4_D6E2_EF50, "1e+21"),
            (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"), (0x3EB0_C6F7_A0B5_ED8D, "0.000001"),
            (0x41B3_DE43_5555_5553, "333333333.3333332"), (0x41B3_DE43_5555_5554, "333333333.33333325"),
            (0x41B3_DE43_5555_5555, "333333333.3333333"), (0x41B3_DE43_5555_5556, "333333333.3333334"),
            (0x41B3_DE43_5555_5557, "333333333.33333343"), (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
            (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func numbers(bits: UInt64, text: String) throws {
        #expect(try JSONValue.double(Double(bitPattern: bits)).canonical() == Array(text.utf8))
    }

    @Test(
        "numbers without exact canonical form are refused",
        arguments: [
            JSONValue.double(.nan), .double(.infinity), .uint(.max), .int(9_007_199_254_740_993), .int(.min),
            .int(-9_007_199_254_740_993),
        ])
    func inexact(value: JSONValue) {
        let error = #expect(throws: JSONError.self) { try JSONValue.array([value]).canonical() }
        #expect(error?.code == "not_canonicalizable")
    }

    @Test("integers are written with all digits as long as they are exact")
    func integers() throws {
        for text in ["0", "-1", "9007199254740992", "100000000000000000", "10000000000000000000"] {
            #expect(try JSONValue(parsing: text).canonical() == Array(text.utf8))
        }
    }

    @Test("members are ordered by UTF-16 code units (RFC 8785 section 3.2.3)")
    func sorting() throws {
        let document = try JSONValue(
            parsing: #"""
                {"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
                 "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}
                """#)
        let canonical = try JSONValue(parsing: document.canonical())
        #expect(
            canonical.objectValue?.map(\.value.stringValue) == [
                "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
                "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh",
            ])
    }

    @Test("the example of RFC 8785 section 3.2.2 has its text")
    func example() throws {
        let document = try JSONValue(
            parsing: #"""
                {"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                 "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}
                """#)
        let expected =
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            + "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        #expect(try String(decoding: document.canonical(), as: UTF8.self) == expected)
    }

    @Test("report data of real and made protocol runs has its canonical text")
    func reportData() throws {
        let cases = try #require(try Vectors.json("report-data-vectors").objectValue)
        var checked = 0
        for (_, value) in cases {
            guard let input = value["input"], let text = value["jcs_utf8"]?.stringValue else { continue }
            #expect(try String(decoding: input.canonical(), as: UTF8.self) == text)
            #expect(try JSONValue(parsing: text).canonical() == Array(text.utf8))
            checked += 1
        }
        #expect(checked >= 4)
        let runtime = try Vectors.json("runtime-data-jcs")
        let text = try #require(runtime["jcs"]?.stringValue)
        #expect(try runtime["input"]?.canonical() == Array(text.utf8))
    }
}
