import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import KBSProtocol

@testable import Broker

/// A broker whose guests get whatever is stored, and a cluster that asks it for secrets.
struct SecretFixture {
    let test: TestBroker
    let guest: SampleGuest
    let attestation: Attestation

    /// - Parameter adopting: Whether the source `cluster-a` may take over what others wrote.
    static func make(adopting: Bool = false) async throws -> SecretFixture {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)
        ) { configuration in
            guard adopting else { return }
            configuration.policies.sources = [
                PolicySourceConfiguration(name: "cluster-a", allowsAdopting: true),
                PolicySourceConfiguration(name: "cluster-b"),
            ]
        }
        let guest = try SampleGuest()
        return SecretFixture(test: test, guest: guest, attestation: try await test.attest(guest))
    }

    var broker: Broker { test.broker }

    static func spec(
        _ tag: String = "key", _ origin: (String, JSONValue) = ("generate", ["kind": "aes256"]),
        _ others: JSONObject = [:]
    ) -> JSONValue {
        var spec: JSONObject = ["path": ["type": "a", "tag": .string(tag)]]
        spec[origin.0] = origin.1
        for (name, value) in others { spec[name] = value }
        return .object(spec)
    }

    static func sealed(_ text: String) -> (String, JSONValue) { ("sealed", ["jwe": .string(text)]) }

    static let copied: (String, JSONValue) = ("secretRef", ["name": "s", "key": "k"])

    /// Asks as the source `cluster-a` for the object `payments/secret`, unless told otherwise.
    @discardableResult
    func put(
        _ spec: JSONValue = spec(), source: String = "cluster-a", namespace: String = "payments",
        name: String = "secret", fence: Int64 = 1, uid: String = "u-1", generation: Int64 = 1, value: String? = nil,
        sequence: Int64? = nil, on other: Broker? = nil
    ) async throws -> JSONValue {
        try await (other ?? broker).applySecret(
            SecretRequest(
                source: source, namespace: namespace, name: name, fence: fence, uid: uid, generation: generation,
                spec: spec, value: value.map { SecretBytes(Array($0.utf8)) }, sequence: sequence), by: "controller")
    }

    @discardableResult
    func remove(
        source: String = "cluster-a", name: String = "secret", fence: Int64 = 1, uid: String = "u-1",
        policy: String? = nil, sequence: Int64? = nil
    ) async throws -> JSONValue {
        try await broker.removeSecret(
            SecretRemoval(
                source: source, namespace: "payments", name: name, fence: fence, uid: uid, deletionPolicy: policy,
                sequence: sequence),
            by: "controller")
    }

    /// What a guest gets.
    func read(_ path: String = "payments/a/key") async throws -> [UInt8] {
        let message = try await test.release(path, cookie: attestation.cookie.value)
        return try guest.key.decrypt(message).copyBytes()
    }

    func seal(
        _ value: String, serial: Int64, namespace: String = "payments", name: String = "secret",
        path: String = "payments/a/key"
    ) throws -> String {
        guard let jwk = broker.sealingKeySet()["keys"]?.arrayValue?.first?.objectValue else { return "" }
        return try SealedForBroker(
            sealing: SecretBytes(Array(value.utf8)), to: jwk, namespace: namespace, name: name,
            path: try ResourcePath(path), serial: serial
        ).text
    }

    /// The code with which a request is refused; `nil` when it is not.
    func refusal(_ body: () async throws -> Void) async throws -> String? {
        try await brokerError(body)?.code
    }
}
