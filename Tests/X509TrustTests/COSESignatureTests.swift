import Encodings
import Foundation
import Testing
import X509TestSupport
import X509Trust

@Suite("Signatures of COSE")
struct COSESignatureTests {
    private struct Example {
        let name: String
        let key: PublicKey
        let message: [UInt8]
        let externalData: [UInt8]

        init(_ value: JSONValue) throws {
            name = try #require(value["name"]?.stringValue)
            let curve = try #require(value["curve"]?.stringValue.flatMap(PublicKey.Curve.init))
            let parts = try ["x", "y", "message", "external"].map {
                try Hex.decode(#require(value[$0]?.stringValue))
            }
            key = try PublicKey.ec(curve, x963: [4] + parts[0] + parts[1])
            message = parts[2]
            externalData = parts[3]
        }
    }

    private func examples() throws -> [Example] {
        try #require(JSONValue(parsing: Vectors.bytes("cose/sign1.json")).arrayValue).map(Example.init)
    }

    @Test("published messages verify with ES256, ES384 and ES512, and with nothing else than their external data")
    func published() throws {
        let examples = try examples()
        #expect(examples.count == 4)
        for example in examples {
            let message = try COSESign1(parsing: example.message)
            #expect(example.key.isValidSignature(of: message, externalData: example.externalData), "\(example.name)")
            #expect(!example.key.isValidSignature(of: message, externalData: example.externalData + [0]))
            for other in examples where other.key != example.key {
                #expect(!other.key.isValidSignature(of: message, externalData: example.externalData))
            }
        }
    }

    @Test("no change of a byte of a published message is accepted")
    func mutations() throws {
        for example in try examples() {
            for index in example.message.indices {
                var bytes = example.message
                bytes[index] ^= 1 << UInt8(index % 8)
                guard let message = try? COSESign1(parsing: bytes) else { continue }
                let isSame = try message.signingInput() == COSESign1(parsing: example.message).signingInput()
                // The unprotected header is nobody's word.
                let isUnsigned = try isSame && message.signature == COSESign1(parsing: example.message).signature
                #expect(
                    example.key.isValidSignature(of: message, externalData: example.externalData) == isUnsigned,
                    "\(example.name) byte \(index)")
            }
        }
    }

    @Test("an endorsement that Microsoft published verifies with PS384 under the key of its chain")
    func ps384() throws {
        let message = try COSESign1(parsing: Vectors.bytes("cose/uvm_reference_info.cose"))
        #expect(message.algorithm == .ps384)
        let chain = try #require(message.protected[33]?.arrayValue).compactMap(\.bytesValue)
        let leaf = try Certificate(der: #require(chain.first))
        #expect(try leaf.publicKey.isValidSignature(of: message))
        for index in stride(from: 0, to: message.payload.count, by: 37) {
            var payload = message.payload
            payload[index] ^= 1
            let changed = CBORValue.array([
                .bytes(message.protectedBytes), [:], .bytes(payload), .bytes(message.signature),
            ])
            #expect(try !leaf.publicKey.isValidSignature(of: COSESign1(parsing: changed.encoded)))
        }
    }

    @Test("a curve signs with its own hash function only")
    func mixedCurves() throws {
        let key = try TestKey.generate(.ec(.p384))
        let header = ([1: -7] as CBORValue).encoded
        let input = COSESign1.signingInput(protected: header, payload: [1])
        let signature = try key.sign(input, .ecdsaRaw(.sha256))
        let message = CBORValue.array([.bytes(header), [:], .bytes([1]), .bytes(signature)])
        #expect(throws: COSEError.self) { try COSESign1(parsing: message.encoded) }
        #expect(key.publicKey.isValid(signature: signature, over: input, .ecdsaRaw(.sha256)))
    }

    @Test("a key of COSE is one of X.509, unless its point is not on the curve")
    func keys() throws {
        for curve in PublicKey.Curve.allCases {
            let key = try TestKey.generate(.ec(curve)).publicKey
            let point = try #require(key.x963)
            let number: Int64 = [.p256: 1, .p384: 2, .p521: 3][curve] ?? 0
            let size = curve.coordinateByteCount
            let map: CBORValue = [
                1: 2, -1: CBORValue(number), -2: .bytes(Array(point[1...size])),
                -3: .bytes(Array(point[(1 + size)...])),
            ]
            #expect(try PublicKey(COSEKey(parsing: map.encoded)) == key)
            var off = try #require(map.mapValue)
            off[-3] = .bytes([UInt8](repeating: 1, count: size))
            #expect(throws: X509Error.self) { try PublicKey(COSEKey(parsing: CBORValue.map(off).encoded)) }
        }
    }
}
