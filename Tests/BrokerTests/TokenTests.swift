import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import RATS
import Storage
import Testing
import X509Trust

@testable import Broker

@Suite("Attestation tokens")
struct TokenTests {
    private func issued() async throws -> (test: TestBroker, token: JWS, claims: JSONObject) {
        let test = try await TestBroker.make()
        let token = try JWS(compact: try await test.attest(SampleGuest()).token)
        return (test, token, try JWTClaims(payload: token.payload).object)
    }

    @Test("KBS 12.4.18: a token validates with the issuing broker's key and has the form of an EAR")
    func form() async throws {
        let (test, token, claims) = try await issued()
        let key = try #require(test.broker.signingKeys.accepted(at: Date()).first)
        _ = try token.verify(with: key.key.verificationKey)
        #expect(token.header.names == ["typ", "alg", "jwk"])
        #expect(token.header["jwk"]?.objectValue?.names == ["x5c", "alg", "kty", "crv", "x", "y"])
        #expect(claims["eat_profile"] == "tag:github.com,2024:confidential-containers/Trustee")
        #expect(claims["iss"] == "claviger")
        #expect(claims["aud"] == "claviger-kbs")
        let issuedAt = try #require(claims["iat"]?.intValue)
        #expect(claims["exp"] == .int(issuedAt + 300))
        #expect(claims["nbf"] == .int(issuedAt))
        #expect(try Base64.decodeURL(try #require(claims["jti"]?.stringValue)).count == 16)
    }

