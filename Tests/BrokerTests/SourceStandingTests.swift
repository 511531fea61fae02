import BrokerTestSupport
import Encodings
import Policy
import Testing

@testable import Broker

@Suite("How a source's documents stand beside the others", .timeLimit(.minutes(5)))
struct SourceStandingTests {
    @Test("a policy says how many stored resources it is about, and zero is a number")
    func matches() async throws {
        let test = try await TestBroker.make()
        for path in ["shop/key/a", "shop/key/b", "shop/cert/a", "shopping/key/a", "shop0/key/a", "vault/key/a"] {
            try await test.put(path, "secret")
        }
        try await test.put("shop/key/gone", "secret")
        try await test.broker.deleteResource(try .init("shop/key/gone"), by: "test")
        func count(_ pattern: String) async throws -> JSONValue? {
            try await test.send([.release("a", resources: pattern)], fence: 1)["a"]?["matchesResources"]
        }
        #expect(try await count("shop/**") == 3)
        #expect(try await count("shop/key/*") == 2)
        #expect(try await count("shop/*/a") == 2)
        #expect(try await count("shop/key/a") == 1)
        #expect(try await count("shop/key/gone") == 0)
        #expect(try await count("shop/key/ghost") == 0)
        let cluster = try await test.send([.guardrail("limit"), .values("v", ["x"])], fence: 1)
        #expect(cluster["limit"]?["matchesResources"] == 6)
        #expect(cluster["v"]?["matchesResources"] == .null)
    }

    @Test(
        "a policy is shadowed by one that allows all of it under no more conditions, and by a guardrail that shuts it out"
    )
    func shadows() async throws {
        let test = try await TestBroker.make()
        let wide = Sent.release("wide", resources: "shop/*/*")
        let strict = Sent.release(
            "strict", resources: "shop/key/a", more: "  validations: [{expression: \"tee == 'snp'\"}]")
        let other = Sent.release("other", resources: "shop/key/b", tee: "tdx")
        let answer = try await test.send([wide, strict, other], fence: 1)
        #expect(answer["strict"]?["shadowedBy"] == ["ReleasePolicy/shop/wide"])
        #expect(answer["wide"]?["shadowedBy"] == [] && answer["other"]?["shadowedBy"] == [])
        let limited = try await test.send([wide, strict, other, .guardrail("limit", tee: "snp")], fence: 1)
        #expect(limited["other"]?["shadowedBy"] == ["ClusterReleasePolicy/-/limit"])
        #expect(limited["wide"]?["shadowedBy"] == [])
        let twice = try await test.send([.guardrail("a"), .guardrail("b"), .guardrail("c", tee: "snp, tdx")], fence: 1)
        #expect(twice["a"]?["shadowedBy"] == [])
        #expect(twice["b"]?["shadowedBy"] == ["ClusterReleasePolicy/-/a"])
        #expect(twice["c"]?["shadowedBy"] == ["ClusterReleasePolicy/-/a", "ClusterReleasePolicy/-/b"])
    }

    @Test("what cannot be proven is not said: counted releases, an audit, another namespace, another condition")
    func noShadow() async throws {
        let test = try await TestBroker.make()
        let wide = "shop/**"
        let narrow = Sent.release("narrow", resources: "shop/key/a")
        let others: [Sent] = [
            .release("w1", resources: wide, more: "  limits: {maxReleases: 1}"),
            .release("w2", resources: wide, more: "  mode: Audit"),
            .release("w3", resources: wide, more: "  validations: [{expression: \"status == 'affirming'\"}]"),
            .release("w4", resources: wide, more: "  validations: [{expression: \"false\"}]"),
            .release("w5", namespace: "shopping", resources: "shopping/**"),
        ]
        for other in others {
            let answer = try await test.send([narrow, other], fence: 1)
            #expect(answer[other.name]?["accepted"] == true, "\(answer.json)")
            #expect(answer["narrow"]?["shadowedBy"] == [], "\(other.name)")
        }
    }

    @Test("reference values that a policy asks for and nobody gives are named, until somebody does")
    func unresolved() async throws {
        let test = try await TestBroker.make()
        let asking = Sent.release(
            "asking", more: "  validations: [{expression: \"tee == reference('one') || tee == reference('two')\"}]")
        let first = try await test.send([asking, .values("v", ["two"])], fence: 1)
        #expect(first["asking"]?["unresolvedReferences"] == ["one"])
        try await test.broker.putReferenceValue("one", value: "x", expires: nil, by: "test")
        let second = try await test.send([asking, .values("v", ["two"])], fence: 1)
        #expect(second["asking"]?["unresolvedReferences"] == [])
        let third = try await test.send([asking], fence: 1)
        #expect(third["asking"]?["unresolvedReferences"] == ["two"])
    }
}
