import Crypto
import Encodings
import Testing

@testable import JOSE

@Suite("JWE: recorded messages")
struct JWEVectorTests {
    private static let broker = "jwe-response-vectors"

    @Test(
        "KBS 12.3.14: messages of another implementation open with their private keys",
        arguments: [
            ("ecdh_es_a256kw_p256", "tee_private_pkcs8_pem"), ("ecdh_es_a256kw_p521", "tee_private_pkcs8_pem"),
            ("rsa_oaep_256", "tee_private_pkcs1_pem"), ("rsa1_5_deprecated", "tee_private_pkcs1_pem"),
        ])
    func brokerVectors(name: String, pemMember: String) throws {
        let vector = try Vectors.json(Self.broker).member(name)
        let key = try JWEPrivateKey(pem: vector.text(pemMember))
        let response = try vector.member("response").serialized()
        let plaintext = try key.decrypt(response, allowing: Set(KeyManagementAlgorithm.allCases))
        #expect(try plaintext.copyBytes() == Base64.decodeURL(vector.text("plaintext_b64url")))
        #expect(try headerText(response) == vector.text("protected_json"))
        let recipient = try JWERecipient(
            jwk: vector.object("tee_pubkey"), allowing: Set(KeyManagementAlgorithm.allCases))
        if recipient.algorithm != .rsa15 {
            #expect(try key.publicJWK == vector.object("tee_pubkey"))
            #expect(try key.publicJWK.names == vector.object("tee_pubkey").names)
        }
    }

    @Test("KBS 12.3.15: the ML-KEM message opens with its seed")
    func mlKEMVector() throws {
        let vector = try Vectors.json(Self.broker).member("ml_kem_768_a192kw_experimental")
        let seed = try vector.text("keygen_seed_d_hex") + vector.text("keygen_seed_z_hex")
        let key = try JWEPrivateKey(mlKEM768Seed: SecretBytes(Hex.decode(seed)))
        #expect(try key.publicJWK == vector.object("tee_pubkey"))
        let secret = SymmetricKey(data: try Hex.decode(vector.text("shared_secret_hex")))
        let wrapping = KeyDerivation.kemKey(secret).withUnsafeBytes { Array($0) }
        #expect(try wrapping == Hex.decode(vector.text("kwk_hex")))
        let plaintext = try key.decrypt(vector.member("response").serialized())
        #expect(try plaintext.copyBytes() == Base64.decodeURL(vector.text("plaintext_b64url")))
    }

    @Test("messages of the guest's vectors open", arguments: ["p256", "p521", "rsa-oaep-256", "ml-kem-768"])
    func guestVectors(name: String) throws {
        let vector = try Vectors.json("guest-jwe-\(name)")
        let key: JWEPrivateKey
        if let seed = vector["private_seed_hex"]?.stringValue {
            key = try JWEPrivateKey(mlKEM768Seed: SecretBytes(Hex.decode(seed)))
        } else {
            let pem = vector["private_key_pkcs8_pem"] ?? vector["private_key_pkcs1_pem"]
            key = try JWEPrivateKey(pem: #require(pem?.stringValue))
        }
        #expect(try key.publicJWK == vector.object("public_jwk"))
        let plaintext = try key.decrypt(vector.member("jwe").serialized())
        #expect(try plaintext.copyBytes() == Array(vector.text("plaintext").utf8))
    }

    @Test("messages of every protocol version open", arguments: ["0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"])
    func protocolVersions(version: String) throws {
        let document = try Vectors.json("protocol-\(version)")
        let keys = try document.member("tee_private_key")
        let pem = keys["rsa_pkcs1_pem"] ?? keys["ec_pkcs8_pem"]
        let key = try JWEPrivateKey(pem: #require(pem?.stringValue))
        let cases = try #require(document["cases"]?.arrayValue)
        for vector in cases {
            let message = Array(try vector.member("jwe").text("response_raw").utf8)
            let legacy = version.hasPrefix("0.1.")
            let plaintext = legacy ? try key.decryptLegacy(message) : try key.decrypt(message)
            #expect(try plaintext.copyBytes() == Base64.decodeURL(vector.text("secret_b64url")))
            let parsed = try JWEMessage(parsing: message)
            #expect(parsed.serialized() == message)
            if legacy {
                #expect(errorCode { _ = try key.decrypt(message, allowing: [.rsa15]) } == "malformed")
            } else {
                #expect(errorCode { _ = try key.decryptLegacy(message) } != nil)
            }
        }
        #expect(!cases.isEmpty)
    }

    @Test("a key with a padded coordinate is off its curve, the repaired one opens its message")
    func paddedCoordinates() throws {
        let cases = try #require(Vectors.json("protocol-ec-padding-defect")["cases"]?.arrayValue)
        for vector in cases {
            let sent = try vector.object("jwk_sent_by_client")
            let correct = try vector.object("jwk_correct")
            #expect(errorCode { _ = try JWERecipient(jwk: sent) } == "invalid_key")
            #expect(try !JWERecipient.isOnCurve("P-256", x: sent.base64URL("x"), y: sent.base64URL("y")))
            #expect(try JWERecipient.isOnCurve("P-256", x: correct.base64URL("x"), y: correct.base64URL("y")))
            let key = try JWEPrivateKey(pem: vector.text("private_key_pkcs8_pem"))
            let message = Array(try vector.member("jwe_to_repaired_key").text("response_raw").utf8)
            #expect(try !key.decrypt(message).isEmpty)
            let sealed = try JWERecipient(jwk: correct).encrypt(SecretBytes([1, 2, 3]))
            #expect(try key.decrypt(sealed).copyBytes() == [1, 2, 3])
        }
        #expect(!cases.isEmpty)
    }

    @Test("KBS 12.3.16: parse cases of the types crate: header, extra members, trailing newline, aad")
    func typesCrate() throws {
        let vectors = try Vectors.json("kbs-types-response-vectors")
        let minimal = try JWEMessage(parsing: vectors.member("parse_response_minimal").member("json").serialized())
        #expect(try minimal.header() == ["alg": "fakealg", "enc": "fakeenc"])
        #expect(minimal.encryptedKey == Array("fakekey".utf8) && minimal.content.nonce == Array("randomdata".utf8))
        #expect(minimal.content.tag == Array("faketag".utf8) && minimal.additionalData == nil)
        let authenticated = try vectors.member("aad_of_header").text("aad_ascii")
        #expect(minimal.authenticatedData == Array(authenticated.utf8))

        let nested = try vectors.member("parse_response_nested_header")
        let header = try JWEMessage(parsing: nested.member("json").serialized()).header()
        #expect(try header["epk"] == nested.member("expect_other").member("epk"))

        let withData = try vectors.member("parse_response_with_aad")
        let message = try JWEMessage(parsing: withData.member("json").serialized())
        #expect(try message.additionalData == withData.text("expect_aad_raw_string"))
        #expect(message.authenticatedData == Array((message.protected + ".fakeaad").utf8))
        #expect(try message.header() == ["alg": "fakealg", "enc": "fakeenc"])

        let extra = try vectors.member("serialize_with_extra_field")
        #expect(try Base64.encodeURL(extra.object("header").serialized()) == extra.text("protected"))
    }
}
