import Foundation
import Testing
import X509TestSupport

@testable import X509Trust

@Suite("Verified chains that are kept")
struct VerifiedChainCacheTests {
    private func code(
        _ cache: VerifiedChainCache, _ hierarchy: Hierarchy, path: [Certificate]? = nil, anchors: [PinnedAnchor]? = nil,
        usage: LeafUsage = .digitalSignature, at date: Date = Hierarchy.now
    ) throws -> String? {
        try refusal {
            _ = try cache.chain(
                path: (path ?? hierarchy.path).map(\.der), anchors: anchors ?? hierarchy.anchors, usage: usage, at: date
            )
        }
    }

    @Test("a chain is verified once, and the same is given for its leaf over known issuers")
    func kept() throws {
        let cache = VerifiedChainCache()
        let hierarchy = try Hierarchy()
        let first = try cache.chain(path: hierarchy.path.map(\.der), anchors: hierarchy.anchors, at: Hierarchy.now)
        #expect(cache.count == 1)
        let second = try cache.chain(
            leaf: hierarchy.leaf.der, issuers: Array(hierarchy.path.dropFirst()), anchors: hierarchy.anchors,
            at: Hierarchy.now)
        #expect(first == second)
        #expect(cache.count == 1)
    }

    @Test("what was kept does not outlive its certificates, nor does it count before them")
    func expiry() throws {
        let cache = VerifiedChainCache()
        let end = Hierarchy.start.addingTimeInterval(1000)
        let hierarchy = try Hierarchy(authority: { $0.notAfter = end })
        #expect(try code(cache, hierarchy, at: end) == nil)
        #expect(try code(cache, hierarchy, at: end.addingTimeInterval(1)) == "certificate_expired")
        #expect(try code(cache, hierarchy, at: Hierarchy.start.addingTimeInterval(-1)) == "certificate_not_yet_valid")
        #expect(try code(cache, hierarchy, at: end) == nil)
    }

    @Test("refusals are not kept")
    func refusals() throws {
        let cache = VerifiedChainCache()
        let hierarchy = try Hierarchy()
        #expect(try code(cache, hierarchy, path: hierarchy.path.dropLast()) == "chain_not_trusted")
        #expect(try code(cache, hierarchy, anchors: []) == "no_anchor")
        #expect(try code(cache, hierarchy, at: .distantPast) == "certificate_not_yet_valid")
        #expect(try code(cache, hierarchy, path: Array(repeating: hierarchy.leaf, count: 11)) == "chain_not_trusted")
        let broken = hierarchy.path.map(\.der).map { Array($0.dropLast()) }
        #expect(
            try refusal { _ = try cache.chain(path: broken, anchors: hierarchy.anchors, at: Hierarchy.now) }
                == "malformed_certificate")
        #expect(cache.count == 0)
    }

    @Test("another path, another anchor and another use are verified for themselves")
    func keys() throws {
        let cache = VerifiedChainCache()
        let hierarchy = try Hierarchy()
        let other = try Hierarchy()
        #expect(try code(cache, hierarchy) == nil)
        #expect(try code(cache, hierarchy, anchors: other.anchors) == "chain_not_trusted")
        #expect(try code(cache, hierarchy, usage: .keyAgreement) == "chain_not_trusted")
        #expect(try code(cache, hierarchy, path: [other.leaf] + hierarchy.path.dropFirst()) == "chain_not_trusted")
        // The boundary between path and anchors is part of the key: what moves across it is another question.
        let root = PinnedAnchor(name: "root", certificate: hierarchy.path[2])
        #expect(
            try code(cache, hierarchy, path: Array(hierarchy.path.dropLast()), anchors: [root, root])
                == "chain_not_trusted")
        #expect(cache.count == 1)
    }

    @Test("of too many chains the one that was not used for longest is forgotten")
    func bounded() throws {
        let cache = VerifiedChainCache(capacity: 2)
        let hierarchies = try (0..<3).map { _ in try Hierarchy() }
        for index in [0, 1, 0, 2] { #expect(try code(cache, hierarchies[index]) == nil) }
        #expect(Set(cache.chains.map(\.leaf)) == [hierarchies[0].leaf, hierarchies[2].leaf])
    }

    @Test("many tasks share one cache")
    func concurrent() async throws {
        let cache = VerifiedChainCache(capacity: 3)
        let hierarchies = try (0..<5).map { _ in try Hierarchy() }
        await withTaskGroup(of: String?.self) { group in
            for round in 0..<200 {
                let hierarchy = hierarchies[round % hierarchies.count]
                group.addTask { try? code(cache, hierarchy) ?? nil }
            }
            for await code in group { #expect(code == nil) }
        }
        #expect(cache.count == 3)
    }
}
