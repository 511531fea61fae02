import BrokerTestSupport
import Encodings
import Policy
import Storage
import TestSupport
import Testing

@testable import Broker

@Suite("Policies of a source", .timeLimit(.minutes(5)))
struct PolicySourceTests {
    // MARK: - What a new list does

    @Test("a source's documents are what its last list says: new, changed, removed, in one generation each time")
    func levelTriggered() async throws {
        let test = try await TestBroker.make()
        let first = try await test.send([.release("a"), .release("b")], fence: 1)
        #expect(first.changes == ["a": "created", "b": "created"])
        let second = try await test.send([.release("b", tee: "tdx"), .release("c")], fence: 1)
        #expect(second.changes == ["b": "changed", "c": "created"])
        #expect(second.json["removed"] == ["ReleasePolicy/shop/a"])
        #expect(second.generation == first.generation + 1)
        let third = try await test.send([.release("c"), .release("b", tee: "tdx")], fence: 1)
        #expect(third.changes == ["b": "unchanged", "c": "unchanged"])
        #expect(third.generation == second.generation)
        #expect(try await test.origins() == ["b": "source/east", "c": "source/east", "default-cpu": "admin"])
    }

    @Test("a dry run judges and stores nothing, not even the fence")
    func dryRun() async throws {
        let test = try await TestBroker.make()
        let answer = try await test.send([.release("a")], fence: 9, dryRun: true)
        #expect(answer.changes == ["a": "created"])
        #expect(try await test.origins() == ["default-cpu": "admin"])
        #expect(try await test.send([.release("b")], fence: 1).changes == ["b": "created"])
    }

    @Test("a broken document is refused with its diagnostics, its former version stays, and the others go in")
    func brokenDocument() async throws {
        let test = try await TestBroker.make()
        let good = try await test.send([.release("a"), .release("b")], fence: 1)
        let answer = try await test.send([.release("a").broken, .release("b", tee: "tdx"), .release("c")], fence: 1)
        #expect(answer.changes == ["a": "refused", "b": "changed", "c": "created"])
        let refused = try #require(answer["a"])
        #expect(refused["accepted"] == false && refused["compiled"] == false)
        #expect(refused["inForce"] == good["a"]?["digest"])
        #expect(refused["diagnostics"]?.arrayValue?.first?["path"] == "spec.surprise")
        #expect(refused["uid"] == "uid-a" && refused["generation"] == 1)
        #expect(try await test.origins().keys.sorted() == ["a", "b", "c", "default-cpu"])
        #expect(answer["b"]?["inForce"] == answer["b"]?["digest"])
    }

