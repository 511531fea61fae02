import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Bundles")
struct BundleTests {
    private func values(_ name: String, _ entry: String, namespace: String? = nil) -> String {
        "apiVersion: claviger.dev/v1alpha1\nkind: ReferenceValues\nmetadata: {name: \(name)\(namespace.map { ", namespace: \($0)" } ?? "")}\nspec: {values: [{name: \(entry), value: 1}]}"
    }

    @Test("the same reference value twice in one scope is refused, with its place")
    func conflicts() throws {
        let twice = values("a", "x") + "\n---\n" + values("b", "x")
        do {
            _ = try Fixture.bundle(twice)
            Issue.record("accepted")
        } catch let error as PolicyError {
            #expect(error.diagnostics.map(\.code) == ["duplicate_name"])
            #expect(error.diagnostics.map(\.line) == [9])
            #expect(error.code == "policy_invalid")
        }
        #expect(throws: PolicyError.self) {
            try Fixture.bundle(values("a", "x"), registered: ReferenceValues(["x": 1]))
        }
        #expect(throws: PolicyError.self) {
            try Fixture.bundle(values("a", "x", namespace: "team"), values("b", "x", namespace: "team"))
        }
        _ = try Fixture.bundle(
            values("a", "x"), values("a", "x", namespace: "team"), values("b", "x", namespace: "other"))
    }

    @Test("the digest depends on the documents and the registered values, not on their order")
    func digest() throws {
        let one = Fixture.release("  match: {resources: [\"payments/**\"]}", name: "one")
        let two = Fixture.release("  match: {resources: [\"payments/**\"]}", name: "two")
        let bundle = try Fixture.bundle(one, two)
        #expect(try Fixture.bundle(two, one).digest == bundle.digest)
        #expect(bundle.digest.count == 64)
        #expect(try Fixture.bundle(one).digest != bundle.digest)
        #expect(try Fixture.bundle(one, two, registered: ReferenceValues(["a": 1])).digest != bundle.digest)
        #expect(bundle.decide(Fixture.request()).bundleDigest == bundle.digest)
        #expect(PolicyBundle.empty.digest != bundle.digest)
        #expect(try PolicyBundle([]).digest == PolicyBundle.empty.digest)
    }

    @Test("a decision looks only at policies that can be about the path")
    func index() throws {
        let others = (0..<1000).map { number in
            Fixture.release(
                "  match: {resources: [\"tenant\(number)/image-key/*\", \"tenant\(number)/**\"]}\n  validations: [{expression: \"tee == 'snp'\"}]",
                name: "keys", namespace: "tenant\(number)")
        }
        let wide = Fixture.clusterRelease("  match: {resources: [\"*/tls/*\"]}", name: "tls")
        let bundle = try Fixture.bundle(
            others.joined(separator: "\n---\n"), wide, Fixture.release("  match: {resources: [\"payments/*/app\"]}"))
        let found = bundle.releaseIndex.candidates(for: ["payments", "image-key", "app"])
        #expect(found.map { bundle.releases[$0].identifier } == ["ReleasePolicy/payments/image-keys"])
        #expect(bundle.releaseIndex.candidates(for: ["tenant7", "tls", "app"]).count == 2)
        #expect(bundle.releaseIndex.candidates(for: ["nobody", "x", "y"]).isEmpty)
        for _ in 0..<200 {
            #expect(bundle.decide(Fixture.request()).allowed)
        }
        #expect(bundle.decide(Fixture.request("tenant7/image-key/app")).trace.count == 1)
    }

    @Test("the index finds exactly what the patterns match")
    func indexAgrees() throws {
        let texts = ["**", "a/**", "*/b/c", "a/*/c", "a/b/*", "a/b/c", "*/*/*", "a/*/**", "b/**", "*/**"]
        let patterns = try texts.map { try ResourcePattern($0) }
        let index = ReleaseIndex(patterns.enumerated().map { ($0, [$1]) })
        let names = ["a", "b", "c", "x"]
        for first in names {
            for second in names {
                for third in names {
                    for path in [[], [first], [first, second], [first, second, third], [first, second, third, "d"]] {
                        let expected = patterns.indices.filter { patterns[$0].matches(path) }
                        #expect(index.candidates(for: path) == expected)
                        for limit in 1...4 {
                            #expect(index.candidates(for: path, limit: limit) == Array(expected.prefix(limit)))
                        }
                    }
                }
            }
        }
    }

    @Test("thousands of policies with the same patterns are each compared with few others")
    func fewComparisons() throws {
        let texts = ["a/**", "a/*/x", "a/**"]
        let patterns = try texts.map { try ResourcePattern($0) }
        let index = ReleaseIndex((0..<5_000).map { ($0, patterns) })
        #expect(index.candidates(for: ["a", "b", "x"], limit: 16) == Array(0..<16))
        #expect(index.candidates(for: ["a", "b", "x"]).count == 5_000)
    }
}
