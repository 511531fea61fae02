import Encodings
import Testing

@testable import JOSE

@Suite("Keys and signatures at the edges of their ranges")
struct KeyBoundaryTests {
    private static let orderP256 = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
    private static let orderP521 =
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
        + "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
    private static let primeP521 = [0x01] + [UInt8](repeating: 0xFF, count: 65)

    /// The sum of two big-endian numbers of the same length.
    private static func sum(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        var carry = 0
        var result = a
        for position in a.indices.reversed() {
            carry += Int(a[position]) + Int(b[position])
            result[position] = UInt8(carry & 0xFF)
            carry >>= 8
        }
        return result
    }

    @Test("coordinates that are not below the field's prime are refused: a key has one encoding")
    func coordinates() throws {
        let jwk = try JWEPrivateKey.generate(.ecP521).publicJWK
        let (x, y) = (try jwk.base64URL("x"), try jwk.base64URL("y"))
        #expect(JWERecipient.isOnCurve("P-521", x: x, y: y))
        #expect(!JWERecipient.isOnCurve("P-521", x: Self.sum(x, Self.primeP521), y: y))
        #expect(!JWERecipient.isOnCurve("P-521", x: x, y: Self.sum(y, Self.primeP521)))
        var shifted = jwk
        shifted["x"] = .string(Base64.encodeURL(Self.sum(x, Self.primeP521)))
        #expect(errorCode { _ = try JWERecipient(jwk: shifted) } == "invalid_key")
        shifted["alg"] = nil
        #expect(errorCode { _ = try VerificationKey(jwk: shifted) } == "invalid_key")
    }

    @Test("points that stand for no point are refused", arguments: [("P-256", 32), ("P-384", 48), ("P-521", 66)])
    func noPoint(curve: String, size: Int) {
        let zero = [UInt8](repeating: 0, count: size)
        let ones = [UInt8](repeating: 0xFF, count: size)
        for (x, y) in [(zero, zero), (ones, ones), (zero, ones)] { #expect(!JWERecipient.isOnCurve(curve, x: x, y: y)) }
    }

    @Test("ECDSA numbers of zero, of the order and above are refused")
    func signatures() throws {
        let input = Array("input".utf8)
        let key = try SigningKey.generate(.es256)
        let good = try key.sign(input)
        let (r, s) = (Array(good.prefix(32)), Array(good.suffix(32)))
        let order = try Hex.decode(Self.orderP256)
        let zero = [UInt8](repeating: 0, count: 32)
        for bad in [zero + s, r + zero, order + s, r + order, order + order, zero + order] {
            #expect(!key.verificationKey.isValid(signature: bad, for: input, algorithm: .es256))
        }
        let wide = try SigningKey.generate(.es512)
        let wideOrder = try Hex.decode(Self.orderP521)
        let signature = try wide.sign(input)
        let (wideR, wideS) = (Array(signature.prefix(66)), Array(signature.suffix(66)))
        #expect(wide.verificationKey.isValid(signature: wideR + wideS, for: input, algorithm: .es512))
        for bad in [Self.sum(wideR, wideOrder) + wideS, wideR + Self.sum(wideS, wideOrder)] {
            #expect(!wide.verificationKey.isValid(signature: bad, for: input, algorithm: .es512))
        }
    }

    @Test("an ML-KEM key with coefficients above the modulus is refused (FIPS 203 section 7.2)")
    func encapsulationKey() throws {
        var jwk = try JWEPrivateKey.generate(.mlKEM768).publicJWK
        jwk["pub"] = .string(Base64.encodeURL([UInt8](repeating: 0xFF, count: 1184)))
        #expect(errorCode { _ = try JWERecipient(jwk: jwk) } == "invalid_key")
    }

    @Test("an RSA modulus whose size is no multiple of eight bits can be sealed to")
    func oddModulus() throws {
        let modulus = [1] + [UInt8](repeating: 0xA5, count: 256)
        let jwk: JSONObject = [
            "kty": "RSA", "alg": "RSA-OAEP-256", "n": .string(Base64.encodeURL(modulus)), "e": "AQAB",
        ]
        let message = try JSONObject(parsing: JWERecipient(jwk: jwk).encrypt(SecretBytes([1])))
        #expect(try message.base64URL("encrypted_key").count == 257)
    }

    @Test("an RSA key above 8192 bits is refused in DER as it is in a JWK")
    func largeModulus() throws {
        func publicKey(modulusBytes: Int) -> [UInt8] {
            let modulus = [0x01] + [UInt8](repeating: 0xA5, count: modulusBytes - 1)
            func long(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
                [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
            }
            return long(0x30, long(0x02, modulus) + [0x02, 0x03, 0x01, 0x00, 0x01])
        }
        #expect(errorCode { _ = try VerificationKey(subjectPublicKeyInfo: publicKey(modulusBytes: 1024)) } == nil)
        #expect(
            errorCode { _ = try VerificationKey(subjectPublicKeyInfo: publicKey(modulusBytes: 1026)) }
                == "unsupported_key")
    }

    @Test(
        "a key whose secret part came along is refused",
        arguments: ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])
    func secrets(member: String) throws {
        var recipient = try JWEPrivateKey.generate().publicJWK
        recipient[member] = "AA"
        #expect(errorCode { _ = try JWERecipient(jwk: recipient) } == "unsupported_key")
        var verifier = try SigningKey.generate(.es256).publicJWK
        verifier[member] = "AA"
        #expect(errorCode { _ = try VerificationKey(jwk: verifier) } == "unsupported_key")
    }
}