    @Test("an object that was deleted and made anew does not keep the former one's policy in force when it is broken")
    func recreatedObject() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a")], fence: 1)
        var anew = Sent.release("a").broken
        anew.uid = "another"
        let answer = try await test.send([anew], fence: 1)
        #expect(answer["a"]?["inForce"] == .null)
        #expect(answer.json["removed"] == ["ReleasePolicy/shop/a"])
        #expect(try await test.origins().keys.sorted() == ["default-cpu"])
    }

    @Test("an object that was made anew with the same content is known by its new uid from then on")
    func recreatedUnchanged() async throws {
        let test = try await TestBroker.make()
        let first = try await test.send([.release("a")], fence: 1)
        var anew = Sent.release("a")
        anew.uid = "another"
        let second = try await test.send([anew], fence: 1)
        #expect(second.changes == ["a": "unchanged"] && second.generation == first.generation)
        var broken = anew.broken
        #expect(try await test.send([broken], fence: 1)["a"]?["inForce"] == first["a"]?["digest"])
        broken.uid = "uid-a"
        #expect(try await test.send([broken], fence: 1)["a"]?["inForce"] == .null)
    }

    @Test("while a document cannot be told apart nothing is removed, as it may be any of the others")
    func unnamedDocument() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.guardrail("limit"), .release("a")], fence: 1)
        let nameless = Sent(text: "{{{", uid: nil, name: "")
        let withheld = try await test.send([nameless, .release("a")], fence: 1)
        #expect(withheld.json["removalsWithheld"] == true)
        #expect(withheld.json["removed"] == [])
        #expect(try await test.origins().keys.sorted() == ["a", "default-cpu", "limit"])
        let named = Sent(text: "{{{", uid: "uid-limit", name: "limit")
        let kept = try await test.send([named], fence: 1)
        #expect(kept["limit"]?["accepted"] == false && kept["limit"]?["inForce"] != .null)
        #expect(kept.json["removed"] == ["ReleasePolicy/shop/a"])
    }

    @Test("an object that is far too large is refused alone: what others deleted goes all the same")
    func oversized() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a"), .release("b")], fence: 1)
        let nested = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let texts = [
            #"{"kind":"ReleasePolicy","metadata":{"name":"big","namespace":"shop"},"x":"\#(String(repeating: "x", count: 400_000))"}"#,
            #"{"kind":"ReleasePolicy","metadata":{"name":"deep","namespace":"shop"},"x":\#(nested)}"#,
        ]
        let sent = [Sent(text: texts[0], uid: "u1", name: "big"), Sent(text: texts[1], uid: "u2", name: "deep")]
        let answer = try await test.send(sent + [.release("b")], fence: 1)
        #expect(answer["big"]?["name"] == "big" && answer["big"]?["code"] == "too_large")
        #expect(answer["deep"]?["name"] == "deep" && answer["deep"]?["accepted"] == false)
        #expect(answer.json["removalsWithheld"] == false)
        #expect(answer.json["removed"] == ["ReleasePolicy/shop/a"])
    }

    @Test("a thousand broken documents are each refused, and the one that is right goes in")
    func thousandBroken() async throws {
        let test = try await TestBroker.make()
        let broken = (0..<1_000).map { Sent.release("broken-\($0)").broken }
        let answer = try await test.send(broken + [.release("good")], fence: 1)
        #expect(answer.changes.values.count { $0 == "refused" } == 1_000)
        #expect(answer.changes["good"] == "created")
        #expect(test.metrics.prometheusText().contains("claviger_policy_source_refused{source=\"east\"} 1000"))
    }

    @Test("a thousand documents that all take one name are refused, each with the reason, and the others go in")
    func thousandClashes() async throws {
        let test = try await TestBroker.make()
        let clashing = (0..<1_000).map { Sent.values("values-\($0)", ["digest"]) }
        let answer = try await test.send(clashing + [.values("fine", ["other"])], fence: 1)
        #expect(answer.changes.values.count { $0 == "refused" } == 1_000)
        #expect(answer["values-7"]?["code"] == "duplicate_name")
        #expect(answer.changes["fine"] == "created")
    }

    @Test("whoever gives a name of a reference value keeps it; the newcomer is refused")
    func clashWithIncumbent() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.values("z", ["digest"])], fence: 1)
        let answer = try await test.send([.values("a", ["digest"]), .values("z", ["digest", "more"])], fence: 1)
        #expect(answer.changes == ["a": "refused", "z": "changed"])
        let moved = try await test.send([.values("a", ["digest"]), .values("z", ["more"])], fence: 1)
        #expect(moved.changes == ["a": "created", "z": "changed"])
    }

    @Test("two objects of one name are both refused, as nobody can say which is meant")
    func duplicates() async throws {
        let test = try await TestBroker.make()
        let answer = try await test.send([.release("a"), .release("a", tee: "tdx"), .release("b")], fence: 1)
        #expect(answer["a"]?["code"] == "duplicate_document")
        #expect(try await test.origins().keys.sorted() == ["b", "default-cpu"])
    }

    // MARK: - Whose documents

    @Test("A32: a policy of a namespace that reaches another repository is refused, whatever its source")
    func foreignRepository() async throws {
        let test = try await TestBroker.make()
        let thief = Sent.release("thief", resources: "vault/**")
        let answer = try await test.send([thief, .release("b")], fence: 1)
        #expect(answer["thief"]?["code"] == "foreign_resource")
        #expect(answer.changes["b"] == "created")
    }

    @Test("A47: a source has only the kinds and namespaces that it was given, and loses what it has beyond them")
    func restrictedSource() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a"), .release("b", namespace: "vault")], fence: 1)
        let replica = try await test.replica { configuration in
            configuration.policies.sources = [
                PolicySourceConfiguration(
                    name: "east", kinds: [.releasePolicy, .clusterReleasePolicy], namespaces: ["sh*"])
            ]
        }
        let answer = try await replica.send(
            [
                .release("a"), .release("b", namespace: "vault"), .guardrail("limit"), .values("v", ["x"]),
                .release("c", namespace: "s"),
            ], fence: 1)
        #expect(answer.changes["a"] == "unchanged")
        #expect(answer["b"]?["code"] == "namespace_not_allowed" && answer["b"]?["inForce"] == .null)
        #expect(answer["c"]?["code"] == "namespace_not_allowed")
        #expect(answer["limit"]?["code"] == "cluster_not_allowed")
        #expect(answer["v"]?["code"] == "kind_not_allowed")
        #expect(try await test.origins().keys.sorted() == ["a", "default-cpu"])
        let stranger = try await brokerError { _ = try await replica.send([], fence: 1, source: "west") }
        #expect(stranger?.kind == .denied && stranger?.code == "unknown_source")
    }

    @Test("a source touches nobody else's documents: they are refused with who owns them")
    func ownership() async throws {
        let test = try await TestBroker.make()
        _ = try await test.broker.applyPolicies(Sent.release("a").text, dryRun: false, by: "admin")
        _ = try await test.send([.release("b")], fence: 1, source: "west")
        let answer = try await test.send(
            [.release("a", tee: "tdx"), .release("b", tee: "tdx"), .release("c")], fence: 1)
        #expect(answer["a"]?["code"] == "owned_by" && answer["b"]?["code"] == "owned_by")
        #expect(answer["a"]?["message"]?.stringValue?.contains("admin") == true)
        #expect(answer["b"]?["message"]?.stringValue?.contains("source/west") == true)
        #expect(answer["a"]?["compiled"] == true && answer["a"]?["accepted"] == false)
        _ = try await test.send([], fence: 1)
        #expect(
            try await test.origins() == ["a": "admin", "b": "source/west", "default-cpu": "admin"])
    }

    @Test("an administrator cannot delete or overwrite a source's document, and is told whose it is")
    func administratorRefused() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a")], fence: 1)
        let name = PolicyName(kind: "ReleasePolicy", namespace: "shop", name: "a")
        let deleting = try await brokerError { try await test.broker.deletePolicy(name, by: "admin") }
        let applying = try await brokerError {
            _ = try await test.broker.applyPolicies(Sent.release("a", tee: "tdx").text, dryRun: false, by: "admin")
        }
        for error in [deleting, applying] {
            #expect(error?.kind == .conflict && error?.code == "owned_by")
            #expect(error?.message.contains("source/east") == true)
        }
        #expect(try await test.send([.release("a")], fence: 1).changes == ["a": "unchanged"])
    }

    @Test(
        "A47: a row that somebody wrote in a source's name keeps no administrator from mending, and counts for nothing")
    func forgedOrigin() async throws {
        let test = try await TestBroker.make()
        _ = try await test.broker.applyPolicies(Sent.release("a").text, dryRun: false, by: "admin")
        _ = try await test.store.database.query(
            "UPDATE policies SET origin = 'source/east' WHERE name = 'a'")
        // The seal says whose it is: the row's own word neither removes it nor lets the source have it.
        #expect(try await test.send([], fence: 1).json["removed"] == [])
        #expect(try await test.send([.release("a")], fence: 1)["a"]?["code"] == "owned_by")
        _ = try await test.broker.applyPolicies(Sent.release("a").text, dryRun: false, by: "admin")
        #expect(try await test.origins() == ["a": "admin", "default-cpu": "admin"])
        _ = try await test.store.database.query(
            """
            INSERT INTO policies (kind, namespace, name, body, digest, origin, generation, updated_by)
            SELECT kind, namespace, 'new', body, digest, 'source/east', generation, updated_by FROM policies WHERE name = 'a'
            """)
        try await test.broker.deletePolicy(
            PolicyName(kind: "ReleasePolicy", namespace: "shop", name: "new"), by: "admin")
        #expect(try await test.origins() == ["a": "admin", "default-cpu": "admin"])
    }

    @Test("what somebody changed past the brokers in a source's document is mended by its next list")
    func mending() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("a"), .release("b")], fence: 1)
        _ = try await test.store.database.query("UPDATE policies SET body = 'x' WHERE name = 'a'")
        let answer = try await test.send([.release("a"), .release("b")], fence: 1)
        #expect(answer.changes["a"] == "changed")
        #expect(try await test.broker.policyStatus()["problem"] == .null)
        #expect(
            try await test.broker.policy(
                PolicyName(kind: "ReleasePolicy", namespace: "shop", name: "a"))["text"]?.stringValue?.contains("snp")
                == true)
    }

    @Test("a policy that a broker installed by itself becomes the source's that has one of its name")
    func installedPolicies() async throws {
        let test = try await TestBroker.make(policies: nil) { $0.policies.installDefaults = true }
        let answer = try await test.send([Sent(text: TestPolicies.appraisal, uid: "u", name: "default-cpu")], fence: 1)
        #expect(answer["default-cpu"]?["accepted"] == true)
        #expect(try await test.origins()["default-cpu"] == "source/east")
    }

    @Test(
        "a name that could be taken for something else's is none of a source",
        arguments: [
            "", "bundle/x", "source/x", "..", ".", "A", "a_b", "-a", "a/b", "a\u{0}", "ä",
            String(repeating: "a", count: 300),
        ])
    func sourceNames(_ name: String) async throws {
        let error = try await brokerError {
            _ = try SourceRequest(source: name, body: Array(#"{"fence":1,"documents":[]}"#.utf8))
        }
        #expect(error?.code == "invalid_source")
    }

    @Test("a source named admin or bundle owns nothing of the administrator's or of a bundle's")
    func collidingNames() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([], fence: 1, source: "admin")
        _ = try await test.send([], fence: 1, source: "bundle")
        #expect(try await test.origins() == ["default-cpu": "admin"])
    }

    @Test(
        "a request that is not exactly as it should be is refused as a whole",
        arguments: [
            "", "[]", "{}", #"{"fence":-1,"documents":[]}"#, #"{"fence":1.5,"documents":[]}"#,
            #"{"fence":1,"documents":{}}"#, #"{"fence":1,"documents":[{}]}"#, #"{"fence":1,"documents":["a"]}"#,
            #"{"fence":1,"documents":[{"text":"a","uid":""}]}"#, #"{"fence":1,"documents":[{"text":"a","uid":5}]}"#,
            #"{"fence":1,"documents":[{"text":"a","generation":"1"}]}"#, #"{"fence":1,"documents":[],"force":true}"#,
            #"{"fence":1,"fence":2,"documents":[]}"#,
        ])
    func malformed(_ body: String) async throws {
        let error = try await brokerError { _ = try SourceRequest(source: "east", body: Array(body.utf8)) }
        #expect(error?.code == "malformed_message")
    }

    @Test("where signatures are required every document is refused for the lack of one, and nothing changes")
    func signaturesRequired() async throws {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: nil, configure: PolicySigner.require(signer))
        let answer = try await test.send([.release("a"), .release("b").broken], fence: 1)
        #expect(answer["a"]?["code"] == "signature_required" && answer["b"]?["code"] == "signature_required")
        #expect(try await test.origins() == [:])
    }
}
