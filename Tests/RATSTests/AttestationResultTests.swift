import Encodings
import Foundation
import RATS
import Testing

@Suite("Attestation result")
struct AttestationResultTests {
    private func transcriptClaims() throws -> JSONObject {
        try #require(Vectors.json("rcar-transcript-sample.json")["4_token_claims"]?.objectValue)
    }

    /// `claims` with the value at `pointer` (object members only) replaced.
    private func replacing(_ claims: JSONObject, _ path: [String], with value: JSONValue?) -> JSONObject {
        var result = claims
        guard let first = path.first else { return claims }
        result[first] =
            path.count == 1
            ? value
            : .object(replacing(claims[first]?.objectValue ?? [:], Array(path.dropFirst()), with: value))
        return result
    }

    private let keyPath = [
        "submods", "cpu0", "ear.veraison.annotated-evidence", "runtime_data_claims", "tee-pubkey",
    ]

    @Test("a token of the reference service is read and written again without loss")
    func roundTrip() throws {
        let claims = try transcriptClaims()
        let result = try AttestationResult(earClaims: claims)
        #expect(result.issuer == "CoCo-Attestation-Service")
        #expect(result.issuedAt == Date(timeIntervalSince1970: 1_760_426_134))
        #expect(result.expiresAt == Date(timeIntervalSince1970: 1_760_426_434))
        #expect(result.verifierBuild == "attestation-service 0.1.0")
        #expect(result.status == .contraindicated)
        let cpu = try #require(result.primary)
        #expect(cpu.tee == .sample)
        #expect(cpu.vector[.hardware] == 97)
        #expect(cpu.claims["launch_digest"] == "abcde")
        #expect(cpu.extensions["ear.trustee.identifiers"] == ["validated": [:]])
        #expect(result.teeKey?["crv"] == "P-256")
        #expect(result.earClaims() == claims)
        #expect(JSONValue.object(result.earClaims()).serialized() == JSONValue.object(claims).serialized())
    }

    @Test("the documented example token, which has no issuer and no key, is read")
    func exampleToken() throws {
        let claims = try #require(Vectors.json("example.token.json").objectValue)
        let result = try AttestationResult(earClaims: claims)
        #expect(result.issuer.isEmpty)
        #expect(result.teeKey == nil)
        #expect(result.primary?.tee == .sgx)
    }

