import Encodings
import Testing

@Suite("Base64 and hexadecimal")
struct ByteCodingTests {
    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(
        "the test vectors of RFC 4648 section 10 hold",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func rfc4648(text: String, encoded: String) throws {
        let bytes = Self.bytes(text)
        let unpadded = encoded.filter { $0 != "=" }
        #expect(Base64.encode(bytes) == encoded)
        #expect(Base64.encodeURL(bytes) == unpadded)
        #expect(try Base64.decode(encoded) == bytes)
        #expect(try Base64.decodeURL(unpadded) == bytes)
        #expect(try Base64.decodeLenient(encoded) == bytes)
        #expect(try Base64.decodeLenient(unpadded) == bytes)
    }

    @Test("every byte value passes through both alphabets and hexadecimal")
    func roundTrips() throws {
        for length in 0..<70 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + length * 101) }
            #expect(try Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(try Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
            #expect(try Hex.decode(Hex.encode(bytes)) == bytes)
            #expect(try Hex.decode(Hex.encode(bytes).uppercased()) == bytes)
        }
        #expect(Base64.encode([0xFB, 0xFF]) == "+/8=")
        #expect(Base64.encodeURL([0xFB, 0xFF]) == "-_8")
    }

    @Test(
        "standard base64 is strict",
        arguments: [
            ("Zg", "invalid_padding"), ("Zg=", "invalid_padding"), ("Zg===", "invalid_padding"),
            ("Z===", "invalid_padding"), ("====", "invalid_padding"), ("Zh==", "trailing_bits"),
            ("Zm9=", "trailing_bits"), ("-_8=", "invalid_character"), ("Zm9v\n===", "invalid_padding"),
            ("Zm 9", "invalid_character"), ("Z=g=", "invalid_character"), ("Zm9é", "invalid_padding"),
        ])
    func strict(text: String, code: String) {
        let error = #expect(throws: ByteCodingError.self) { try Base64.decode(text) }
        #expect(error?.code == code)
    }

    @Test(
        "base64url is strict",
        arguments: [
            ("Zg==", "invalid_padding"), ("Z", "invalid_length"), ("Zh", "trailing_bits"), ("Zm9", "trailing_bits"),
            ("+/8", "invalid_character"), ("Zm9v\n", "invalid_length"), ("Zm9v Zg", "invalid_character"),
        ])
    func strictURL(text: String, code: String) {
        let error = #expect(throws: ByteCodingError.self) { try Base64.decodeURL(text) }
        #expect(error?.code == code)
    }

    @Test("the lenient reader takes either alphabet, line ends and missing padding, but nothing else")
    func lenient() throws {
        #expect(try Base64.decodeLenient("Zm9v\r\nYmE=\r\n") == Self.bytes("fooba"))
        #expect(try Base64.decodeLenient("-_8") == [0xFB, 0xFF])
        #expect(try Base64.decodeLenient("+/8=") == [0xFB, 0xFF])
        for bad in ["Zg=", "Zg===", "Zh==", "Zm 9v", "Zg==Zg=="] {
            #expect(throws: ByteCodingError.self) { try Base64.decodeLenient(bad) }
        }
    }

    @Test("hexadecimal refuses odd lengths and other characters")
    func hex() {
        #expect(Hex.encode([0x00, 0xAB, 0xFF] as [UInt8]) == "00abff")
        for bad in ["0", "0g", "0x00", " 00", "00 "] {
            #expect(throws: ByteCodingError.self) { try Hex.decode(bad) }
        }
    }
}
