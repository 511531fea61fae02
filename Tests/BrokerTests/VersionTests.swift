import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import KBSProtocol
import RATS
import Testing

@testable import Broker

@Suite("Guests of every released protocol version")
struct VersionTests {
    private static let policies = TestPolicies.stream(
        TestPolicies.appraisal, TestPolicies.deviceAppraisal, TestPolicies.allowAll)

    private func legacy(_ configuration: inout BrokerConfiguration) {
        configuration.protocolVersions.legacy = true
        configuration.protocolVersions.minimumVersion = "0.1.0"
    }

    private func broker(_ scenario: JSONValue, legacy isLegacy: Bool = true) async throws -> TestBroker {
        let nonce = try #require(scenario[pointer: "/challenge/nonce"]?.stringValue)
        return try await TestBroker.make(policies: Self.policies, nonce: nonce) { if isLegacy { legacy(&$0) } }
    }

    private static func cases(_ version: String) throws -> (scenarios: [JSONValue], key: JWEPrivateKey) {
        let file = try Vector.json("versions/\(version).json")
        let keys = try #require(file["tee_private_key"]?.objectValue)
        let pem = try #require(keys["ec_pkcs8_pem"]?.stringValue ?? keys["rsa_pkcs1_pem"]?.stringValue)
        return (try #require(file["cases"]?.arrayValue), try JWEPrivateKey(pem: pem))
    }

    private func bytes(_ value: JSONValue?) throws -> [UInt8] { Array(try #require(value?.stringValue).utf8) }

    @Test(
        "a whole handshake and a secret, from the bytes that a guest of the version sends",
        arguments: [
            "0.1.0", "0.1.1", "0.2.0", "0.4.0",
        ])
    func handshake(_ version: String) async throws {
        let (scenarios, key) = try Self.cases(version)
        for scenario in scenarios {
            let name = try #require(scenario["case"]?.stringValue)
            let test = try await broker(scenario)
            try await test.put("default/key/1", "secret of \(name)")
            let (challenge, cookie) = try await test.broker.challenge(try bytes(scenario["request_raw"]))
            #expect(String(decoding: challenge.serialized(), as: UTF8.self) == scenario["challenge_raw"]?.stringValue)
            let body = try bytes(scenario["attestation_raw"])
            // Guests before v0.9 bind their evidence in ways that are not served.
            guard name != "0.1.0-a", name != "0.1.0-b" else {
                let error = try await brokerError { _ = try await test.broker.attest(body: body, cookie: cookie.value) }
                #expect(error?.kind == .unauthenticated)
                continue
            }
            let attestation = try await test.broker.attest(body: body, cookie: cookie.value)
            for message in [
                try await test.release("default/key/1", cookie: attestation.cookie.value),
                try await test.release("default/key/1", bearer: attestation.token),
            ] {
                let isLegacy = version < "0.2.0"
                let secret = isLegacy ? try key.decryptLegacy(message) : try key.decrypt(message)
                #expect(String(decoding: secret.copyBytes(), as: UTF8.self) == "secret of \(name)")
                let tag = try JSONObject(parsing: message)["tag"]?.stringValue
                #expect((tag == "") == isLegacy)
            }
        }
    }

    @Test(
        "0.3.0, which was never released, and the old versions without their switch are refused",
        arguments: [
            "0.1.0", "0.1.1", "0.3.0",
        ])
    func notServed(_ version: String) async throws {
        let scenario = try #require(try Self.cases(version).scenarios.first)
        let test = try await broker(scenario, legacy: false)
        let request = try bytes(scenario["request_raw"])
        let error = try await brokerError { _ = try await test.broker.challenge(request) }
        #expect(error?.message.contains("KBS Client Protocol Version Mismatch") == true)
    }

    @Test("a guest of 0.1.1 gets a resource only where the operator lowered the version that it needs")
    func minimumVersion() async throws {
        let scenario = try #require(try Self.cases("0.1.1").scenarios.first)
        let nonce = try #require(scenario[pointer: "/challenge/nonce"]?.stringValue)
        let test = try await TestBroker.make(policies: Self.policies, nonce: nonce) {
            $0.protocolVersions.legacy = true
            $0.protocolVersions.resourceMinimumVersions = ["default/old/*": "0.1.1"]
        }
        for path in ["default/old/1", "default/new/1"] { try await test.put(path, "secret") }
        let (_, cookie) = try await test.broker.challenge(try bytes(scenario["request_raw"]))
        let attestation = try await test.broker.attest(
            body: try bytes(scenario["attestation_raw"]), cookie: cookie.value)
        _ = try await test.release("default/old/1", cookie: attestation.cookie.value)
        let error = try await brokerError {
            _ = try await test.release("default/new/1", cookie: attestation.cookie.value)
        }
        #expect(error?.kind == .denied)
        #expect(error?.code == "protocol_too_old")
    }

    @Test("attestations that try to pass under a weaker rule are refused")
    func negativeVectors() async throws {
        let file = try Vector.json("versions/negative.json")
        for scenario in try #require(file["attestations"]?.arrayValue) {
            let session = try #require(scenario["session"])
            let nonce = try #require(session["nonce"]?.stringValue)
            let test = try await TestBroker.make(policies: Self.policies, nonce: nonce) { legacy(&$0) }
            let request: JSONValue = [
                "version": try #require(session["version"]), "tee": try #require(session["tee"]), "extra-params": "",
            ]
            let name = scenario["name"]?.stringValue ?? ""
            let error = try await brokerError {
                let (_, cookie) = try await test.broker.challenge(request.serialized())
                let body = try #require(scenario["attestation"]).serialized()
                _ = try await test.broker.attest(body: body, cookie: cookie.value)
            }
            #expect(error?.kind == .unauthenticated || error?.kind == .malformed, "\(name)")
        }
    }

    @Test("versions are accepted and refused as the vectors say")
    func requestVersions() async throws {
        let test = try await TestBroker.make(policies: nil) { legacy(&$0) }
        let file = try Vector.json("versions/negative.json")
        for scenario in try #require(file["request_versions"]?.arrayValue) {
            let request: JSONValue = [
                "version": scenario["version"] ?? .null, "tee": "sample", "extra-params": "",
            ]
            let error = try await brokerError { _ = try await test.broker.challenge(request.serialized()) }
            // The vectors' server serves 0.3.0 too; this one never does.
            let isAccepted =
                scenario["expect"]?.stringValue?.hasPrefix("accept") == true && scenario["version"] != "0.3.0"
            #expect((error == nil) == isAccepted, "\(scenario)")
        }
    }
}
