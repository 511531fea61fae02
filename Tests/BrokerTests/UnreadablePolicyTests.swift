import BrokerTestSupport
import Encodings
import Policy
import Storage
import Testing

@testable import Broker

@Suite("A source beside stored policies that cannot be used", .timeLimit(.minutes(5)))
struct UnreadablePolicyTests {
    /// Stores a document that this version does not understand, as a later one may have.
    private func store(_ name: String, _ text: String, origin: String, in test: TestBroker) async throws {
        let policy = NewPolicy(
            key: PolicyKey(kind: "ReleasePolicy", namespace: "shop", name: name), text: text, digest: "d-\(name)")
        let generation = try await test.broker.policyDocuments.generation()
        if let source = PolicySource.name(ofOrigin: origin) {
            let uids = try await test.broker.policyDocuments.uids(ofSource: source)
            let change = PolicySourceChange(
                source: source, fence: 1, put: [policy], removed: [],
                uids: uids.merging([policy.key: "uid-\(name)"]) { $1 })
            _ = try await test.broker.policyDocuments.apply(change, by: "later", after: generation)
        } else {
            _ = try await test.broker.policyDocuments.put([policy], origin: origin, by: "later", after: generation)
        }
    }

    @Test("a stored version that nobody can read keeps neither others' changes out nor what they delete in")
    func formerVersion() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a"), .release("b")], fence: 1)
        let odd = "apiVersion: claviger.dev/v9\nkind: ReleasePolicy\nmetadata: {name: odd, namespace: shop}\n"
        try await store("odd", odd, origin: "source/east", in: test)
        let later = Sent(text: odd, uid: "uid-odd", name: "odd")
        let answer = try await test.send([later, .release("b", tee: "tdx")], fence: 1)
        #expect(answer["odd"]?["accepted"] == false && answer["b"]?["change"] == "changed")
        #expect(answer.json["removed"] == ["ReleasePolicy/shop/a"])
        // It stays in the table, and nothing is released until somebody mends it.
        #expect(try await test.origins()["odd"] == "source/east")
        let uids = try await test.broker.policyDocuments.uids(ofSource: "east")
        #expect(uids.values.sorted() == ["uid-b", "uid-odd"])
        let mended = try await test.send([.release("odd"), .release("b", tee: "tdx")], fence: 1)
        #expect(mended["odd"]?["accepted"] == true)
        #expect(try await test.broker.policies.current().bundle.documents.count == 3)
    }

    @Test("who sends a list learns nothing of documents of others that cannot be read, or do not compile")
    func foreign() async throws {
        let test = try await TestBroker.make()
        try await store("hidden-name", "spec: [", origin: "admin", in: test)
        let answer = try await test.send([.release("a")], fence: 1)
        #expect(answer["a"]?["accepted"] == true)
        #expect(!answer.json.serializedString().contains("hidden"))
        #expect(test.logs.text.contains("hidden-name"))
    }
}
