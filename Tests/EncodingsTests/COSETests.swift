import Encodings
import Testing

@Suite("COSE")
struct COSETests {
    private let signature = [UInt8](repeating: 7, count: 64)

    private func message(
        protected: CBORValue = [1: -7], unprotected: CBORValue = [:], payload: CBORValue = .bytes([1]),
        signature: [UInt8]? = nil
    ) -> CBORValue {
        .array([.bytes(protected.encoded), unprotected, payload, .bytes(signature ?? self.signature)])
    }

    private func code(_ value: CBORValue) -> String? {
        do throws(COSEError) {
            _ = try COSESign1(parsing: value.encoded)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a message is read with its tag or without, and with no other tag")
    func tags() throws {
        #expect(code(message()) == nil)
        #expect(code(.tagged(18, message())) == nil)
        #expect(code(.tagged(98, message())) == "malformed")
        #expect(code(.tagged(18, .tagged(18, message()))) == "malformed")
    }

    @Test("the algorithm counts only where it is signed, and only if it is a signature algorithm of those accepted")
    func algorithms() throws {
        #expect(code(message(protected: [:], unprotected: [1: -7])) == "unsupported_algorithm")
        for number: Int64 in [-8, -37, -39, -257, -65_535, 4, 5, 0] {
            #expect(code(message(protected: [1: CBORValue(number)])) == "unsupported_algorithm")
        }
        #expect(code(message(protected: [1: "ES256"])) == "unsupported_algorithm")
        let empty = CBORValue.array([.bytes([]), [:], .bytes([1]), .bytes(signature)])
        #expect(code(empty) == "malformed")
    }

    @Test("labels in both headers, demands for extensions and labels of other kinds are refused")
    func headers() throws {
        #expect(code(message(unprotected: [1: -7])) == "malformed")
        #expect(code(message(protected: [1: -7, 4: .bytes([1])], unprotected: [4: .bytes([2])])) == "malformed")
        #expect(code(message(protected: [1: -7, 2: [4]])) == "unsupported_header")
        #expect(code(message(unprotected: [2: [4]])) == "unsupported_header")
        #expect(code(message(protected: [1: -7, .bytes([1]): 1])) == "malformed")
        #expect(code(message(unprotected: [4: .bytes([2]), "x": 1])) == nil)
    }

    @Test("a payload that is elsewhere and signatures of another length are refused")
    func parts() throws {
        #expect(code(message(payload: .null)) == "malformed")
        for count in [0, 63, 65, 96, 132] {
            #expect(code(message(signature: [UInt8](repeating: 7, count: count))) == "malformed")
        }
        #expect(code(message(protected: [1: -38], signature: [])) == "malformed")
        let five = CBORValue.array((message().arrayValue ?? []) + [.null])
        #expect(code(five) == "malformed")
    }

    @Test("what is signed are the bytes that came, however they are encoded")
    func signedBytes() throws {
        let loose = CBORRules(allowsIndefiniteContainers: true, allowsLongHeads: true)
        // A header with an end mark and a number of two bytes: bf 01 38 06 ff.
        let header: [UInt8] = [0xbf, 0x01, 0x38, 0x06, 0xff]
        let bytes = CBORValue.array([.bytes(header), [:], .bytes([9, 8]), .bytes(signature)]).encoded
        let message = try COSESign1(parsing: bytes, rules: loose)
        #expect(message.algorithm == .es256 && message.protectedBytes == header)
        let wrapped = [0x84, 0x6a] + Array("Signature1".utf8) + [0x45] + header + [0x40, 0x42, 9, 8]
        #expect(message.signingInput() == wrapped)
        #expect(throws: COSEError.self) { try COSESign1(parsing: bytes) }
    }

    @Test("a key is a point of a NIST curve with coordinates of full length, without its private half")
    func keys() throws {
        let coordinate = CBORValue.bytes([UInt8](repeating: 5, count: 48))
        let good: CBORValue = [1: 2, -1: 2, -2: coordinate, -3: coordinate]
        #expect(try COSEKey(parsing: good.encoded).curve == .p384)
        #expect(try COSEKey(parsing: good.encoded).x963 == [4] + [UInt8](repeating: 5, count: 96))
        let bad: [(CBORValue, CBORValue, String)] = [
            (1, 1, "unsupported_key"), (1, 4, "unsupported_key"), (-1, 1, "malformed"), (-1, 3, "malformed"),
            (-1, 8, "unsupported_key"), (-2, .bytes([1]), "malformed"), (-3, .bool(true), "malformed"),
            (-4, coordinate, "unsupported_key"), (3, -8, "unsupported_key"), (4, [1], "unsupported_key"),
        ]
        for (label, value, code) in bad {
            var map = try #require(good.mapValue)
            map[label] = value
            let error = #expect(throws: COSEError.self) { try COSEKey(parsing: CBORValue.map(map).encoded) }
            #expect(error?.code == code, "\(label)")
        }
        var stated = try #require(good.mapValue)
        stated[3] = -35
        stated[4] = [2]
        #expect(try COSEKey(parsing: CBORValue.map(stated).encoded).algorithm == .es384)
    }
}
