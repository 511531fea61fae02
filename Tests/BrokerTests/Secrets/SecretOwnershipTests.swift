import BrokerTestSupport
import Encodings
import Foundation
import KBSProtocol
import Storage
import TestSupport
import Testing

@testable import Broker

@Suite("Brokered secrets: whose they are", .timeLimit(.minutes(5)))
struct SecretOwnershipTests {
    @Test("what an administrator wrote is not overwritten, unless the object adopts it")
    func administrator() async throws {
        let fixture = try await SecretFixture.make(adopting: true)
        try await fixture.test.put("payments/a/key", "by hand")
        #expect(try await fixture.refusal { try await fixture.put() } == "owned_by")
        #expect(try await fixture.read() == Array("by hand".utf8))
        let adopted = try await fixture.put(SecretFixture.spec(others: ["adopt": true]), generation: 2)
        #expect(adopted["currentVersion"] == 2)
        #expect(try await fixture.read().count == 32)
        // Nor is what he writes later, by a request or by a rotation.
        try await fixture.put(
            SecretFixture.spec("key", ("generate", ["kind": "aes256", "rotationInterval": "1h"])), generation: 3)
        try await fixture.test.put("payments/a/key", "again by hand")
        #expect(try await fixture.refusal { try await fixture.put(generation: 4) } == "owned_by")
        fixture.test.clock.advance(by: 3700)
        await fixture.broker.rotateSecrets()
        #expect(try await fixture.broker.resources.versions(path: "payments/a/key").count == 3)
    }

    @Test("another source, another uid and another object get nothing of it, unless they adopt the name")
    func strangers() async throws {
        let fixture = try await SecretFixture.make(adopting: true)
        try await fixture.put()
        let value = try await fixture.read()
        #expect(try await fixture.refusal { try await fixture.put(source: "cluster-b") } == "owned_by")
        #expect(try await fixture.refusal { try await fixture.put(uid: "u-2") } == "owned_by")
        let adopting = SecretFixture.spec(others: ["adopt": true])
        #expect(try await fixture.refusal { try await fixture.put(adopting, name: "other", uid: "u-3") } == "owned_by")
        #expect(try await fixture.refusal { try await fixture.remove(source: "cluster-b") } == "owned_by")
        #expect(try await fixture.refusal { try await fixture.remove(uid: "u-2") } == "owned_by")
        #expect(try await fixture.read() == value)
        try await fixture.put(adopting, uid: "u-2")
        #expect(try await fixture.read() != value)
        #expect(try await fixture.refusal { try await fixture.put(generation: 9) } == "owned_by")
    }

    @Test("A32: a namespace has secrets in its own repository only")
    func tenants() async throws {
        let fixture = try await SecretFixture.make()
        let foreign: JSONValue = [
            "path": ["repository": "treasury", "type": "a", "tag": "key"], "generate": ["kind": "aes256"],
        ]
        #expect(try await fixture.refusal { try await fixture.put(foreign) } == "invalid_spec")
        for namespace in ["..", ".hidden", "a/b", "", "a%2fb", "-"] {
            #expect(try await fixture.refusal { try await fixture.put(namespace: namespace) } == "invalid_spec")
        }
        for tag in ["..", "a/b", "", "a b", "*", "\u{0}"] {
            #expect(try await fixture.refusal { try await fixture.put(SecretFixture.spec(tag)) } == "invalid_spec")
        }
        for source in ["", "A", "a/b", "-a", "a.", String(repeating: "a", count: 64)] {
            #expect(try await fixture.refusal { try await fixture.put(source: source) } == "invalid_source")
        }
        #expect(try await fixture.broker.resources.list().isEmpty)
    }

    @Test("a source that is held to namespaces has secrets of no other, and one that is not named has none")
    func heldSources() async throws {
        let test = try await TestBroker.make { configuration in
            configuration.policies.sources = [PolicySourceConfiguration(name: "cluster-a", namespaces: ["payments"])]
        }
        let guest = try SampleGuest()
        let fixture = SecretFixture(test: test, guest: guest, attestation: try await test.attest(guest))
        try await fixture.put()
        let foreign = try await fixture.refusal { try await fixture.put(namespace: "treasury", uid: "u-2") }
        #expect(foreign == "namespace_not_allowed")
        let stranger = try await fixture.refusal { try await fixture.put(source: "cluster-b", name: "b", uid: "b") }
        #expect(stranger == "unknown_source")
    }

    @Test("a leader that was overtaken with policies is overtaken with secrets too")
    func sharedFence() async throws {
        let fixture = try await SecretFixture.make()
        let body: JSONValue = ["fence": 7, "documents": []]
        let request = try SourceRequest(source: "cluster-a", body: body.serialized())
        _ = try await fixture.broker.setSourcePolicies(request, dryRun: false, by: "controller")
        #expect(try await fixture.refusal { try await fixture.put(fence: 6) } == "fenced")
        try await fixture.put(fence: 7)
    }

    @Test("who shows a smaller number than the last of its source changes nothing")
    func fence() async throws {
        let fixture = try await SecretFixture.make()
        try await fixture.put(fence: 5)
        #expect(try await fixture.refusal { try await fixture.put(fence: 4, generation: 2) } == "fenced")
        #expect(try await fixture.refusal { try await fixture.remove(fence: 4) } == "fenced")
        // The number counts for all objects of the source, and for no other source.
        try await fixture.put(fence: 6)
        #expect(try await fixture.refusal { try await fixture.put(name: "b", fence: 5, uid: "b") } == "fenced")
        try await fixture.put(SecretFixture.spec("other"), source: "cluster-b", name: "b", fence: 1, uid: "b")
    }

