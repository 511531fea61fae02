import Encodings
import Testing

@Suite("Percent-encoding")
struct PercentEncodingTests {
    @Test(
        "escapes of either case become bytes, once, and everything else stays",
        arguments: [
            ("a%20b", "a b"), ("%2f%2F", "//"), ("%252F", "%2F"), ("a+b", "a+b"), ("", ""), ("%0A", "\n"), ("ä", "ä"),
        ])
    func decoded(text: String, expected: String) throws {
        #expect(try PercentEncoding.bytes(of: text) == Array(expected.utf8))
    }

    @Test("a plus is a space where forms are read")
    func plus() throws {
        #expect(try PercentEncoding.bytes(of: "a+b%2B", plusIsSpace: true) == Array("a b+".utf8))
    }

    @Test("broken escapes are refused", arguments: ["%", "%2", "a%g0", "%%20", "%2 "])
    func broken(text: String) {
        #expect(throws: ByteCodingError.self) { try PercentEncoding.bytes(of: text) }
    }
}
