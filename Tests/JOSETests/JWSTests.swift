import Encodings
import TestInput
import Testing

@testable import JOSE

@Suite("JWS")
struct JWSTests {
    @Test("a signed token verifies with its key only", arguments: [SignatureAlgorithm.es256, .es384, .es512, .edDSA])
    func roundTrip(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let token = try JWS.sign(header: ["typ": "JWT"], payload: Array("{}".utf8), with: key)
        let jws = try JWS(compact: token)
        #expect(jws.algorithm == algorithm && jws.header.names == ["alg", "typ"])
        #expect(try jws.verify(with: key.verificationKey) == Array("{}".utf8))
        let other = try SigningKey.generate(algorithm)
        #expect(errorCode { _ = try jws.verify(with: other.verificationKey) } == "invalid_signature")
        let copy = try SigningKey(pem: key.pemRepresentation())
        #expect(copy.verificationKey == key.verificationKey)
        let public1 = try VerificationKey(pem: key.publicPEM)
        let public2 = try VerificationKey(jwk: key.publicJWK)
        for verifier in [public1, public2] {
            #expect(try jws.verify(with: verifier) == Array("{}".utf8))
            #expect(verifier.thumbprint == key.verificationKey.thumbprint)
            #expect(verifier.algorithms == [algorithm])
        }
    }

    @Test("a header keeps its order, and a foreign alg is not signed under")
    func headerOrder() throws {
        let key = try SigningKey.generate(.es256)
        let header: JSONObject = ["typ": "JWT", "alg": "ES256", "jwk": .object(key.publicJWK)]
        #expect(
            try JWS(compact: JWS.sign(header: header, payload: [], with: key)).header.names == ["typ", "alg", "jwk"])
        #expect(key.publicJWK.names == ["alg", "kty", "crv", "x", "y"])
        #expect(
            errorCode { _ = try JWS.sign(header: ["alg": "none"], payload: [], with: key) } == "algorithm_not_allowed")
    }

    @Test("the example of RFC 8037 appendix A.4 verifies")
    func rfc8037() throws {
        let token =
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            + "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        let key = try VerificationKey(
            jwk: ["kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"])
        #expect(try JWS(compact: token).verify(with: key) == Array("Example of Ed25519 signing".utf8))
        #expect(key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
    }

    @Test("RSA signatures of OpenSSL verify with their algorithm", arguments: SignatureAlgorithm.allCases.suffix(6))
    func rsa(algorithm: SignatureAlgorithm) throws {
        let vectors = try Vectors.json("openssl-vectors")
        let token = try vectors.member("tokens").text(algorithm.rawValue)
        for member in ["rsa_public_pem", "rsa_public_pkcs1_pem"] {
            let key = try VerificationKey(pem: vectors.text(member))
            #expect(try !JWS(compact: token).verify(with: key).isEmpty)
            var jwk = key.jwk
            jwk["alg"] = .string(algorithm.rawValue)
            #expect(try !JWS(compact: token).verify(with: VerificationKey(jwk: jwk)).isEmpty)
            jwk["alg"] = algorithm == .rs256 ? "PS256" : "RS256"
            let pinned = try VerificationKey(jwk: jwk)
            #expect(errorCode { _ = try JWS(compact: token).verify(with: pinned) } == "algorithm_not_allowed")
        }
    }

    @Test("a PSS signature with another salt length is refused, a PSS key verifies nothing else")
    func pss() throws {
        let vectors = try Vectors.json("openssl-vectors")
        let key = try VerificationKey(pem: vectors.text("rsa_public_pem"))
        let token = try JWS(compact: vectors.text("ps256_salt_20_must_be_rejected"))
        #expect(errorCode { _ = try token.verify(with: key) } == "invalid_signature")
        let restricted = try VerificationKey(pem: vectors.text("rsa_pss_public_pem"))
        #expect(restricted.algorithms == [.ps256, .ps384, .ps512])
        #expect(key.algorithms == [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512])
    }

    @Test("the reference broker's tokens verify with the fixture's key, header and key set")
    func fixtureTokens() throws {
        let key = try SigningKey(pem: Vectors.text("signing-key.pem"))
        let set = try JWKSet(json: Vectors.bytes("expected-jwks.json"))
        let entry = try #require(set.keys.first)
        #expect(set.keys.count == 1 && entry.verificationKey?.thumbprint == key.verificationKey.thumbprint)
        #expect(try VerificationKey(jwk: key.publicJWK) == entry.verificationKey)
        for name in ["x", "y", "kty", "crv", "alg"] { #expect(entry.jwk[name] == key.publicJWK[name]) }
        var verified = 0
        for version in ["0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.4.0"] {
            let cases = try #require(Vectors.json("protocol-\(version)")["cases"]?.arrayValue)
            for vector in cases {
                let token = try JWS(compact: vector.member("token").text("token"))
                var verifier = key.verificationKey
                if token.algorithm == .rs384 {
                    let claims = try JWTClaims(payload: token.payload)
                    verifier = try VerificationKey(jwk: #require(claims.object["jwk"]?.objectValue))
                }
                let payload = try JWTClaims(payload: token.verify(with: verifier))
                #expect(try payload.object == vector.member("token").object("claims"))
                verified += 1
            }
        }
        #expect(verified >= 9)
    }

    @Test("the guest's test token parses")
    func testToken() throws {
        let vector = try Vectors.json("test-token")
        let token = try JWS(compact: vector.text("token"))
        #expect(try token.header == vector.object("header"))
        #expect(try JWTClaims(payload: token.payload).object == vector.object("claims"))
    }

    @Test("a token with any character changed is refused")
    func everyCharacter() throws {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.".utf8)
        for algorithm in [SignatureAlgorithm.es256, .edDSA] {
            let key = try SigningKey.generate(algorithm)
            let token = Array(try JWS.sign(header: ["typ": "JWT"], payload: Array(#"{"exp":1}"#.utf8), with: key).utf8)
            var generator = SeededGenerator(seed: 5)
            for position in token.indices {
                for _ in 0..<3 {
                    var changed = token
                    repeat {
                        changed[position] = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                    } while changed[position] == token[position]
                    let text = String(decoding: changed, as: UTF8.self)
                    #expect(throws: JOSEError.self, "character \(position)") {
                        try JWS(compact: text).verify(with: key.verificationKey)
                    }
                }
            }
        }
    }

    @Test(
        "texts of other shapes are refused",
        arguments: [
            "", ".", "..", "...", "a.b", "e30.e30.", "e30.e30.e30", "eyJhbGciOiJFUzI1NiJ9.e30",
            "eyJhbGciOiJFUzI1NiJ9.e30.AA.AA", "eyJhbGciOiJFUzI1NiJ9.e30=.AA", " eyJhbGciOiJFUzI1NiJ9.e30.AA",
            "eyJhbGciOiJFUzI1NiJ9.e30.AA\n", "eyJhbGciOiJFUzI1NiJ9.e30.AB",
        ])
    func shapes(text: String) {
        #expect(errorCode { _ = try JWS(compact: text) } == "malformed")
    }

    @Test("a token that is too long is not looked at")
    func tooLong() {
        #expect(errorCode { _ = try JWS(compact: "eyJhbGciOiJFUzI1NiJ9.e30.AA", maximumLength: 20) } == "malformed")
    }
}
