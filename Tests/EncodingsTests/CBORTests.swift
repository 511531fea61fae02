import Encodings
import Testing

@Suite("CBOR")
struct CBORTests {
    /// RFC 8949 appendix A, everything with definite lengths.
    private static let examples: [(String, CBORValue)] = [
        ("00", 0), ("01", 1), ("0a", 10), ("17", 23), ("1818", 24), ("1819", 25), ("1864", 100), ("1903e8", 1000),
        ("1a000f4240", 1_000_000), ("1b000000e8d4a51000", 1_000_000_000_000),
        ("1bffffffffffffffff", .unsigned(.max)), ("c249010000000000000000", .tagged(2, .bytes([1] + zeros(8)))),
        ("3bffffffffffffffff", .negative(.max)), ("c349010000000000000000", .tagged(3, .bytes([1] + zeros(8)))),
        ("20", -1), ("29", -10), ("3863", -100), ("3903e7", -1000),
        ("f90000", .float(0)), ("f98000", .float(-0.0)), ("f93c00", .float(1)), ("fb3ff199999999999a", .float(1.1)),
        ("f93e00", .float(1.5)), ("f97bff", .float(65_504)), ("fa47c35000", .float(100_000)),
        ("fa7f7fffff", .float(3.402_823_466_385_288_6e+38)), ("fb7e37e43c8800759c", .float(1.0e+300)),
        ("f90001", .float(5.960_464_477_539_063e-8)), ("f90400", .float(0.000_061_035_156_25)), ("f9c400", .float(-4)),
        ("fbc010666666666666", .float(-4.1)), ("f97c00", .float(.infinity)), ("f97e00", .float(.nan)),
        ("f9fc00", .float(-.infinity)), ("f4", .bool(false)), ("f5", .bool(true)), ("f6", .null), ("f7", .undefined),
        ("f0", .simple(16)), ("f8ff", .simple(255)),
        ("c074323031332d30332d32315432303a30343a30305a", .tagged(0, "2013-03-21T20:04:00Z")),
        ("c11a514b67b0", .tagged(1, 1_363_896_240)), ("c1fb41d452d9ec200000", .tagged(1, .float(1_363_896_240.5))),
        ("d74401020304", .tagged(23, .bytes([1, 2, 3, 4]))),
        ("d818456449455446", .tagged(24, .bytes([0x64] + "IETF".utf8))),
        ("d82076687474703a2f2f7777772e6578616d706c652e636f6d", .tagged(32, "http://www.example.com")),
        ("40", .bytes([])), ("4401020304", .bytes([1, 2, 3, 4])), ("60", ""), ("6161", "a"), ("6449455446", "IETF"),
        ("62225c", "\"\\"), ("62c3bc", "\u{fc}"), ("63e6b0b4", "\u{6c34}"), ("64f0908591", "\u{10151}"), ("80", []),
        ("83010203", [1, 2, 3]), ("8301820203820405", [1, [2, 3], [4, 5]]),
        ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", .array((1...25).map { CBORValue($0) })),
        ("a0", [:]), ("a201020304", [1: 2, 3: 4]), ("a26161016162820203", ["a": 1, "b": [2, 3]]),
        ("826161a161626163", ["a", ["b": "c"]]),
        ("a56161614161626142616361436164614461656145", ["a": "A", "b": "B", "c": "C", "d": "D", "e": "E"]),
    ]

