import BrokerTestSupport
import Encodings
import Policy
import Storage
import TestSupport
import Testing

@testable import Broker

@Suite("What one namespace can do to the others of its source", .timeLimit(.minutes(5)))
struct SourceShareTests {
    private static func flood(_ count: Int) -> [Sent] {
        (0..<count).map { .release("f\($0)", namespace: "flood") }
    }

    @Test("A32: a namespace with too many documents gets nothing new; what others delete goes")
    func manyDocuments() async throws {
        let test = try await TestBroker.make()
        _ = try await test.send([.release("f0", namespace: "flood"), .release("a"), .release("b")], fence: 1)
        let flood = Self.flood(SourceShares.maximumDocuments + 1)
        let answer = try await test.send(flood + [.release("b", tee: "tdx"), .guardrail("limit")], fence: 1)
        #expect(answer.json["removed"] == ["ReleasePolicy/shop/a"])
        #expect(answer.changes["b"] == "changed" && answer.changes["limit"] == "created")
        #expect(answer["f0"]?["change"] == "unchanged" && answer["f1"]?["code"] == "namespace_quota")
        #expect(answer.changes.values.count { $0 == "refused" } == flood.count - 1)
        #expect(try await test.origins().keys.sorted() == ["b", "default-cpu", "f0", "limit"])
        // Back within its share it is like any other.
        let back = try await test.send([.release("f0", namespace: "flood", tee: "tdx"), .release("b")], fence: 1)
        #expect(back.changes == ["f0": "changed", "b": "changed"])
    }

    @Test("A34: what a namespace has can be made narrower and taken back also while the namespace is over its share")
    func tightening() async throws {
        let test = try await TestBroker.make()
        let former = try await test.send(
            [
                .release("f0", namespace: "flood"), .release("f1", namespace: "flood"),
                .release("f2", namespace: "flood"),
            ],
            fence: 1)
        let narrower = Sent.release("f0", namespace: "flood", more: "  validations: [{expression: \"tee == 'snp'\"}]")
        let rest = Array(Self.flood(SourceShares.maximumDocuments + 5).dropFirst(2))
        let answer = try await test.send([narrower] + rest, fence: 1)
        #expect(answer["f0"]?["change"] == "changed" && answer["f0"]?["inForce"] != former["f0"]?["digest"])
        #expect(answer.json["removed"] == ["ReleasePolicy/flood/f1"] && answer["f2"]?["change"] == "unchanged")
        #expect(answer["f3"]?["code"] == "namespace_quota")
    }

    @Test("A32: a namespace with too much text is refused, one with documents that are too large only those")
    func muchText() async throws {
        let test = try await TestBroker.make()
        func large(_ name: String, _ namespace: String, _ bytes: Int) -> Sent {
            let filling = String(repeating: "x", count: bytes)
            return Sent(
                text: """
                    {"kind":"ReleasePolicy","metadata":{"name":"\(name)","namespace":"\(namespace)"},"x":"\(filling)"}
                    """,
                uid: "uid-\(name)", name: name)
        }
        _ = try await test.send([.release("a"), .release("b")], fence: 1)
        let much = (0..<30).map { large("m\($0)", "flood", 200_000) }
        let oversized = (0..<12).map { large("o\($0)", "vault", 1_000_000) }
        let others: [Sent] = [.release("b"), .release("good", namespace: "vault"), .release("bad", namespace: "flood")]
        let answer = try await test.send(much + oversized + others, fence: 1)
        #expect(answer.json["removed"] == ["ReleasePolicy/shop/a"])
        #expect(answer["m0"]?["code"] == "namespace_quota" && answer["bad"]?["code"] == "namespace_quota")
        #expect(answer["o0"]?["code"] == "too_large" && answer.changes["good"] == "created")
    }

    @Test("where all have too many together, those that have the most give way, and the whole cluster's come first")
    func fairness() {
        let list =
            Self.entries("a", 2_500) + Self.entries("b", 2_500) + Self.entries("c", 2_400) + Self.entries("d", 2_300)
            + Self.entries("shop", 5) + Self.entries(nil, 400)
        let shares = SourceShares(list, maximumBytesOfDocument: 100)
        #expect(Set(shares.exceeding.keys) == ["b"])
        #expect(Self.code("shop", shares) == nil && Self.code(nil, shares) == nil)
        #expect(Self.code("b", shares) == "namespace_quota")
    }

