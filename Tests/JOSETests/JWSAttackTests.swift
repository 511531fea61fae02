import Crypto
import Encodings
import FoundationEssentials
import Testing

@testable import JOSE

@Suite("JWS: forged tokens")
struct JWSAttackTests {
    private static func compact(_ header: String, _ payload: String, signature: [UInt8] = []) -> String {
        [Array(header.utf8), Array(payload.utf8), signature].map(Base64.encodeURL).joined(separator: ".")
    }

    @Test(
        "A24: alg none and shared-secret algorithms are refused at parsing",
        arguments: ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "es256", "ES256K", "ES256 ", "RSA-OAEP"])
    func algorithms(name: String) throws {
        let text = Self.compact("{\"alg\":\"\(name)\"}", #"{"role":"admin"}"#)
        #expect(errorCode { _ = try JWS(compact: text) } == "unsupported_algorithm")
    }

    @Test("A24: HS256 keyed with the public key is refused")
    func publicKeyAsSecret() throws {
        let key = try SigningKey.generate(.es256)
        for secret in [Array(key.publicPEM.utf8), key.verificationKey.subjectPublicKeyInfoDER] {
            let header = Base64.encodeURL(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8))
            let input = header + "." + Base64.encodeURL(Array("{}".utf8))
            let code = HMAC<SHA256>.authenticationCode(for: Array(input.utf8), using: SymmetricKey(data: secret))
            let text = input + "." + Base64.encodeURL(Array(code))
            #expect(errorCode { _ = try JWS(compact: text) } == "unsupported_algorithm")
        }
    }

    @Test("A24: a key, an address or an identifier in the header never chooses the key")
    func injection() throws {
        let trusted = try SigningKey.generate(.es256)
        let attacker = try SigningKey.generate(.es256)
        let headers: [JSONObject] = [
            ["jwk": .object(attacker.publicJWK)], ["jku": "https://attacker.example/jwks"],
            ["x5u": "https://attacker.example/cert.pem"], ["x5c": ["AAAA"]], ["kid": "../../dev/null"],
            ["kid": "' OR 1=1 --"],
        ]
        for header in headers {
            let text = try JWS.sign(header: header, payload: [], with: attacker)
            let token = try JWS(compact: text)
            #expect(errorCode { _ = try token.verify(with: trusted.verificationKey) } == "invalid_signature")
        }
        let set = try JWKSet(json: Array(#"{"keys":[]}"#.utf8))
        #expect(set.key(id: "../../dev/null") == nil)
    }

    @Test("A24: the algorithm comes from the key, not from the token")
    func algorithmConfusion() throws {
        let vectors = try Vectors.json("openssl-vectors")
        let token = try JWS(compact: vectors.member("tokens").text("RS256"))
        let curve = try SigningKey.generate(.es256)
        #expect(errorCode { _ = try token.verify(with: curve.verificationKey) } == "algorithm_not_allowed")
        let edwards = try JWS(compact: JWS.sign(header: [:], payload: [], with: SigningKey.generate(.edDSA)))
        let rsa = try VerificationKey(pem: vectors.text("rsa_public_pem"))
        #expect(errorCode { _ = try edwards.verify(with: rsa) } == "algorithm_not_allowed")
        #expect(!rsa.isValid(signature: edwards.signature, for: edwards.signingInput, algorithm: .edDSA))
    }

    @Test("A24: empty, zero, DER and over-long signatures are refused")
    func signatures() throws {
        let key = try SigningKey.generate(.es256)
        let input = Array("input".utf8)
        let good = try key.sign(input)
        let der = Array(try P256.Signing.ECDSASignature(rawRepresentation: good).derRepresentation)
        for bad in [[], [UInt8](repeating: 0, count: 64), good + [0], Array(good.dropLast()), der] {
            #expect(!key.verificationKey.isValid(signature: bad, for: input, algorithm: .es256))
        }
        #expect(key.verificationKey.isValid(signature: good, for: input, algorithm: .es256))
    }

    @Test("a text of nothing but separators is refused without taking it apart")
    func separators() {
        let text = String(repeating: ".", count: JWS.maximumLength)
        let started = ContinuousClock.now
        for _ in 0..<200 { #expect(errorCode { _ = try JWS(compact: text) } == "malformed") }
        // Two hundred million slices take far longer than this, three of them no time at all.
        #expect(ContinuousClock.now - started < .seconds(5))
        #expect(errorCode { _ = try JWS(compact: text + ".") } == "malformed")
    }

    @Test("A52: a token shows nothing of itself")
    func redaction() throws {
        let text = try JWS.sign(header: ["kid": "canary"], payload: Array("canary".utf8), with: .generate(.es256))
        let token = try JWS(compact: text)
        var dumped = ""
        dump(token, to: &dumped)
        #expect("\(token)" == "<ES256 token>" && String(reflecting: token) == "<ES256 token>")
        #expect(dumped.split(separator: "\n").count == 1)
    }

    @Test("headers that demand extensions or repeat members are refused")
    func headers() {
        for (header, code) in [
            (#"{"alg":"ES256","crit":["b64"],"b64":false}"#, "unsupported_header"),
            (#"{"alg":"ES256","b64":false}"#, "unsupported_header"),
            (#"{"alg":"ES256","zip":"DEF"}"#, "unsupported_header"),
            (#"{"alg":"none","alg":"ES256"}"#, "malformed"), (#"{"alg":["ES256"]}"#, "malformed"), ("[]", "malformed"),
            ("{}", "malformed"),
        ] {
            #expect(errorCode { _ = try JWS(compact: Self.compact(header, "{}", signature: [0])) } == code)
        }
    }
}