    @Test("KBS 12.4.19: the key set has exactly one P-256 key for ES256, with its certificates")
    func keySet() async throws {
        let test = try await TestBroker.make()
        let keys = try #require(try await test.broker.keySet()["keys"]?.arrayValue)
        #expect(keys.count == 1)
        #expect(keys[0]["alg"] == "ES256")
        #expect(keys[0]["crv"] == "P-256")
        for name in ["x", "y"] { #expect(try Base64.decodeURL(try #require(keys[0][name]?.stringValue)).count == 32) }
        let chain = try #require(keys[0]["x5c"]?.arrayValue).compactMap { $0.stringValue }.map { try Base64.decode($0) }
        #expect(chain.count == 2)
        let leaf = try CertificateChain.verify(leaf: chain[0], intermediates: [], anchors: [chain[1]], at: Date())
        #expect(
            leaf.publicKeyDER == (try VerificationKey(jwk: try #require(keys[0].objectValue))).subjectPublicKeyInfoDER)
    }

    @Test("KBS 12.4.20: verifier claims stand under the TEE's name, digests and what they cover above them")
    func annotatedEvidence() async throws {
        let (_, _, claims) = try await issued()
        let evidence = try #require(
            JSONValue.object(claims)[pointer: "/submods/cpu0/ear.veraison.annotated-evidence"]?.objectValue)
        #expect(evidence["sample"]?["launch_digest"] == "abcde")
        #expect(evidence["sample"]?["report_data"] == nil)
        #expect(evidence["report_data"]?.stringValue != nil)
        #expect(evidence["runtime_data_claims"]?["tee-pubkey"]?["crv"] == "P-256")
        #expect(evidence["runtime_data_claims"]?["additional-evidence"] == "")
    }

    @Test("KBS 12.4.22: certificates in a token's key are accepted and refused as the scenarios say", arguments: 1...7)
    func endorsedKeys(_ number: Int) throws {
        let jwk = try #require(try Vector.json("jwk/scenario0\(number)-jwk.json").objectValue)
        let pem = try String(contentsOf: Vector.url("jwk/scenario0\(number)-trust.pem"), encoding: .utf8)
        let anchors = try Certificate.all(pem: pem).map(\.der)
        let now = Date(timeIntervalSince1970: 1_790_000_000)
        if [2, 3, 4].contains(number) {
            #expect(throws: BrokerError.self) { try EndorsedKey.verified(jwk: jwk, anchors: anchors, now: now) }
        } else {
            let key = try EndorsedKey.verified(jwk: jwk, anchors: anchors, now: now)
            #expect(try key == VerificationKey(jwk: jwk))
        }
    }

    @Test(
        "A24: tokens of another issuer, audience, time, algorithm or key are refused",
        arguments: [
            "issuer", "audience", "expired", "future", "none", "HS256", "other key", "kid", "cut",
        ])
    func refusals(_ kind: String) async throws {
        let (test, token, claims) = try await issued()
        let active = try #require(test.broker.signingKeys.accepted(at: Date()).first)
        var (altered, header, key) = (claims, token.header, active.key)
        switch kind {
        case "issuer": altered["iss"] = "somebody"
        case "audience": altered["aud"] = "somebody-else"
        case "expired": altered["exp"] = .int(Int64(Date().timeIntervalSince1970) - 3_600)
        case "future": altered["nbf"] = .int(Int64(Date().timeIntervalSince1970) + 3_600)
        case "other key":
            key = try SigningKey.generate(.es256)
            header["jwk"] = .object(key.publicJWK)
        case "kid": header["kid"] = "0"
        default: break
        }
        var compact = try JWS.sign(header: header, payload: altered.serialized(), with: key)
        if kind == "none" || kind == "HS256" {
            let unsigned = Base64.encodeURL(Array(#"{"alg":"\#(kind)","typ":"JWT"}"#.utf8))
            compact = unsigned + "." + Base64.encodeURL(altered.serialized()) + "." + (kind == "none" ? "" : "AAAA")
        }
        if kind == "cut" { compact = String(compact.dropLast(4)) }
        let bearer = compact
        let error = try await brokerError { _ = try await test.release("a/b/c", bearer: bearer) }
        #expect(error?.kind == .unauthenticated)
        #expect(error?.variant == "TokenVerifierError")
    }

    @Test("A25: a token with an admin's claims, signed by the broker's own key, attests nothing")
    func adminClaims() async throws {
        let (test, token, _) = try await issued()
        let active = try #require(test.broker.signingKeys.accepted(at: Date()).first)
        let claims: JSONObject = [
            "iss": "claviger", "aud": "claviger-kbs", "role": "admin", "sub": "root",
            "exp": .int(Int64(Date().timeIntervalSince1970) + 300),
        ]
        let bearer = try JWS.sign(header: token.header, payload: claims.serialized(), with: active.key)
        let error = try await brokerError { _ = try await test.release("a/b/c", bearer: bearer) }
        #expect(error?.code == "malformed_claims")
    }

    @Test("A26: a rotation drops no token, and a retired key's tokens end with the overlap")
    func rotation() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)
        ) {
            $0.token.lifetime = .seconds(7_200)
        }
        let replica = try await test.replica(clock: test.clock) { $0.token.lifetime = .seconds(7_200) }
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        let before = try await test.attest(guest)
        let rotated = try await test.broker.rotateSigningKey(by: "test")
        #expect(rotated["active"] == true)
        let after = try await test.attest(guest)
        #expect(try JWS(compact: before.token).header != JWS(compact: after.token).header)
        #expect(try await test.broker.keySet()["keys"]?.arrayValue?.count == 2)

        test.clock.advance(by: 2)
        for broker in [test, replica] {
            for token in [before.token, after.token] { _ = try await broker.release("a/b/c", bearer: token) }
        }
        test.clock.advance(by: 3_600)
        #expect(try await test.broker.keySet()["keys"]?.arrayValue?.count == 1)
        let error = try await brokerError { _ = try await test.release("a/b/c", bearer: before.token) }
        #expect(error?.code == "unknown_signer")
        _ = try await test.release("a/b/c", bearer: after.token)
    }

    @Test("A27: a token that carries two different TEE keys is refused")
    func twoKeys() async throws {
        let (test, token, claims) = try await issued()
        let active = try #require(test.broker.signingKeys.accepted(at: Date()).first)
        var altered = claims
        altered["tee-pubkey"] = .object(try SampleGuest().key.publicJWK)
        let bearer = try JWS.sign(header: token.header, payload: altered.serialized(), with: active.key)
        let error = try await brokerError { _ = try await test.release("a/b/c", bearer: bearer) }
        #expect(error?.code == "conflicting_tee_keys")
    }

    @Test("A28: a stolen token gets only ciphertext for the original key, and after revocation nothing")
    func revocation() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll))
        let replica = try await test.replica()
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        let attestation = try await test.attest(guest)
        let stolen = try await replica.release("a/b/c", bearer: attestation.token)
        #expect(throws: JOSEError.self) { try SampleGuest().key.decrypt(stolen) }

        let id = try #require(try JWTClaims(payload: JWS(compact: attestation.token).payload).tokenID)
        _ = try await test.broker.revoke(RevocationTarget(kind: .token, value: id), reason: "stolen", by: "test")
        for broker in [test, replica] {
            for error in [
                try await brokerError { _ = try await broker.release("a/b/c", bearer: attestation.token) },
                try await brokerError { _ = try await broker.release("a/b/c", cookie: attestation.cookie.value) },
            ] {
                #expect(error?.kind == .unauthenticated)
                #expect(error?.code == "revoked")
            }
        }
        let other = try await test.attest(guest)
        _ = try await test.release("a/b/c", bearer: other.token)
        let thumbprint = try JWKThumbprint.sha256(of: guest.key.publicJWK)
        _ = try await test.broker.revoke(RevocationTarget(kind: .teeKey, value: thumbprint), reason: "", by: "test")
        let error = try await brokerError { _ = try await replica.release("a/b/c", bearer: other.token) }
        #expect(error?.code == "revoked")
    }

    @Test("a token that is not believed costs no look into the database")
    func unbelievedToken() async throws {
        let test = try await TestBroker.make(policies: nil)
        test.store.database.close()
        for bearer in ["junk", "a.b.c"] {
            let error = try await brokerError { _ = try await test.release("a/b/c", bearer: bearer) }
            #expect(error?.kind == .unauthenticated)
        }
    }

    @Test("a load of the signing keys that was overtaken by a later one never brings a retired key back")
    func overtakenLoad() async throws {
        let test = try await TestBroker.make(policies: nil)
        let old = try #require(test.broker.signingKeys.accepted(at: Date()).first)
        let fresh = try await test.broker.signingKeys.rotate()
        var loaded = SigningKeyRing.Loaded()
        let (slow, quick) = (loaded.begin(), loaded.begin())
        loaded.take([fresh], from: quick, at: Date())
        loaded.take([old], from: slow, at: Date())
        #expect(loaded.keys.map(\.id) == [fresh.id])
        let next = loaded.begin()
        loaded.take([old], from: next, at: Date())
        #expect(loaded.keys.map(\.id) == [old.id])
    }

    @Test("replicas that start at the same time share one signing key")
    func sharedKey() async throws {
        let store = try await TestBroker.make(policies: nil).store
        let keys = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let database = try await store.connect()
                    let replica = try await TestBroker.make(policies: nil, store: store, database: database)
                    return try await replica.broker.keySet().serializedString()
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(keys.count == 1)
    }
}
