import Encodings
import Testing

@testable import JOSE

@Suite("JWE: refusals")
struct JWERefusalTests {
    @Test("a message with any byte changed is refused", arguments: [JWEPrivateKey.Kind.ecP256, .ecP521, .mlKEM768])
    func everyByte(kind: JWEPrivateKey.Kind) throws {
        let key = try JWEPrivateKey.generate(kind)
        let sealed = try JWERecipient(jwk: key.publicJWK).encrypt(SecretBytes(Array("secret".utf8)))
        let changes: [UInt8] = kind == .ecP256 ? [0x01, 0x02, 0x20] : [0x01]
        for position in sealed.indices {
            for change in changes {
                var changed = sealed
                changed[position] ^= change
                #expect(throws: JOSEError.self, "byte \(position) ^ \(change)") { try key.decrypt(changed) }
            }
        }
    }

    @Test("an RSA message with any byte changed is refused, in the old format too")
    func everyByteRSA() throws {
        let document = try Vectors.json("protocol-0.1.1")
        let key = try JWEPrivateKey(pem: document.member("tee_private_key").text("rsa_pkcs1_pem"))
        let vector = try #require(document["cases"]?.arrayValue?.first)
        let legacy = Array(try vector.member("jwe").text("response_raw").utf8)
        let sealed = try JWERecipient(jwk: key.publicJWK).encrypt(SecretBytes([1, 2, 3]))
        for position in stride(from: 0, to: legacy.count, by: 3) {
            var changed = legacy
            changed[position] ^= 1
            #expect(throws: JOSEError.self, "byte \(position)") { try key.decryptLegacy(changed) }
        }
        for position in stride(from: 1, to: sealed.count, by: 3) {
            var changed = sealed
            changed[position] ^= 1
            #expect(throws: JOSEError.self, "byte \(position)") { try key.decrypt(changed) }
        }
    }

    @Test("wrong padding and a forged ciphertext cannot be told apart")
    func paddingOracle() throws {
        let key = try JWEPrivateKey.generate(.rsa2048)
        var jwk = key.publicJWK
        jwk["alg"] = "RSA1_5"
        let sealed = try JWERecipient(jwk: jwk, allowing: [.rsa15]).encryptLegacy(SecretBytes([1]))
        func refusal(_ member: String, _ value: [UInt8]) throws -> JOSEError? {
            var message = try JSONObject(parsing: sealed)
            message[member] = .string(Base64.encodeURL(value))
            let changed = message.serialized()
            return #expect(throws: JOSEError.self) { try key.decryptLegacy(changed) }
        }
        let padding = try refusal("encrypted_key", [UInt8](repeating: 1, count: 256))
        let forged = try refusal("ciphertext", [UInt8](repeating: 1, count: 17))
        #expect(padding == forged && padding?.code == "decryption_failed")
    }

    @Test("headers that change the rules are refused")
    func headers() throws {
        let key = try JWEPrivateKey.generate()
        let sealed = try JWERecipient(jwk: key.publicJWK).encrypt(SecretBytes([1]))
        let header = try JSONObject(parsing: headerText(sealed))
        func code(_ change: (inout JSONObject) -> Void) throws -> String? {
            var header = header
            change(&header)
            var message = try JSONObject(parsing: sealed)
            message["protected"] = .string(Base64.encodeURL(header.serialized()))
            let changed = message.serialized()
            return errorCode { _ = try key.decrypt(changed) }
        }
        #expect(try code { $0["alg"] = "none" } == "unsupported_algorithm")
        #expect(try code { $0["alg"] = "dir" } == "unsupported_algorithm")
        #expect(try code { $0["alg"] = nil } == "malformed")
        #expect(try code { $0["alg"] = 1 } == "malformed")
        #expect(try code { $0["alg"] = "RSA-OAEP-256" } == "unsupported_key")
        #expect(try code { $0["alg"] = "RSA1_5" } == "algorithm_not_allowed")
        #expect(try code { $0["enc"] = "A256CTR" } == "unsupported_algorithm")
        #expect(try code { $0["enc"] = "A128GCM" } == "unsupported_algorithm")
        #expect(try code { $0["crit"] = ["exp"] } == "unsupported_header")
        #expect(try code { $0["zip"] = "DEF" } == "unsupported_header")
        #expect(try code { $0["b64"] = false } == "unsupported_header")
        #expect(try code { $0["epk"] = nil } == "malformed")
        #expect(try code { $0["apu"] = "QQ" } == "decryption_failed")
        #expect(try code { $0["x"] = 1 } == "decryption_failed")
        let offCurve: JSONObject = [
            "crv": "P-256", "kty": "EC", "x": .string(Base64.encodeURL([UInt8](repeating: 1, count: 32))),
            "y": .string(Base64.encodeURL([UInt8](repeating: 1, count: 32))),
        ]
        #expect(try code { $0["epk"] = .object(offCurve) } == "invalid_key")
        let otherCurve = try JWEPrivateKey.generate(.ecP384).publicJWK
        #expect(try code { $0["epk"] = .object(otherCurve) } == "malformed")
    }

