import Encodings
import FoundationEssentials
import Testing

@testable import JOSE

@Suite("JWT claims")
struct JWTClaimsTests {
    private static let now = Date(timeIntervalSince1970: 1_760_426_200)

    private func admin(_ name: String) throws -> JWTClaims {
        let vectors = try Vectors.json("admin-jwt-vectors")
        let key = try VerificationKey(pem: vectors.text("public_key_pem"))
        return try JWTClaims(payload: JWS(compact: vectors.text(name)).verify(with: key))
    }

    private func code(_ claims: JWTClaims, leeway: Int64 = 60, requireExpiration: Bool = true) -> String? {
        errorCode {
            try claims.validate(
                now: Self.now, leeway: leeway, issuer: "issuer", audience: "kbs", requireExpiration: requireExpiration)
        }
    }

    @Test(
        "admin tokens are judged as recorded",
        arguments: [
            ("valid_until_2055", nil), ("aud_as_string", nil), ("no_role_must_be_rejected", nil),
            ("no_exp_must_be_rejected", "missing_expiration"), ("wrong_issuer", "wrong_issuer"),
            ("trustee_cli_style_must_be_rejected", "wrong_issuer"),
        ] as [(String, String?)])
    func adminTokens(name: String, expected: String?) throws {
        #expect(code(try admin(name)) == expected)
    }

    @Test("the private admin key makes the same signatures (Ed25519 is deterministic)")
    func adminKey() throws {
        let vectors = try Vectors.json("admin-jwt-vectors")
        let key = try SigningKey(pem: vectors.text("private_key_pkcs8_pem"))
        #expect(try key.publicPEM == vectors.text("public_key_pem"))
        let token = try JWS(compact: vectors.text("valid_until_2055"))
        #expect(
            try JWS.sign(header: token.header, payload: token.payload, with: key) == vectors.text("valid_until_2055"))
    }

    @Test("expiry, leeway and the future are counted in seconds")
    func times() throws {
        let expired = try admin("expired")
        let expiry = try #require(expired.expiresAt)
        func code(at seconds: Int64, leeway: Int64) -> String? {
            errorCode {
                try expired.validate(now: Date(timeIntervalSince1970: Double(seconds)), leeway: leeway)
            }
        }
        #expect(code(at: expiry - 1, leeway: 0) == nil)
        #expect(code(at: expiry, leeway: 0) == "expired")
        #expect(code(at: expiry + 59, leeway: 60) == nil)
        #expect(code(at: expiry + 60, leeway: 60) == "expired")
        #expect(code(at: 1_760_426_134 - 61, leeway: 60) == "issued_in_future")
        #expect(code(at: 1_760_426_134 - 60, leeway: 60) == nil)
    }

    @Test("A24: wrong, missing and malformed claims are refused, each with its reason")
    func refusals() {
        let good: JSONObject = ["iss": "issuer", "aud": ["x", "kbs"], "exp": 1_760_430_000, "nbf": 1_760_426_100]
        func code(_ change: (inout JSONObject) -> Void) -> String? {
            var object = good
            change(&object)
            return self.code(JWTClaims(object))
        }
        #expect(code { _ in } == nil)
        #expect(code { $0["iss"] = nil } == "wrong_issuer")
        #expect(code { $0["iss"] = "Issuer" } == "wrong_issuer")
        #expect(code { $0["iss"] = ["issuer"] } == "malformed")
        #expect(code { $0["aud"] = nil } == "wrong_audience")
        #expect(code { $0["aud"] = [] } == "wrong_audience")
        #expect(code { $0["aud"] = "kbs2" } == "wrong_audience")
        #expect(code { $0["aud"] = ["kbs", 1] } == "malformed")
        #expect(code { $0["aud"] = ["kbs": true] } == "malformed")
        #expect(code { $0["exp"] = "1760430000" } == "malformed")
        #expect(code { $0["exp"] = 1_760_430_000.5 } == "malformed")
        #expect(code { $0["exp"] = -1 } == "expired")
        #expect(code { $0["exp"] = .int(.min) } == "expired")
        #expect(code { $0["exp"] = .int(.max) } == nil)
        #expect(code { $0["exp"] = .uint(.max) } == "malformed")
        #expect(code { $0["exp"] = .null } == "malformed")
        #expect(code { $0["nbf"] = 1_760_426_400 } == "not_yet_valid")
        #expect(code { $0["nbf"] = .int(.max) } == "not_yet_valid")
        #expect(code { $0["iat"] = .int(.max) } == "issued_in_future")
    }

    @Test("claims must be one JSON object without repeated names")
    func payloads() {
        for text in ["", "[]", "1", #"{"exp":1,"exp":2}"#, "{} x"] {
            #expect(errorCode { _ = try JWTClaims(payload: Array(text.utf8)) } == "malformed")
        }
    }
}
