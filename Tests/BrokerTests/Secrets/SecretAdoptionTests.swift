import BrokerTestSupport
import Encodings
import KBSProtocol
import Storage
import TestSupport
import Testing

@testable import Broker

@Suite("Brokered secrets: taken over, destroyed and sent too late", .timeLimit(.minutes(5)))
struct SecretAdoptionTests {
    private static let adopting = SecretFixture.spec(others: ["adopt": true, "versions": ["keep": 1]])

    @Test("A48: a cluster takes over nothing that others wrote, unless the configuration lets its source do that")
    func notAllowed() async throws {
        let fixture = try await SecretFixture.make()
        try await fixture.test.put("payments/a/key", "by hand")
        let refusal = try await fixture.refusal { try await fixture.put(Self.adopting) }
        #expect(refusal == "adopt_not_allowed")
        #expect(try await fixture.read() == Array("by hand".utf8))
        // What nobody has it may have all the same.
        let own = SecretFixture.spec("own", others: ["adopt": true])
        #expect(try await fixture.put(own, name: "own", uid: "own")["currentVersion"] == 1)
        // Nor does it take what another source has; one that is named without `adopt` is no better than one that is not named.
        let other = try await SecretFixture.make(adopting: true)
        try await other.put()
        let thief = try await other.refusal { try await other.put(Self.adopting, source: "cluster-b", uid: "u-2") }
        #expect(thief == "adopt_not_allowed")
        #expect(try await other.put()["currentVersion"] == 1)
    }

    @Test("what an administrator wrote is there again when the object that took it over is gone")
    func neverDestroyed() async throws {
        let fixture = try await SecretFixture.make(adopting: true)
        try await fixture.test.put("payments/a/key", "by hand")
        let spec = SecretFixture.spec(
            "key", ("generate", ["kind": "aes256", "rotationInterval": "1h"]),
            ["adopt": true, "versions": ["keep": 1], "deletionPolicy": "Delete"])
        try await fixture.put(spec)
        for _ in 0..<3 {
            fixture.test.clock.advance(by: 3601)
            await fixture.broker.rotateSecrets()
        }
        try await fixture.put(spec)
        let versions = try await fixture.broker.resources.versions(path: "payments/a/key")
        #expect(versions.map { $0.destroyedAt == nil } == [true, false, false, false, true])
        #expect(try await fixture.remove()["destroyed"] == true)
        let again = try await fixture.test.attest(fixture.guest)
        let message = try await fixture.test.release("payments/a/key", cookie: again.cookie.value)
        #expect(try fixture.guest.key.decrypt(message).copyBytes() == Array("by hand".utf8))
    }

    @Test("a value that an administrator destroyed stays destroyed until somebody changes the object")
    func destroyed() async throws {
        let fixture = try await SecretFixture.make(adopting: true)
        let sealed = SecretFixture.sealed(try fixture.seal("leaked", serial: 1))
        let specs = [
            SecretFixture.spec("key", sealed), SecretFixture.spec("copied", SecretFixture.copied),
            SecretFixture.spec("made", others: ["adopt": true]),
        ]
        for (name, spec) in zip(["secret", "copied", "made"], specs) {
            let value = name == "copied" ? "leaked" : nil
            let path = name == "secret" ? "payments/a/key" : "payments/a/\(name)"
            try await fixture.put(spec, name: name, uid: name, value: value)
            try await fixture.broker.deleteResource(ResourcePath(path), by: "administrator")
            for _ in 0..<2 {
                let code = try await fixture.refusal {
                    try await fixture.put(spec, name: name, uid: name, value: value)
                }
                #expect(code == "destroyed", "\(name)")
            }
            #expect(try await fixture.refusal { _ = try await fixture.read(path) } == "not_found")
            let again = try await fixture.put(spec, name: name, uid: name, generation: 2, value: value)
            #expect(again["currentVersion"] == 2, "\(name)")
        }
    }

    @Test("a request that waited while the secret was changed or let go of brings nothing back")
    func waited() async throws {
        let fixture = try await SecretFixture.make()
        let spec = SecretFixture.spec("key", SecretFixture.copied)
        try await fixture.put(spec, value: "zero")
        let request = SecretRequest(
            source: "cluster-a", namespace: "payments", name: "secret", fence: 1, uid: "u-1", generation: 1, spec: spec,
            value: SecretBytes(Array("old".utf8)))
        let wanted = try WantedSecret(request)
        func look() async throws -> SecretSituation {
            try await fixture.broker.situation("payments", "secret", wanted.path)
        }
        func refusal(since first: SecretSituation) async throws -> String? {
            let now = try await look()
            return try await fixture.refusal {
                try Broker.requireNotOvertaken(request, SecretPlan(wanted, now, mayAdopt: false), first, now)
            }
        }
        let first = try await look()
        #expect(try await refusal(since: first) == nil)
        try await fixture.put(spec, value: "new")
        #expect(try await refusal(since: first) == "overtaken")
        // Whoever sends what is there already is not told off.
        let second = try await look()
        try await fixture.put(spec, value: "old")
        #expect(try await refusal(since: second) == nil)
        try await fixture.remove(policy: "Delete")
        #expect(try await refusal(since: second) == "overtaken")
    }

    @Test("requests that meet, each with another value, end with the value of one that was taken")
    func meeting() async throws {
        let fixture = try await SecretFixture.make()
        let replica = try await fixture.test.replica(clock: fixture.test.clock)
        let spec = SecretFixture.spec("key", SecretFixture.copied)
        try await fixture.put(spec, value: "zero")
        for round in 0..<5 {
            let results = try await withThrowingTaskGroup(of: (String, String?).self) { group in
                for index in 0..<4 {
                    let value = "\(round)-\(index)"
                    let broker = index % 2 == 0 ? fixture.broker : replica.broker
                    group.addTask {
                        (value, try await fixture.refusal { try await fixture.put(spec, value: value, on: broker) })
                    }
                }
                return try await group.reduce(into: [(String, String?)]()) { $0.append($1) }
            }
            #expect(results.allSatisfy { $0.1 == nil || $0.1 == "overtaken" }, "\(results)")
            let left = String(decoding: try await fixture.read(), as: UTF8.self)
            #expect(results.contains { $0.0 == left && $0.1 == nil }, "\(left) of \(results)")
        }
    }

    @Test("a fence that somebody poisoned with a secret can be forgotten, also where signatures are required")
    func poisonedFenceSigned() async throws {
        let test = try await TestBroker.make(policies: nil, configure: PolicySigner.require(try PolicySigner()))
        func put(_ fence: Int64) async throws {
            _ = try await test.broker.applySecret(
                SecretRequest(
                    source: "east", namespace: "payments", name: "s", fence: fence, uid: "u", generation: 1,
                    spec: SecretFixture.spec()), by: "controller")
        }
        try await put(.max)
        #expect(try await brokerError { try await put(7) }?.code == "fenced")
        try await test.broker.deleteSource("east", by: "admin")
        try await put(7)
        #expect(try await brokerError { try await test.broker.deleteSource("west", by: "admin") }?.kind == .notFound)
    }
}