    private static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }

    private func code(_ hex: String, _ rules: CBORRules = .strict) throws -> String? {
        let bytes = try Hex.decode(hex)
        do throws(CBORError) {
            _ = try CBORValue(parsing: bytes, rules: rules)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("the examples of RFC 8949 are read and written as they stand there", arguments: examples)
    func appendixA(hex: String, value: CBORValue) throws {
        let bytes = try Hex.decode(hex)
        #expect(try CBORValue(parsing: bytes) == value)
        #expect(try CBORValue(parsing: bytes, rules: .deterministic) == value)
        #expect(value.encoded == bytes)
    }

    @Test("containers that end with a mark are read only where rules let them in, strings in pieces never")
    func indefinite() throws {
        let loose = CBORRules(allowsIndefiniteContainers: true)
        let containers: [(String, CBORValue)] = [
            ("9fff", []), ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]), ("83018202039f0405ff", [1, [2, 3], [4, 5]]),
            ("bf61610161629f0203ffff", ["a": 1, "b": [2, 3]]), ("826161bf61626163ff", ["a", ["b": "c"]]),
        ]
        for (hex, value) in containers {
            #expect(try CBORValue(parsing: Hex.decode(hex), rules: loose) == value)
            #expect(try code(hex) == "indefinite_length")
        }
        for hex in ["5f42010243030405ff", "7f657374726561646d696e67ff", "5fff"] {
            #expect(try code(hex, loose) == "indefinite_length")
        }
        for hex in ["9f01", "bf0102", "bf01"] { #expect(try code(hex, loose) == "unexpected_end") }
        #expect(try code("bf01ff", loose) == "reserved_head", "a key without its value")
        #expect(try code("ff", loose) == "reserved_head")
        #expect(try code("81ff", loose) == "reserved_head", "an end mark within a definite array")
    }

    @Test("a key that stands twice is refused, whatever kind it is and however it is written")
    func duplicates() throws {
        for hex in ["a201020103", "a2616101616102", "a2410101410102", "a2f501f502", "a2810101810102"] {
            #expect(try code(hex) == "duplicate_key")
            #expect(try code(hex, .deterministic) == "duplicate_key")
        }
        #expect(try code("a20102180103", CBORRules(allowsLongHeads: true)) == "duplicate_key")
        #expect(try code("bf01020103ff", CBORRules(allowsIndefiniteContainers: true)) == "duplicate_key")
        #expect(try code("a2a20102030401a20304010202") == "duplicate_key", "one map in two orders")
        #expect(try code("a263c3a90061006565cc810061") != nil)
        // Composed and decomposed: other code points, so other keys.
        #expect(try code("a262c3a90163" + "65cc81" + "02") == nil)
    }

    @Test("deterministic encoding has one order of keys")
    func order() throws {
        #expect(try code("a203040102") == nil)
        #expect(try code("a203040102", .deterministic) == "unsorted_keys")
        #expect(try code("a201020304", .deterministic) == nil)
        #expect(try code("a220010002", .deterministic) == "unsorted_keys")
    }

    @Test("numbers and lengths that take more bytes than they need are refused")
    func shortest() throws {
        for hex in [
            "1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff", "5801aa", "780161", "980101", "b8010102",
            "d80100",
            "fa3f800000", "fb3ff0000000000000", "fb7ff8000000000000", "fb47efffffe0000000",
        ] {
            #expect(try code(hex) == "not_shortest", "\(hex)")
            #expect(try code(hex, CBORRules(allowsLongHeads: true)) == nil)
        }
    }

    @Test("what is not well-formed, and what follows the item, is refused")
    func malformed() throws {
        #expect(try code("") == "unexpected_end")
        for hex in ["18", "1901", "1a010203", "1b01020304050607", "41", "6261", "81", "a1", "a101", "c0", "f8", "f900"]
        {
            #expect(try code(hex) == "unexpected_end", "\(hex)")
        }
        for hex in ["1c", "3d", "5e", "7c", "9d", "be", "dc", "fc", "fd", "fe", "1f", "3f", "df", "f800", "f81f"] {
            #expect(try code(hex) == "reserved_head", "\(hex)")
        }
        for hex in ["0000", "6161ff", "8001"] { #expect(try code(hex) == "trailing_bytes", "\(hex)") }
        for hex in ["61ff", "62c328", "63eda080", "64f4908080"] { #expect(try code(hex) == "invalid_utf8", "\(hex)") }
    }

    @Test("lengths that the bytes have no room for are refused before anything is set aside for them")
    func lengths() throws {
        for hex in [
            "5bffffffffffffffff", "5b7fffffffffffffff", "7b7fffffffffffffff", "9bffffffffffffffff", "9a7fffffff",
            "bbffffffffffffffff", "bb7fffffffffffffff", "9a00ffffff00", "ba00ffffff0000",
        ] {
            #expect(try code(hex) == "unexpected_end", "\(hex)")
        }
        #expect(
            try code("9903e9" + String(repeating: "00", count: 1001), CBORRules(maximumItems: 1000)) == "too_many_items"
        )
        #expect(try code("83000000", CBORRules(maximumItems: 3)) == "too_many_items")
        #expect(try code("83000000", CBORRules(maximumItems: 4)) == nil)
        #expect(try code("420000", CBORRules(maximumBytes: 2)) == "too_large")
        let loose = CBORRules(maximumItems: 3, allowsIndefiniteContainers: true)
        #expect(try code("9f000000ff", loose) == "too_many_items")
    }

    @Test("nesting is bounded, of arrays, maps and tags alike")
    func nesting() throws {
        for (opening, innermost) in [("81", "00"), ("a100", "00"), ("c1", "00")] {
            let rules = CBORRules(maximumDepth: 4)
            #expect(try code(String(repeating: opening, count: 4) + innermost, rules) == nil)
            #expect(try code(String(repeating: opening, count: 5) + innermost, rules) == "too_deep")
            let deepest = CBORRules(maximumDepth: .max)
            #expect(try code(String(repeating: opening, count: 100_000) + innermost, deepest) == "too_deep")
        }
        #expect(
            try code(String(repeating: "9f", count: 100_000), CBORRules(allowsIndefiniteContainers: true)) == "too_deep"
        )
    }

    @Test("a map answers by key, and integers never stand for other kinds")
    func maps() throws {
        let value: CBORValue = [1: "one", -2: "minus two", "1": "text"]
        let map = try #require(value.mapValue)
        #expect(map[1] == "one" && map[-2] == "minus two" && map["1"] == "text" && map[2] == nil)
        #expect(map.keys == [1, -2, "1"])
        #expect(CBORValue.float(1) != 1)
        #expect(CBORValue.unsigned(UInt64.max).intValue == nil && CBORValue.negative(.max).intValue == nil)
        #expect(CBORValue(.min).intValue == .min && CBORValue(.max).intValue == .max)
        #expect(CBORValue.tagged(18, 1).tagged(18) == 1 && CBORValue.tagged(18, 1).tagged(17) == nil)
    }
}