    @Test("A32: many small namespaces that come later push out nothing that others have, nor a change of it")
    func displacement() {
        let honest = Self.entries("honest", 2_000, former: 10)
        let crowd = (0..<100).flatMap { Self.entries("n\($0)", 100) }
        let shares = SourceShares(honest + Self.entries("honest", 1) + crowd, maximumBytesOfDocument: 100)
        #expect(Self.code("honest", former: 10, shares) == nil && Self.code("honest", former: 9, shares) == nil)
        #expect(shares.exceeding.keys.count { $0.hasPrefix("n") } == 20)
        let alone = SourceShares(honest + crowd, maximumBytesOfDocument: 100)
        #expect(alone.exceeding["honest"] == nil)
    }

    @Test("what is there can be changed over the share, and does not grow without end")
    func growth() {
        let size = 262_144
        func shares(_ count: Int) -> SourceShares {
            SourceShares(
                (0..<count).map { _ in .init(namespace: "a", bytes: size, former: size - 1) }
                    + [.init(namespace: "a", bytes: 10, former: nil)], maximumBytesOfDocument: size)
        }
        let within = SourceShares.maximumBytesOfChanges / size
        #expect(Self.code("a", bytes: size, former: size - 1, shares(within)) == nil)
        #expect(Self.code("a", shares(within)) == "namespace_quota")
        #expect(Self.code("a", bytes: size, former: size - 1, shares(within + 1)) == "namespace_quota")
        #expect(Self.code("a", bytes: size, former: size, shares(within + 1)) == nil)
    }

    private static func entries(_ namespace: String?, _ count: Int, former: Int? = nil) -> [SourceShares.Entry] {
        Array(repeating: SourceShares.Entry(namespace: namespace, bytes: 10, former: former), count: count)
    }

    private static func code(
        _ namespace: String?, bytes: Int = 10, former: Int? = nil, _ shares: SourceShares
    ) -> String? {
        shares.refusal(of: .init(namespace: namespace, bytes: bytes, former: former))?.code
    }

    @Test("an answer about thousands of broken documents stays small, and others still read what is wrong with theirs")
    func boundedAnswer() async throws {
        let test = try await TestBroker.make()
        let fields = (0..<16).map { "  \(String(repeating: "y", count: 150))\($0): 1" }.joined(separator: "\n")
        let broken = (0..<1_500).map { index -> Sent in
            let sent = Sent.release("f\(index)", namespace: "flood")
            return Sent(text: sent.text + "\n" + fields, uid: sent.uid, name: sent.name)
        }
        let answer = try await test.send(broken + [.release("mine").broken], fence: 1)
        #expect(answer["f1499"]?["accepted"] == false && answer["f1499"]?["code"] != .null)
        #expect(answer["f0"]?["diagnostics"]?.arrayValue?.isEmpty == false)
        #expect(answer["mine"]?["diagnostics"]?.arrayValue?.first?["path"] == "spec.surprise")
        #expect(answer.json.serializedString().utf8.count < 3_500_000)
    }

    @Test("however many resources and patterns there are, few are looked at: what is not known is not said to be none")
    func boundedMatches() async throws {
        let test = try await TestBroker.make()
        _ = try await test.store.database.query(
            """
            INSERT INTO resources (path, tenant, last_version)
            SELECT 'shop/key/' || n, 'shop', 1 FROM generate_series(1, 400) n
            """)
        try await test.put("shop/key/a", "secret")
        let standing = try await test.send(
            [.release("a", resources: "shop/*/ghost"), .release("b", resources: "shop/key/a")], fence: 1)
        #expect(standing["a"]?["matchesResources"] == .null)
        #expect(standing["b"]?["matchesResources"] == 1)
        // Whoever asks for more than there is time for does not keep the others from being told.
        let flood = (0..<140).map { policy in
            let patterns = (0..<32).map { "flood/*/t\(policy)-\($0)" }.joined(separator: "\", \"")
            return Sent.release("f\(policy)", namespace: "flood", resources: patterns)
        }
        let answer = try await test.send(flood + [.release("b", resources: "shop/key/a")], fence: 1)
        #expect(answer["b"]?["matchesResources"] == 1)
        #expect(answer["f0"]?["matchesResources"] == 0)
        #expect(answer["f139"]?["accepted"] == true && answer["f139"]?["matchesResources"] == .null)
    }
}
