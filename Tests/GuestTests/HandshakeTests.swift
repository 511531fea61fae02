import Encodings
import Foundation
import GuestTestSupport
import JOSE
import KBSProtocol
import RATS
import Testing

@testable import Guest

/// A sample attester that also has a device.
struct DeviceAttester: Attester {
    let tee = TEE.sample
    var additional = #"{"sampledevice":{"svn":"2","report_data":"x"}}"#

    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        try await SampleAttester().evidence(reportData: reportData)
    }

    func additionalEvidence(reportData: [UInt8]) async throws(GuestError) -> String { additional }
}

func plainConfiguration(_ url: String, clock: WallClock = .system) -> KBSClientConfiguration {
    KBSClientConfiguration(url: url, insecureHTTPAllowed: true, clock: clock)
}

@Suite("The handshake")
struct HandshakeTests {
    static func client(_ url: String, clock: WallClock = .system) throws -> KBSClient {
        try KBSClient(plainConfiguration(url, clock: clock), attester: SampleAttester())
    }

    @Test("GC 25: auth offers version 0.4.0, the TEE and all hash algorithms")
    func authBody() async throws {
        try await FakeKBS.run { broker, url in
            _ = try await Self.client(url).token()
            let body = try #require(broker.recorded("auth").first?.body)
            #expect(
                String(decoding: body, as: UTF8.self)
                    == #"{"version":"0.4.0","tee":"sample","extra-params":{"supported-hash-algorithms":["sha256","sha384","sha512","sm3"]}}"#
            )
        }
    }

    @Test(
        "GC 26: the challenge selects the hash, SHA-384 when it does not",
        arguments: [
            #""""#, "{}", #"{"selected-hash-algorithm":"Sha512"}"#, #"{"selected-hash-algorithm":"SHA512"}"#,
            #"{"selected-hash-algorithm":"sha256"}"#,
        ])
    func selectedHash(parameters: String) async throws {
        let parameters = try JSONValue(parsing: parameters)
        try await FakeKBS.run { broker, url in
            broker.set(challengeParameters: parameters)
            _ = try await Self.client(url).token()
            #expect(broker.attestations == 1)
        }
    }

    @Test(
        "GC 26: a selection that is no known name ends the handshake",
        arguments: [
            #""""#, #""foo""#, "[]", "{}", "true", "99999", "42.141",
        ])
    func badSelection(selection: String) async throws {
        let parameters: JSONValue = ["selected-hash-algorithm": try JSONValue(parsing: selection)]
        try await FakeKBS.run { broker, url in
            broker.set(challengeParameters: parameters)
            let client = try Self.client(url)
            await #expect { try await client.token() } throws: { ($0 as? GuestError)?.code == .unexpected }
            #expect(broker.attestations == 0)
        }
    }

    @Test("GC 27, GC 28, GC 29: report data and attest bodies equal the worked vectors")
    func vectors() async throws {
        let file = try Vectors.json("report-data-vectors.json")
        let key = try JWEPrivateKey(pem: Vectors.text("tee-key-p256.pkcs8.pem"))
        let nonce = try #require(file["nonce"]?.stringValue)
        let cases = try #require(file["cases"]?.arrayValue)
        #expect(cases.count >= 6)
        for vector in cases {
            let additional = try #require(vector["additional_evidence"]?.stringValue)
            let handshake = Handshake(
                connection: try BrokerConnection(plainConfiguration("http://127.0.0.1:9")),
                attester: DeviceAttester(additional: additional), keyKind: .ecP256, initData: nil, clock: .system)
            let hash = try #require(vector["hash"]?.stringValue)
            let challenge = Challenge(nonce: nonce, extraParameters: ["selected-hash-algorithm": .string(hash)])
            let body = try JSONValue(parsing: await handshake.attestation(challenge, key: key).serialized())
            #expect(body == vector["attest_body"])
            #expect(body.objectValue?["init-data"]?.isNull == true)
        }
    }

    @Test("GC 29: init-data travels as TOML text, and the cookie of auth comes back")
    func initData() async throws {
        let toml = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"aa.toml\" = ''\n"
        try await FakeKBS.run { broker, url in
            var configuration = plainConfiguration(url)
            configuration.initData = toml
            _ = try await KBSClient(configuration, attester: SampleAttester()).token()
            let request = try #require(broker.recorded("attest").first)
            let body = try JSONValue(parsing: request.body)
            #expect(body["init-data"] == ["format": "toml", "body": .string(toml)])
            #expect(request.headers["cookie"]?.hasPrefix("kbs-session-id=") == true)
            #expect(request.headers["cookie"]?.contains("HttpOnly") == false)
        }
        #expect(throws: GuestError.self) {
            var configuration = plainConfiguration("http://127.0.0.1:9")
            configuration.initData = "no = toml for us"
            _ = try KBSClient(configuration, attester: SampleAttester())
        }
    }

    @Test("GC 28: device evidence is bound verbatim")
    func devices() async throws {
        try await FakeKBS.run { broker, url in
            _ = try await KBSClient(plainConfiguration(url), attester: DeviceAttester()).token()
            let body = try JSONValue(parsing: #require(broker.recorded("attest").first).body)
            #expect(
                body[pointer: "/tee-evidence/additional_evidence"]?.stringValue == DeviceAttester().additional)
        }
    }

    @Test("GC 30, GC 37: handshake, resource, then token, with a trailing slash in the address")
    func wholeFlow() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("default/key/1", Array("plaintext".utf8))
            let client = try Self.client(url + "/")
            let secret = try await client.resource(ResourceURI("kbs:///default/key/1"))
            #expect(secret == SecretBytes(Array("plaintext".utf8)))
            let exported = try JSONValue(parsing: await client.token().exported().copyBytes())
            #expect(exported.objectValue?.names == ["token", "tee_keypair"])
            #expect(broker.attestations == 1)
        }
    }

    @Test(
        "GC 34: answers sealed to every kind of key are opened",
        arguments: [
            JWEPrivateKey.Kind.ecP256, .ecP384, .ecP521, .rsa2048, .mlKEM768,
        ])
    func keyKinds(kind: JWEPrivateKey.Kind) async throws {
        try await FakeKBS.run { broker, url in
            broker.put("default/key/1", [1, 2, 3])
            var configuration = plainConfiguration(url)
            configuration.keyKind = kind
            let client = try KBSClient(configuration, attester: SampleAttester())
            #expect(try await client.resource(ResourceURI("kbs:///default/key/1")) == SecretBytes([1, 2, 3]))
        }
    }

    @Test("GC 34: the worked JWE vectors open", arguments: ["p256", "p521", "rsa-oaep-256", "ml-kem-768"])
    func jweVectors(name: String) throws {
        let vector = try Vectors.json("jwe/\(name).json")
        let key: JWEPrivateKey
        if let seed = vector["private_seed_hex"]?.stringValue {
            key = try JWEPrivateKey(mlKEM768Seed: SecretBytes(Hex.decode(seed)))
        } else {
            let pem = vector["private_key_pkcs8_pem"] ?? vector["private_key_pkcs1_pem"]
            key = try JWEPrivateKey(pem: #require(pem?.stringValue))
        }
        let sealed = try #require(vector["jwe"])
        let opened = try key.decrypt(sealed.stringValue.map { Array($0.utf8) } ?? sealed.serialized())
        #expect(String(decoding: opened.copyBytes(), as: UTF8.self) == vector["plaintext"]?.stringValue)
    }

    @Test("GC 36: P-256 is the default; RSA and ML-KEM announce themselves; ML-KEM has no PEM")
    func keyForms() throws {
        #expect(KBSClientConfiguration(url: "https://x").keyKind == .ecP256)
        #expect(try JWEPrivateKey.generate(.rsa2048).publicJWK["alg"] == "RSA-OAEP-256")
        let mlKEM = try JWEPrivateKey.generate(.mlKEM768)
        #expect(mlKEM.publicJWK["pub"]?.stringValue?.utf8.count == 1579)
        let jwt = try Vectors.text("test-token.jwt").trimmingCharacters(in: .whitespacesAndNewlines)
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        #expect(throws: GuestError.self) { try AttestedToken(token: jwt, key: mlKEM, now: now).exported() }
        let p521 = try AttestedToken(token: jwt, key: .generate(.ecP521), now: now).exported()
        let pem = try #require(JSONValue(parsing: p521.copyBytes())["tee_keypair"]?.stringValue)
        #expect(try JWEPrivateKey(pem: pem).algorithm == .ecdhESA256KW)
    }
}