    @Test("messages of other shapes are refused")
    func shapes() throws {
        let key = try JWEPrivateKey.generate()
        let sealed = try JWERecipient(jwk: key.publicJWK).encrypt(SecretBytes([1]))
        func code(_ change: (inout JSONObject) -> Void) throws -> String? {
            var message = try JSONObject(parsing: sealed)
            change(&message)
            let changed = message.serialized()
            return errorCode { _ = try key.decrypt(changed) }
        }
        for member in ["protected", "encrypted_key", "iv", "ciphertext", "tag"] {
            #expect(try code { $0[member] = nil } == "malformed")
            #expect(try code { $0[member] = .null } == "malformed")
            #expect(try code { $0[member] = "a=" } == "malformed")
        }
        #expect(try code { $0["recipients"] = [] } == "unsupported_header")
        #expect(try code { $0["header"] = [:] } == "unsupported_header")
        #expect(try code { $0["unprotected"] = [:] } == "unsupported_header")
        #expect(try code { $0["iv"] = "AAAA" } == "malformed")
        #expect(try code { $0["tag"] = "AAAA" } == "malformed")
        #expect(try code { $0["tag"] = "" } == "malformed")
        #expect(try code { $0["encrypted_key"] = "AAAA" } == "malformed")
        #expect(try code { $0["aad"] = "QUFB" } == "decryption_failed")
        #expect(errorCode { _ = try key.decrypt([]) } == "malformed")
        #expect(errorCode { _ = try key.decrypt(Array("[]".utf8)) } == "malformed")
        #expect(errorCode { _ = try key.decrypt(sealed + [0x7D]) } == "malformed")
        let doubled = Array(#"{"tag":"","tag":""}"#.utf8)
        #expect(errorCode { _ = try key.decrypt(doubled) } == "malformed")
    }

    @Test("keys that are not what they say are refused")
    func keys() throws {
        let ec = try JWEPrivateKey.generate().publicJWK
        let rsa = try JWEPrivateKey.generate(.rsa2048).publicJWK
        func code(_ jwk: JSONObject, _ change: (inout JSONObject) throws -> Void) rethrows -> String? {
            var jwk = jwk
            try change(&jwk)
            return errorCode { _ = try JWERecipient(jwk: jwk) }
        }
        #expect(code(ec) { $0["unknown"] = 1 } == nil)
        #expect(code(ec) { $0["kty"] = "RSA" } == "unsupported_key")
        #expect(code(ec) { $0["kty"] = "oct" } == "unsupported_key")
        #expect(code(ec) { $0["alg"] = nil } == "malformed")
        #expect(code(ec) { $0["alg"] = "ES256" } == "unsupported_algorithm")
        #expect(code(ec) { $0["alg"] = "RSA-OAEP-256" } == "unsupported_key")
        #expect(code(ec) { $0["alg"] = "RSA1_5" } == "algorithm_not_allowed")
        #expect(code(ec) { $0["crv"] = "secp256k1" } == "unsupported_key")
        #expect(code(ec) { $0["crv"] = "P-384" } == "invalid_key")
        #expect(code(ec) { $0["use"] = "sig" } == "unsupported_key")
        #expect(code(ec) { $0["x"] = "AAAA" } == "invalid_key")
        #expect(code(ec) { $0["x"] = $0["y"] } == "invalid_key")
        #expect(code(ec) { $0["x"] = .string(($0["x"]?.stringValue ?? "") + "=") } == "malformed")
        let modulus = try rsa.base64URL("n")
        #expect(code(rsa) { $0["n"] = .string(Base64.encodeURL([0] + modulus)) } == "invalid_key")
        #expect(code(rsa) { $0["n"] = .string(Base64.encodeURL(Array(modulus.prefix(128)) + [1])) } == "invalid_key")
        #expect(code(rsa) { $0["n"] = .string(Base64.encodeURL(modulus.dropLast() + [4])) } == "invalid_key")
        #expect(
            code(rsa) { $0["n"] = .string(Base64.encodeURL([1] + [UInt8](repeating: 1, count: 4096))) } == "invalid_key"
        )
        for exponent in ["AQ", "Ag", "", "AAED", "AQAAAAAB"] {
            #expect(code(rsa) { $0["e"] = .string(exponent) } == "invalid_key")
        }
    }
}
