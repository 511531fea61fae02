import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import KBSProtocol
import Storage
import TestSupport
import Testing

@testable import Broker

@Suite("Brokered secrets: sealed to the broker", .timeLimit(.minutes(5)))
struct SealedBrokeredSecretTests {
    private func put(
        _ fixture: SecretFixture, _ text: String, tag: String = "key", namespace: String = "payments",
        name: String = "secret", generation: Int64 = 1
    ) async throws {
        try await fixture.put(
            SecretFixture.spec(tag, SecretFixture.sealed(text)), namespace: namespace, name: name, uid: name,
            generation: generation)
    }

    @Test("a sealed value is what guests get, and a later one takes its place")
    func sealed() async throws {
        let fixture = try await SecretFixture.make()
        try await put(fixture, fixture.seal("one", serial: 1))
        #expect(try await fixture.read() == Array("one".utf8))
        try await put(fixture, fixture.seal("two", serial: 5), generation: 2)
        #expect(try await fixture.read() == Array("two".utf8))
        #expect(try await fixture.broker.resources.versions(path: "payments/a/key").count == 2)
    }

    @Test("a sealed value cannot be moved to another path, object or tenant")
    func moved() async throws {
        let fixture = try await SecretFixture.make()
        let text = try fixture.seal("mine", serial: 1)
        let places = [("other", "payments", "secret"), ("key", "payments", "thief"), ("key", "thieves", "secret")]
        for (tag, namespace, name) in places {
            let code = try await fixture.refusal {
                try await put(fixture, text, tag: tag, namespace: namespace, name: name)
            }
            #expect(code == "sealed_for_another", "\(namespace)/\(name) \(tag)")
        }
        // With the header rewritten, it does not open.
        let parts = text.split(separator: ".").map(String.init)
        var header = try JSONObject(parsing: Base64.decodeURL(parts[0]))
        header["claviger.dev/path"] = "thieves/a/key"
        header["claviger.dev/secret"] = "thieves/secret"
        let forged = ([Base64.encodeURL(header.serialized())] + parts.dropFirst()).joined(separator: ".")
        let code = try await fixture.refusal { try await put(fixture, forged, namespace: "thieves") }
        #expect(code == "sealed_value_unusable")
        #expect(try await fixture.broker.resources.list().isEmpty)
    }

    @Test("an older sealed value is refused, also after the object was deleted and made again")
    func replay() async throws {
        let fixture = try await SecretFixture.make()
        let old = try fixture.seal("old", serial: 3)
        let new = try fixture.seal("new", serial: 4)
        try await put(fixture, old)
        try await put(fixture, new, generation: 2)
        #expect(try await fixture.refusal { try await put(fixture, old, generation: 3) } == "sealed_replay")
        let twin = try fixture.seal("twin", serial: 4)
        #expect(try await fixture.refusal { try await put(fixture, twin, generation: 3) } == "sealed_replay")
        #expect(try await fixture.read() == Array("new".utf8))
        try await fixture.remove(uid: "secret", policy: "Delete")
        #expect(try await fixture.refusal { _ = try await fixture.read() } == "not_found")
        #expect(try await fixture.refusal { try await put(fixture, old) } == "sealed_replay")
        // The latest one comes back: nothing newer was ever there.
        try await put(fixture, new)
        #expect(try await fixture.read() == Array("new".utf8))
    }

    @Test("a sealed value with any part changed, cut or made for another key is refused")
    func tampered() async throws {
        let fixture = try await SecretFixture.make()
        let text = try fixture.seal("value", serial: 1)
        let parts = text.split(separator: ".").map(String.init)
        for index in 1..<parts.count {
            var changed = parts
            var bytes = try Base64.decodeURL(parts[index])
            bytes[0] ^= 1
            changed[index] = Base64.encodeURL(bytes)
            let code = try await fixture.refusal { try await put(fixture, changed.joined(separator: ".")) }
            #expect(code == "sealed_value_unusable", "part \(index)")
        }
        let foreign = try JWEPrivateKey.generate(.ecP256)
        let stranger = try SealedForBroker(
            sealing: SecretBytes([1]), to: foreign.publicJWK, namespace: "payments", name: "secret",
            path: ResourcePath("payments/a/key"), serial: 1)
        #expect(try await fixture.refusal { try await put(fixture, stranger.text) } == "unknown_sealing_key")
        // A JWE that names none of object, path and serial is one for a guest, or from somewhere else.
        let jwk = try #require(fixture.broker.sealingKeySet()["keys"]?.arrayValue?.first?.objectValue)
        let bare = try JWERecipient(jwk: jwk).encryptCompact(SecretBytes([1]))
        #expect(try await fixture.refusal { try await put(fixture, bare) } == "sealed_value_malformed")
        for text in ["", "a.b.c.d", "a.b.c.d.e.f", String(repeating: "a", count: 200_000), "a. .c.d.e"] {
            #expect(try await fixture.refusal { try await put(fixture, text) } == "invalid_spec")
        }
    }

    @Test("every broker on a database has the same keys, and former ones open for a while after a rotation")
    func rotation() async throws {
        let fixture = try await SecretFixture.make()
        let clock = fixture.test.clock
        let replica = try await fixture.test.replica(clock: clock)
        #expect(replica.broker.sealingKeySet() == fixture.broker.sealingKeySet())
        let before = try fixture.seal("before", serial: 1)
        _ = try await fixture.broker.rotateSealingKey(by: "test")
        let keys = try #require(fixture.broker.sealingKeySet()["keys"]?.arrayValue)
        #expect(keys.count == 2 && keys.allSatisfy { $0["d"] == nil && $0["use"] == "enc" })
        let after = try fixture.seal("after", serial: 2)
        clock.advance(by: 10)
        let spec = { (text: String) in SecretFixture.spec("key", SecretFixture.sealed(text)) }
        try await fixture.put(spec(before), on: replica.broker)
        // The other broker was not told of the new key, and looks for it.
        try await fixture.put(spec(after), generation: 2, on: replica.broker)
        clock.advance(by: 91 * 86_400)
        #expect(fixture.broker.sealingKeySet()["keys"]?.arrayValue?.count == 1)
        let late = try SealedForBroker(
            sealing: SecretBytes([1]), to: try #require(keys[1].objectValue), namespace: "payments", name: "secret",
            path: ResourcePath("payments/a/key"), serial: 3)
        #expect(
            try await fixture.refusal { try await fixture.put(spec(late.text), generation: 3) } == "unknown_sealing_key"
        )
    }

    @Test("neither the database nor the log ever holds a value or a private sealing key")
    func canary() async throws {
        let fixture = try await SecretFixture.make()
        let canary = "canary-5fb1d0"
        try await put(fixture, fixture.seal(canary, serial: 1))
        try await fixture.put(
            SecretFixture.spec("copied", SecretFixture.copied), name: "copied", uid: "c", value: canary)
        #expect(!fixture.test.logs.text.contains(canary))
        for table in ["brokered_secrets", "resource_versions", "signing_keys"] {
            let rows = try await fixture.test.store.database.query("SELECT t::text FROM \(table) t")
            let text = try rows.map { try $0.text(0) }.joined()
            // Bytes are shown as hexadecimal digits, and may hold Base64.
            for plain in [canary, Base64.encode(Array(canary.utf8)), "PRIVATE"] {
                #expect(!text.contains(plain) && !text.contains(Hex.encode(Array(plain.utf8))), "\(plain) in \(table)")
            }
        }
    }
}
