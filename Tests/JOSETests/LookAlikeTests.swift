import Encodings
import Testing

@testable import JOSE

/// U+212A (KELVIN SIGN) is canonically equivalent to `K`, and Swift's strings compare by canonical equivalence.
@Suite("JOSE: names that only look right")
struct LookAlikeTests {
    private static func kelvin(_ name: String) -> JSONValue {
        .string(name.replacing("K", with: "\u{212A}"))
    }

    @Test("a key's `alg` and `kty` are compared by code points")
    func keys() throws {
        for kind in [JWEPrivateKey.Kind.ecP256, .mlKEM768] {
            var jwk = try JWEPrivateKey.generate(kind).publicJWK
            jwk["alg"] = Self.kelvin(try jwk.requiredString("alg"))
            #expect(errorCode { _ = try JWERecipient(jwk: jwk) } == "malformed")
        }
        var encapsulation = try JWEPrivateKey.generate(.mlKEM768).publicJWK
        encapsulation["kty"] = Self.kelvin("AKP")
        #expect(errorCode { _ = try JWERecipient(jwk: encapsulation) } == "malformed")
        #expect(errorCode { _ = try JWKThumbprint.sha256(of: encapsulation) } == "malformed")
        var edwards = try SigningKey.generate(.edDSA).publicJWK
        edwards["kty"] = Self.kelvin("OKP")
        #expect(errorCode { _ = try VerificationKey(jwk: edwards) } == "malformed")
        #expect(errorCode { _ = try JWKThumbprint.sha256(of: edwards) } == "malformed")
    }

    @Test("a key's operations are compared by code points")
    func operations() throws {
        var jwk = try JWEPrivateKey.generate().publicJWK
        jwk["key_ops"] = .array([Self.kelvin("deriveKey"), 1])
        #expect(errorCode { _ = try JWERecipient(jwk: jwk) } == "unsupported_key")
        jwk["key_ops"] = ["x", "deriveKey"]
        #expect(errorCode { _ = try JWERecipient(jwk: jwk) } == nil)
    }

    @Test("a message's `alg` is compared by code points")
    func header() throws {
        let key = try JWEPrivateKey.generate()
        var message = try JSONObject(parsing: JWERecipient(jwk: key.publicJWK).encrypt(SecretBytes([1])))
        var header = try JSONObject(parsing: message.base64URL("protected"))
        header["alg"] = Self.kelvin(try header.requiredString("alg"))
        message["protected"] = .string(Base64.encodeURL(header.serialized()))
        let changed = message.serialized()
        #expect(errorCode { _ = try key.decrypt(changed) } == "malformed")
    }

    @Test("a PEM text's labels are compared by code points")
    func pem() throws {
        let pem = try SigningKey.generate(.es256).pemRepresentation()
        #expect(errorCode { _ = try SigningKey(pem: pem.replacing(" KEY", with: " \u{212A}EY")) } == "malformed")
    }
}