    @Test("the value of a Secret is a new version only when it changed")
    func copied() async throws {
        let fixture = try await SecretFixture.make()
        let spec = SecretFixture.spec("key", SecretFixture.copied)
        #expect(try await fixture.refusal { try await fixture.put(spec) } == "value_missing")
        let first = try await fixture.put(spec, value: "one")
        #expect(try await fixture.put(spec, value: "one") == first)
        let second = try await fixture.put(spec, value: "two")
        #expect(second["currentVersion"] == 2)
        #expect(try await fixture.read() == Array("two".utf8))
        let large = String(repeating: "x", count: SecretRequest.maximumValueBytes + 1)
        #expect(try await fixture.refusal { try await fixture.put(spec, value: large) } == "value_too_large")
    }

    @Test("what is shown of a value cannot be used to find out a sealed one by guessing")
    func oracle() async throws {
        let fixture = try await SecretFixture.make()
        let sealed = try await fixture.put(
            SecretFixture.spec("key", SecretFixture.sealed(try fixture.seal("hunter2", serial: 1))))
        let guess = try await fixture.put(
            SecretFixture.spec("key", SecretFixture.copied), generation: 2, value: "hunter2")
        #expect(guess["contentMAC"] != sealed["contentMAC"] && guess["currentVersion"] == 2)
        let resealed = try await fixture.put(
            SecretFixture.spec("key", SecretFixture.sealed(try fixture.seal("hunter2", serial: 2))), generation: 3)
        #expect(resealed["contentMAC"] != sealed["contentMAC"] && resealed["contentMAC"] != guess["contentMAC"])
    }

    @Test("nor one that stands in a Secret, by naming a Secret of one's own with the guess in it")
    func referenceOracle() async throws {
        let fixture = try await SecretFixture.make()
        func copied(_ name: String, _ key: String) -> JSONValue {
            SecretFixture.spec("key", ("secretRef", ["name": .string(name), "key": .string(key)]))
        }
        var seen = [try await fixture.put(copied("database", "password"), value: "hunter2")]
        for (name, key, guess) in [
            ("mine", "password", "hunter2"), ("database", "mine", "hunter2"), ("other", "password", "wrong"),
        ] {
            let answer = try await fixture.put(
                copied(name, key), generation: Int64(seen.count + 1), value: guess)
            // Right or wrong, it looks the same: a version more, and a MAC that was never seen.
            #expect(answer["currentVersion"] == .int(Int64(seen.count + 1)))
            #expect(seen.allSatisfy { $0["contentMAC"] != answer["contentMAC"] })
            seen.append(answer)
        }
    }

    @Test("deleting an object keeps or destroys the resource, as it said")
    func deletion() async throws {
        let fixture = try await SecretFixture.make()
        try await fixture.put()
        let kept = try await fixture.remove()
        #expect(kept["removed"] == true && kept["destroyed"] == false)
        #expect(try await fixture.read().count == 32)
        #expect(try await fixture.remove()["removed"] == false)
        // The object that comes after it is another one, and finds a resource that is not its own.
        #expect(try await fixture.refusal { try await fixture.put(uid: "u-2") } == "owned_by")
        let deleting = SecretFixture.spec("other", others: ["deletionPolicy": "Delete", "versions": ["keep": 5]])
        try await fixture.put(deleting, name: "b", uid: "u-3")
        #expect(try await fixture.read("payments/a/other").count == 32)
        #expect(try await fixture.remove(name: "b", uid: "u-3")["destroyed"] == true)
        #expect(try await fixture.refusal { _ = try await fixture.read("payments/a/other") } == "not_found")
        let versions = try await fixture.broker.resources.versions(path: "payments/a/other")
        #expect(versions.allSatisfy { $0.destroyedAt != nil })
    }

    @Test("whoever writes into the database cannot change an owner, a serial or a date")
    func foreignWriter() async throws {
        let fixture = try await SecretFixture.make()
        try await fixture.put()
        for change in ["source = 'thief'", "next_rotation = 1", "path = 'payments/a/other'", "revision = 9"] {
            _ = try await fixture.test.store.database.query("UPDATE brokered_secrets SET \(change)")
            #expect(try await fixture.refusal { try await fixture.put() } == "storage_corrupt", "\(change)")
            _ = try await fixture.test.store.database.query(
                """
                UPDATE brokered_secrets SET source = 'cluster-a', next_rotation = NULL, path = 'payments/a/key',
                revision = 1
                """)
        }
        try await fixture.put()
    }

    @Test("many who ask for one secret at once get one version")
    func concurrent() async throws {
        let fixture = try await SecretFixture.make()
        let replica = try await fixture.test.replica(clock: fixture.test.clock)
        let answers = try await withThrowingTaskGroup(of: JSONValue.self) { group in
            for index in 0..<6 {
                let broker = index % 2 == 0 ? fixture.broker : replica.broker
                group.addTask { try await fixture.put(on: broker) }
            }
            return try await group.reduce(into: [JSONValue]()) { $0.append($1) }
        }
        #expect(Set(answers.map { $0["contentMAC"]?.stringValue }).count == 1)
        #expect(try await fixture.broker.resources.versions(path: "payments/a/key").count == 1)
    }

    @Test("no policy could release it: the answer says so")
    func unattached() async throws {
        let fixture = try await SecretFixture.make()
        #expect(try await fixture.put()["policyAttached"] == true)
        let test = try await TestBroker.make()
        let answer = try await test.broker.applySecret(
            SecretRequest(
                source: "a", namespace: "payments", name: "s", fence: 0, uid: "u", generation: 0,
                spec: SecretFixture.spec()), by: "controller")
        #expect(answer["policyAttached"] == false)
    }
}
