import BrokerTestSupport
import Encodings
import Storage
import Testing

@testable import Broker

@Suite("Requests of one leader that come in another order than they were sent", .timeLimit(.minutes(5)))
struct RequestNumberTests {
    @Test("a list that was held up on its way does not bring back what a later one left out")
    func policies() async throws {
        let test = try await TestBroker.make()
        let replica = try await test.replica()
        _ = try await test.send([.release("a"), .release("b")], fence: 5, sequence: 1)
        _ = try await test.send([.release("a")], fence: 5, sequence: 3)
        let late = try await brokerError {
            _ = try await replica.send([.release("a"), .release("b")], fence: 5, sequence: 2)
        }
        #expect(late?.kind == .conflict && late?.code == "overtaken")
        #expect(try await test.origins().keys.sorted() == ["a", "default-cpu"])
        // The very same once more is no other request: whoever lost the answer may ask again.
        #expect(try await replica.send([.release("a")], fence: 5, sequence: 3).changes == ["a": "unchanged"])
    }

    @Test("a list that changed nothing keeps out those that were sent before it, too")
    func unchangedPolicies() async throws {
        let test = try await TestBroker.make()
        let first = try await test.send([.release("a")], fence: 5, sequence: 1)
        let again = try await test.send([.release("a")], fence: 5, sequence: 3)
        #expect(again.generation == first.generation, "to note a number is no change of policies")
        let late = try await brokerError { _ = try await test.send([], fence: 5, sequence: 2) }
        #expect(late?.code == "overtaken")
    }

    @Test("of two lists that are sent at once on two brokers the later one is what is left, whichever is first")
    func race() async throws {
        let test = try await TestBroker.make()
        let replica = try await test.replica()
        for round in Int64(1)...15 {
            async let old = brokerError {
                _ = try await test.send([.release("old")], fence: 1, sequence: round * 2)
            }
            // The later one may have to come again, as its sender does with a bigger number.
            async let new = brokerError {
                _ = try await replica.send([.release("new")], fence: 1, sequence: round * 2 + 1)
            }
            let errors = (try await old, try await new)
            #expect([errors.0, errors.1].compactMap(\.self).allSatisfy { $0.code == "overtaken" })
            if errors.1 == nil { #expect(try await test.origins().keys.sorted() == ["default-cpu", "new"]) }
            #expect(errors.0 == nil || errors.1 == nil)
        }
    }

    @Test("a later leader counts from the beginning, and what is remembered of a former one goes")
    func laterLeader() async throws {
        let test = try await TestBroker.make()
        let fixture = try await SecretFixture.make()
        _ = try await test.send([.release("a")], fence: 5, sequence: 900)
        #expect(try await test.send([.release("b")], fence: 6, sequence: 1).changes == ["b": "created"])
        #expect(try await brokerError { _ = try await test.send([], fence: 5, sequence: 901) }?.code == "fenced")
        try await fixture.put(fence: 5, sequence: 7)
        _ = try await fixture.test.send([], fence: 6, source: "cluster-a", sequence: 1)
        let left = try await fixture.test.store.database.query("SELECT subject FROM source_requests")
        #expect(try left.map { try $0.text(0) } == [""])
    }

    @Test("a sender who does not count is taken as before, and may be told what others counted")
    func withoutNumbers() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a")], fence: 5, sequence: 3)
        #expect(try await test.send([.release("b")], fence: 5).changes == ["b": "created"])
        try await test.broker.deleteSource("east", by: "admin")
        #expect(try await test.send([.release("a")], fence: 1, sequence: 1).changes == ["a": "created"])
    }

    @Test("an older value of a Secret that was held up on its way does not replace the newer one")
    func secretValue() async throws {
        let fixture = try await SecretFixture.make()
        let spec = SecretFixture.spec("key", SecretFixture.copied)
        try await fixture.put(spec, value: "zero", sequence: 1)
        try await fixture.put(spec, value: "new", sequence: 3)
        #expect(try await fixture.refusal { try await fixture.put(spec, value: "old", sequence: 2) } == "overtaken")
        #expect(try await fixture.read() == Array("new".utf8))
        // Also where the later request found everything as it should be.
        try await fixture.put(spec, value: "new", sequence: 5)
        #expect(try await fixture.refusal { try await fixture.put(spec, value: "old", sequence: 4) } == "overtaken")
        // Other objects of the leader have numbers of their own.
        try await fixture.put(SecretFixture.spec("other"), name: "other", uid: "u-2", sequence: 2)
    }

    @Test("a request that was held up makes no secret again that its object let go of, had there been one or not")
    func secretGone() async throws {
        let fixture = try await SecretFixture.make()
        try await fixture.put(sequence: 1)
        try await fixture.remove(policy: "Delete", sequence: 3)
        #expect(try await fixture.refusal { try await fixture.put(sequence: 2) } == "overtaken")
        try await fixture.remove(name: "never", uid: "u-9", sequence: 5)
        let late = try await fixture.refusal {
            try await fixture.put(SecretFixture.spec("never"), name: "never", uid: "u-9", sequence: 4)
        }
        #expect(late == "overtaken")
        #expect(try await fixture.refusal { try await fixture.remove(sequence: 2) } == "overtaken")
    }

    @Test("a number is a whole one from 0", arguments: ["-1", "1.5", "\"1\"", "[]"])
    func malformed(_ number: String) async throws {
        let body = #"{"fence":1,"sequence":\#(number),"documents":[]}"#
        let error = try await brokerError { _ = try SourceRequest(source: "east", body: Array(body.utf8)) }
        #expect(error?.kind == .malformed)
    }
}
