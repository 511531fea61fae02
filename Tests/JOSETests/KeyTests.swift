import Encodings
import Testing

@testable import JOSE

@Suite("Keys and key sets")
struct KeyTests {
    @Test("the example of RFC 7638 section 3.1 has its thumbprint")
    func thumbprint() throws {
        let jwk: JSONObject = [
            "kty": "RSA",
            "n": .string(
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
                    + "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7"
                    + "d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1"
                    + "jF44-csFCur-kEgU8awapJzKnqDKgw"), "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        ]
        #expect(try JWKThumbprint.sha256(of: jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        #expect(try VerificationKey(jwk: jwk).thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        #expect(errorCode { _ = try JWKThumbprint.sha256(of: ["kty": "oct", "k": "AA"]) } == "unsupported_key")
        #expect(errorCode { _ = try JWKThumbprint.sha256(of: ["kty": "EC", "crv": "P-256", "x": 1]) } == "malformed")
    }

    @Test(
        "keys written by OpenSSL load and have its public half",
        arguments: [
            ("p256_private_sec1_pem", "p256", SignatureAlgorithm.es256),
            ("p384_private_sec1_pem_with_parameters", "p384", .es384), ("p521_private_pkcs8_pem", "p521", .es512),
            ("ed25519_private_pem", "ed25519", .edDSA),
        ])
    func openssl(privateName: String, publicName: String, algorithm: SignatureAlgorithm) throws {
        let vectors = try Vectors.json("openssl-vectors")
        let key = try SigningKey(pem: vectors.text(privateName))
        #expect(key.algorithm == algorithm)
        #expect(try key.publicPEM == vectors.member("public_pems").text(publicName))
        let carriageReturns = try vectors.text(privateName).split(separator: "\n").joined(separator: "\r\n")
        #expect(try SigningKey(pem: carriageReturns).verificationKey == key.verificationKey)
    }

    @Test("PEM texts that are not one unencrypted key of a known kind are refused")
    func badPEM() throws {
        let vectors = try Vectors.json("openssl-vectors")
        let good = try vectors.text("p256_private_sec1_pem")
        let publicPEM = try vectors.member("public_pems").text("p256")
        let bad = [
            "", "no key", good + good, publicPEM, String(good.dropLast(30)),
            good.replacing("EC PRIVATE", with: "XX PRIVATE"),
            good.replacing("\nM", with: "\n!"), try vectors.text("p256_encrypted_private_pem"),
            try vectors.text("secp256k1_private_pem"), "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        ]
        for pem in bad {
            #expect(throws: JOSEError.self) { try SigningKey(pem: pem) }
            #expect(throws: JOSEError.self) { try JWEPrivateKey(pem: pem) }
        }
        #expect(throws: JOSEError.self) { try JWEPrivateKey(pem: vectors.text("rsa1024_private_pem")) }
        #expect(throws: JOSEError.self) { try SigningKey(pem: vectors.text("rsa4096_private_pem")) }
        #expect(throws: JOSEError.self) { try VerificationKey(pem: good) }
        #expect(errorCode { _ = try SigningKey.generate(.rs256) } == "unsupported_algorithm")
    }

    @Test("signing keys show nothing of themselves")
    func redaction() throws {
        let key = try SigningKey.generate(.es256)
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "<ES256 signing key>")
        #expect(dumped.split(separator: "\n").count == 1)
    }

    @Test("KBS 12.4.23: a set with secret, unknown and damaged keys loads; only its good keys verify")
    func sets() throws {
        let key = try SigningKey.generate(.es256)
        var good = key.publicJWK
        good["kid"] = "good"
        var damaged = good
        damaged["kid"] = "damaged"
        damaged["x"] = "AAAA"
        var unknown = good
        unknown["kid"] = "unknown"
        unknown["alg"] = "XY999"
        var encryption = good
        encryption["kid"] = "encryption"
        encryption["use"] = "enc"
        var secret = good
        secret["kid"] = "private"
        secret["d"] = "AAAA"
        let foreign: [JSONValue] = [
            ["kty": "oct", "k": "AA", "kid": "oct"], ["kid": "empty"],
            ["kty": "RSA", "alg": "RSA-OAEP-256", "kid": "rsa"],
        ]
        let objects = [damaged, unknown, encryption, secret, good].map(JSONValue.object)
        let set = try JWKSet(json: JSONValue.object(["keys": .array(foreign + objects)]).serialized())
        #expect(set.keys.count == 8)
        #expect(set.usableKeys == [try VerificationKey(jwk: good)])
        #expect(set.key(id: "good")?.keyID == "good")
        for id in ["damaged", "unknown", "encryption", "private", "oct", "empty", "rsa", "", "GOOD"] {
            #expect(set.key(id: id) == nil)
        }
        #expect(set.keys.filter { $0.verificationKey == nil }.allSatisfy { $0.refusal != nil })
        for bad in ["", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[1]}"#] {
            #expect(errorCode { _ = try JWKSet(json: Array(bad.utf8)) } == "malformed")
        }
    }

    @Test("verification keys are refused when they do not suit their announcement")
    func announcements() throws {
        let jwk = try SigningKey.generate(.es256).publicJWK
        func code(_ change: (inout JSONObject) -> Void) -> String? {
            var jwk = jwk
            change(&jwk)
            return errorCode { _ = try VerificationKey(jwk: jwk) }
        }
        #expect(code { $0["alg"] = nil } == nil)
        #expect(code { $0["use"] = "sig" } == nil)
        #expect(code { $0["key_ops"] = ["verify"] } == nil)
        #expect(code { $0["alg"] = "ES384" } == "unsupported_algorithm")
        #expect(code { $0["alg"] = "RS256" } == "unsupported_algorithm")
        #expect(code { $0["alg"] = "ECDH-ES+A256KW" } == "unsupported_algorithm")
        #expect(code { $0["alg"] = 1 } == "malformed")
        #expect(code { $0["kid"] = 1 } == "malformed")
        #expect(code { $0["use"] = "enc" } == "unsupported_key")
        #expect(code { $0["key_ops"] = ["sign"] } == "unsupported_key")
        #expect(code { $0["key_ops"] = "verify" } == "malformed")
        #expect(code { $0["y"] = $0["x"] } == "invalid_key")
        #expect(code { $0["crv"] = "P-521" } == "invalid_key")
        #expect(code { $0["d"] = "AA" } == "unsupported_key")
    }
}