    @Test("our own members follow the reference service's and survive a round trip")
    func ownMembers() throws {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let key: JSONObject = ["kty": "EC"]
        let appraisal = Appraisal(
            name: "cpu0", tee: .snp, deviceClass: .cpu, vector: TrustVector([.hardware: 2]), policyID: "default",
            annotatedEvidence: annotatedEvidence(
                claims: ["report_data": "00", "measurement": "11"], initDataClaims: nil,
                runtimeDataClaims: ["tee-pubkey": .object(key)], tee: .snp))
        let result = AttestationResult(
            issuer: "broker", audience: "us", id: "token-1", issuedAt: now, notBefore: now,
            expiresAt: now.addingTimeInterval(300), verifierDeveloper: "d", verifierBuild: "b",
            appraisals: [appraisal], protocolVersion: "0.4.0")
        #expect(result.teeKey == key)
        #expect(
            result.earClaims().names == [
                "eat_profile", "iat", "ear.verifier-id", "submods", "exp", "iss", "jti", "nbf", "aud",
                "claviger.protocol-version",
            ])
        #expect(try AttestationResult(earClaims: result.earClaims()) == result)
    }

    @Test("A27: a token with a second, different key in any known place is refused")
    func conflictingKeys() throws {
        let claims = try transcriptClaims()
        let other: JSONValue = ["kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": "AA", "y": "AA"]
        let places: [[String]] = [
            ["tee-pubkey"], ["customized_claims", "runtime_data", "tee-pubkey"],
            ["tdx", "attester_runtime_data", "tee-pubkey"], ["tdx", "attester_user_data", "tee-pubkey"],
            ["attester_runtime_data", "tee-pubkey"], ["attester_user_data", "tee-pubkey"],
        ]
        for place in places {
            let forged = replacing(claims, place, with: other)
            #expect(throws: AttestationResultError.self, "\(place)") { try AttestationResult(earClaims: forged) }
        }
        let device = try #require(claims["submods"]?["cpu0"]?.objectValue)
        for name in ["gpu0", "cpu", "cpu1"] {
            let forged = replacing(
                replacing(claims, ["submods", name], with: .object(device)),
                ["submods", name] + keyPath.dropFirst(2), with: other)
            let error = #expect(throws: AttestationResultError.self) { try AttestationResult(earClaims: forged) }
            #expect(error?.code == "conflicting_tee_keys")
        }
    }

    @Test("A27: the same key in several places is one key")
    func repeatedKey() throws {
        let claims = try transcriptClaims()
        let key = try #require(try TEEKeyProfile.ear.key(in: claims))
        let repeated = replacing(claims, ["tee-pubkey"], with: .object(key.sorted()))
        #expect(try AttestationResult(earClaims: repeated).teeKey == key)
    }

    @Test("A27: a key in another place than the profile's is not taken")
    func misplacedKey() throws {
        let claims = try transcriptClaims()
        let key = try #require(try TEEKeyProfile.ear.key(in: claims))
        let moved = replacing(
            replacing(claims, keyPath, with: nil), ["tee-pubkey"], with: .object(key))
        let error = #expect(throws: AttestationResultError.self) { try AttestationResult(earClaims: moved) }
        #expect(error?.code == "misplaced_tee_key")
        let none = replacing(claims, keyPath, with: nil)
        #expect(try AttestationResult(earClaims: none).teeKey == nil)
    }

    @Test("A27: foreign profiles name their place; two different places at once are refused")
    func foreignProfiles() throws {
        let claims = try transcriptClaims()
        let key = try #require(try TEEKeyProfile.ear.key(in: claims))
        #expect(try TEEKeyProfile.detect(in: claims) == .ear)

        let submodule = try #require(claims["submods"]?["cpu0"])
        let legacy = replacing(claims, ["submods"], with: ["cpu": submodule])
        let profile = try #require(try TEEKeyProfile.detect(in: legacy))
        #expect(profile == .legacyEAR)
        #expect(try AttestationResult(earClaims: legacy, keyProfile: profile).teeKey == key)

        let extra = replacing(["submods": [:]], ["vendor", "key"], with: .object(key))
        #expect(try TEEKeyProfile.detect(in: extra) == nil)
        let configured = try TEEKeyProfile.detect(in: extra, extraPointers: ["/vendor/key"])
        #expect(try configured?.key(in: extra) == key)

        let both = replacing(claims, ["vendor", "key"], with: ["kty": "EC"])
        let error = #expect(throws: AttestationResultError.self) {
            try TEEKeyProfile.detect(in: both, extraPointers: ["/vendor/key"])
        }
        #expect(error?.code == "conflicting_tee_keys")
    }

    @Test(
        "tokens with missing or contradictory members are refused",
        arguments: [
            (["iat"], nil, "malformed_claims"),
            (["exp"], "soon", "malformed_claims"),
            (["exp"], 1.5, "malformed_claims"),
            (["exp"], -1, "malformed_claims"),
            (["exp"], 9_223_372_036_854_775_807, "malformed_claims"),
            (["submods"], [:], "malformed_claims"),
            (["submods", "cpu0"], "x", "malformed_claims"),
            (["aud"], 5, "malformed_claims"),
            (["submods", "cpu0", "ear.status"], "affirming", "status_mismatch"),
            (["submods", "cpu0", "ear.status"], "fine", "malformed_claims"),
            (["submods", "cpu0", "ear.trustworthiness-vector"], ["luck": 1], "invalid_trust_vector"),
            (["submods", "cpu0", "ear.veraison.annotated-evidence", "snp"], [:], "unknown_tee"),
            (["submods", "cpu0", "ear.veraison.annotated-evidence"], [:], "unknown_tee"),
            (["submods", "tpu0"], [:], "unknown_submodule"),
        ] as [([String], JSONValue?, String)])
    func malformed(path: [String], value: JSONValue?, code: String) throws {
        let claims = replacing(try transcriptClaims(), path, with: value)
        let error = #expect(throws: AttestationResultError.self) { try AttestationResult(earClaims: claims) }
        #expect(error?.code == code)
    }

    @Test("claims of an old TEE spelling are found under the name of today")
    func alias() throws {
        let path = ["submods", "cpu0", "ear.veraison.annotated-evidence"]
        let claims = replacing(
            replacing(try transcriptClaims(), path + ["sample"], with: nil), path + ["azsnpvtpm"],
            with: ["measurement": "m"])
        let result = try AttestationResult(earClaims: claims)
        #expect(result.primary?.tee == .azSNPvTPM)
        #expect(result.primary?.claims == ["measurement": "m"])
    }
}
