import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import Storage
import TestSupport
import Testing

@testable import Broker

@Suite("Brokered secrets: made by the broker", .timeLimit(.minutes(5)))
struct GeneratedSecretTests {
    @Test("a value is made once, whatever is asked how often, and guests get it")
    func idempotent() async throws {
        let fixture = try await SecretFixture.make()
        let first = try await fixture.put()
        #expect(first["uri"] == "kbs:///payments/a/key" && first["currentVersion"] == 1)
        #expect(first["policyAttached"] == true && first["nextRotation"] == .null)
        let value = try await fixture.read()
        #expect(value.count == 32)
        #expect(try await fixture.put() == first)
        let later = try await fixture.put(SecretFixture.spec(others: ["versions": ["keep": 7]]), generation: 2)
        #expect(later["currentVersion"] == 1 && later["contentMAC"] == first["contentMAC"])
        #expect(try await fixture.read() == value)
        let other = try await fixture.put(
            SecretFixture.spec("key", ("generate", ["kind": "random", "length": 48])), generation: 3)
        #expect(other["currentVersion"] == 2)
        #expect(try await fixture.read().count == 48)
        // A former state of the object, told by somebody who lags behind, changes nothing.
        #expect(try await fixture.refusal { try await fixture.put(generation: 2) } == "overtaken")
    }

    @Test("keys are of the kind that was asked for, in a form that others read", arguments: ["ed25519", "p256"])
    func keys(_ kind: String) async throws {
        let fixture = try await SecretFixture.make()
        try await fixture.put(SecretFixture.spec("key", ("generate", ["kind": .string(kind)])))
        let key = try SigningKey(pem: String(decoding: try await fixture.read(), as: UTF8.self))
        #expect(key.algorithm == (kind == "p256" ? .es256 : .edDSA))
    }

    @Test("an RSA key has 3072 bits")
    func rsa() async throws {
        let fixture = try await SecretFixture.make()
        try await fixture.put(SecretFixture.spec("key", ("generate", ["kind": "rsa3072"])))
        let pem = String(decoding: try await fixture.read(), as: UTF8.self)
        #expect(pem.hasPrefix("-----BEGIN PRIVATE KEY-----"))
        let modulus = try #require(try JWEPrivateKey(pem: pem).publicJWK["n"]?.stringValue)
        #expect(try Base64.decodeURL(modulus).count == 384)
    }

    @Test("absurd sizes, kinds and intervals are refused before anything is made")
    func absurd() async throws {
        let fixture = try await SecretFixture.make()
        let specs: [JSONValue] = [
            ["kind": "random", "length": 0], ["kind": "random", "length": 15], ["kind": "random", "length": 4097],
            ["kind": "random", "length": 9_223_372_036_854_775_807], ["kind": "random", "length": -1],
            ["kind": "aes256", "length": 32], ["kind": "rsa65536"], ["kind": "aes256", "rotationInterval": "1s"],
            ["kind": "aes256", "rotationInterval": "99999999h"], [:],
        ]
        for spec in specs {
            let code = try await fixture.refusal {
                try await fixture.put(SecretFixture.spec("key", ("generate", spec)))
            }
            #expect(code == "invalid_spec", "\(spec)")
        }
        #expect(try await fixture.refusal { try await fixture.put(value: "x") } == "unwanted_value")
        #expect(try await fixture.refusal { _ = try await fixture.read() } == "not_found")
    }

    @Test("a rotation makes one version for a period that is over, however long ago")
    func rotation() async throws {
        let fixture = try await SecretFixture.make()
        let spec = SecretFixture.spec("key", ("generate", ["kind": "aes256", "rotationInterval": "24h"]))
        let made = try await fixture.put(spec)
        #expect(made["nextRotation"]?.stringValue != nil)
        let first = try await fixture.read()
        await fixture.broker.rotateSecrets()
        #expect(try await fixture.read() == first)
        fixture.test.clock.advance(by: 100 * 3600)
        await fixture.broker.rotateSecrets()
        await fixture.broker.rotateSecrets()
        let now = try await fixture.put(spec)
        #expect(now["currentVersion"] == 2 && now["contentMAC"] != made["contentMAC"])
        #expect(try await fixture.read(after: 100 * 3600) != first)
    }

    @Test("two brokers that rotate at once make one version")
    func concurrentRotation() async throws {
        let fixture = try await SecretFixture.make()
        let names = (0..<5).map { "secret-\($0)" }
        for name in names {
            try await fixture.put(
                SecretFixture.spec(name, ("generate", ["kind": "random", "rotationInterval": "1h"])), name: name,
                uid: name)
        }
        let clock = fixture.test.clock
        let replica = try await fixture.test.replica(clock: clock)
        clock.advance(by: 4000)
        await withTaskGroup(of: Void.self) { group in
            for broker in [fixture.broker, replica.broker, fixture.broker, replica.broker] {
                group.addTask { await broker.rotateSecrets() }
            }
        }
        for name in names {
            let versions = try await fixture.broker.resources.versions(path: "payments/a/\(name)")
            #expect(versions.map(\.version) == [2, 1])
        }
    }

    @Test("former versions are kept as long as asked for, then destroyed")
    func keep() async throws {
        let fixture = try await SecretFixture.make()
        let spec = SecretFixture.spec(
            "key", ("generate", ["kind": "aes256", "rotationInterval": "1h"]), ["versions": ["keep": 2]])
        try await fixture.put(spec)
        for _ in 0..<4 {
            fixture.test.clock.advance(by: 3601)
            await fixture.broker.rotateSecrets()
        }
        let versions = try await fixture.broker.resources.versions(path: "payments/a/key")
        #expect(versions.map { $0.destroyedAt == nil } == [true, true, false, false, false])
    }
}

extension SecretFixture {
    static func spec(_ tag: String = "key", others: JSONObject) -> JSONValue {
        spec(tag, ("generate", ["kind": "aes256"]), others)
    }

    /// What a guest gets that attests again after some time has passed.
    fileprivate func read(after seconds: Double) async throws -> [UInt8] {
        let again = try await test.attest(guest)
        let message = try await test.release("payments/a/key", cookie: again.cookie.value)
        return try guest.key.decrypt(message).copyBytes()
    }
}
