import Encodings
import Testing

@testable import JOSE

@Suite("JWE: sealing and opening")
struct JWERoundTripTests {
    private static let secrets: [[UInt8]] = [
        [], [0], Array("this is a test secret".utf8), [UInt8](repeating: 7, count: 70_000),
    ]

    @Test("what is sealed to a key opens with it and no other", arguments: JWEPrivateKey.Kind.allCases)
    func roundTrip(kind: JWEPrivateKey.Kind) throws {
        let key = try JWEPrivateKey.generate(kind)
        let other = try JWEPrivateKey.generate(kind)
        let recipient = try JWERecipient(jwk: key.publicJWK)
        for secret in Self.secrets {
            let sealed = try recipient.encrypt(SecretBytes(secret))
            #expect(try key.decrypt(sealed).copyBytes() == secret)
            #expect(errorCode { _ = try other.decrypt(sealed) } == "decryption_failed")
            #expect(try recipient.encrypt(SecretBytes(secret)) != sealed)
        }
    }

    @Test("KBS 12.3.14: an RSA header has exactly alg and enc, also with keys of 4096 bits")
    func rsaHeader() throws {
        let key = try JWEPrivateKey(pem: Vectors.json("openssl-vectors").text("rsa4096_private_pem"))
        var jwk = key.publicJWK
        let sealed = try JWERecipient(jwk: jwk).encrypt(SecretBytes([9]))
        #expect(try headerText(sealed) == #"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#)
        #expect(try key.decrypt(sealed).copyBytes() == [9])
        jwk["alg"] = "RSA1_5"
        let old = try JWERecipient(jwk: jwk, allowing: [.rsa15]).encrypt(SecretBytes([8]))
        #expect(try headerText(old) == #"{"alg":"RSA1_5","enc":"A256GCM"}"#)
        #expect(try key.decrypt(old, allowing: [.rsa15]).copyBytes() == [8])
        #expect(errorCode { _ = try key.decrypt(old) } == "algorithm_not_allowed")
    }

    @Test("GC 9.B.35: the message and its header have the one byte layout that guests take")
    func layout() throws {
        for (kind, size) in [(JWEPrivateKey.Kind.ecP256, 32), (.ecP384, 48), (.ecP521, 66)] {
            let sealed = try JWERecipient(jwk: JWEPrivateKey.generate(kind).publicJWK).encrypt(SecretBytes([1]))
            let message = try JSONObject(parsing: sealed)
            #expect(message.names == ["protected", "encrypted_key", "iv", "ciphertext", "tag"])
            #expect(message.serialized() == sealed)
            #expect(try message.base64URL("encrypted_key").count == 40)
            #expect(try message.base64URL("iv").count == 12)
            #expect(try message.base64URL("tag").count == 16)
            let text = try headerText(sealed)
            let header = try JSONObject(parsing: text)
            #expect(header.serializedString() == text)
            #expect(header.names == ["alg", "enc", "epk"])
            let ephemeral = try #require(header["epk"]?.objectValue)
            #expect(ephemeral.names == ["crv", "kty", "x", "y"])
            #expect(try ephemeral.base64URL("x").count == size && ephemeral.base64URL("y").count == size)
        }
    }

    @Test("KBS 12.3.15: ML-KEM seals with alg, enc, ek; a key of wrong length is refused by name")
    func mlKEM() throws {
        let key = try JWEPrivateKey.generate(.mlKEM768)
        let sealed = try JWERecipient(jwk: key.publicJWK).encrypt(SecretBytes([5, 6]))
        let header = try JSONObject(parsing: headerText(sealed))
        #expect(header.names == ["alg", "enc", "ek"])
        #expect(try header.base64URL("ek").count == 1088)
        #expect(try key.decrypt(sealed).copyBytes() == [5, 6])
        let short: JSONObject = [
            "kty": "AKP", "alg": "ML-KEM-768+A192KW", "pub": .string(Base64.encodeURL([1, 2, 3])),
        ]
        let error = #expect(throws: JOSEError.self) { try JWERecipient(jwk: short) }
        #expect(error?.code == "invalid_key" && error?.message.contains("wrong length") == true)
    }

    @Test("KBS 12.3.17: the default key is P-256, names are those of configurations, ML-KEM has no PEM")
    func names() throws {
        let standard = try JWEPrivateKey.generate()
        #expect(standard.publicJWK["crv"] == "P-256")
        #expect(standard.publicJWK.names == ["kty", "crv", "alg", "x", "y"])
        #expect(try JWEPrivateKey.generate(.rsa2048).publicJWK["alg"] == "RSA-OAEP-256")
        #expect(
            ["ECDH-ES+A256KW-P256", "ECDH-ES+A256KW-P521", "RSA-OAEP-256", "ML-KEM-768+A192KW"]
                .map(JWEPrivateKey.Kind.init(rawValue:)) == [.ecP256, .ecP521, .rsa2048, .mlKEM768])
        #expect(errorCode { _ = try JWEPrivateKey.generate(.mlKEM768).pemRepresentation() } == "unsupported_key")
    }

    @Test("a key survives PEM", arguments: [JWEPrivateKey.Kind.ecP256, .ecP384, .ecP521, .rsa2048])
    func pem(kind: JWEPrivateKey.Kind) throws {
        let key = try JWEPrivateKey.generate(kind)
        let copy = try JWEPrivateKey(pem: key.pemRepresentation())
        #expect(copy.publicJWK == key.publicJWK)
        #expect(try copy.decrypt(JWERecipient(jwk: key.publicJWK).encrypt(SecretBytes([4]))).copyBytes() == [4])
    }

    @Test("the format of protocol 0.1 is kept to the byte and needs an RSA1_5 key")
    func legacy() throws {
        let key = try JWEPrivateKey.generate(.rsa2048)
        var jwk = key.publicJWK
        #expect(errorCode { _ = try JWERecipient(jwk: jwk).encryptLegacy(SecretBytes([1])) } == "unsupported_key")
        jwk["alg"] = "RSA1_5"
        #expect(errorCode { _ = try JWERecipient(jwk: jwk) } == "algorithm_not_allowed")
        let sealed = try JWERecipient(jwk: jwk, allowing: [.rsa15]).encryptLegacy(SecretBytes([1, 2, 3]))
        let message = try JSONObject(parsing: sealed)
        #expect(message["protected"] == #"{"alg":"RSA1_5","enc":"A256GCM"}"#)
        #expect(message["tag"] == "")
        #expect(try message.base64URL("ciphertext").count == 3 + 16)
        #expect(try key.decryptLegacy(sealed).copyBytes() == [1, 2, 3])
    }

    @Test("private keys show nothing of themselves")
    func redaction() throws {
        let key = try JWEPrivateKey.generate()
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "<private key for ECDH-ES+A256KW>")
        #expect(dumped.split(separator: "\n").count == 1)
        #expect(Mirror(reflecting: key).children.isEmpty)
    }
}
