import Encodings
import JOSE
import Testing

@Suite("Private JWKs")
struct PrivateJWKTests {
    @Test(
        "a key signs the same after it was written and read",
        arguments: [SignatureAlgorithm.es256, .es384, .es512, .edDSA])
    func roundTrip(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let read = try SigningKey(privateJWK: key.privateJWK())
        #expect(read.verificationKey == key.verificationKey)
        let text = try JWS.sign(header: [:], payload: [1, 2], with: read)
        #expect(try JWS(compact: text).verify(with: key.verificationKey) == [1, 2])
    }

    @Test("a public part of another key, a public key, and keys for other things are refused")
    func refused() throws {
        let key = try SigningKey.generate(.es256)
        let other = try SigningKey.generate(.es256).privateJWK()
        for (name, value) in [
            ("x", other["x"]), ("y", other["y"]), ("y", nil), ("d", nil), ("d", "AA"),
            ("d", .string(String(repeating: "A", count: 43))),
            ("alg", "ES384"), ("use", "enc"), ("kty", "RSA"), ("crv", "P-384"), ("key_ops", ["verify"]),
        ] as [(String, JSONValue?)] {
            var jwk = key.privateJWK()
            jwk[name] = value
            #expect(throws: JOSEError.self, "\(name)") { try SigningKey(privateJWK: jwk) }
        }
    }

    @Test("b64 may be true, which is what it means when it is absent, and nothing else")
    func b64() throws {
        let key = try SigningKey.generate(.es256)
        let text = try JWS.sign(header: ["b64": true], payload: [1], with: key)
        #expect(try JWS(compact: text).verify(with: key.verificationKey) == [1])
        for value in [JSONValue.bool(false), "true", 1, .null] {
            let text = try JWS.sign(header: ["b64": value], payload: [1], with: key)
            #expect(throws: JOSEError.self) { try JWS(compact: text) }
        }
    }
}
