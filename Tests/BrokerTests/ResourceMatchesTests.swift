import BrokerTestSupport
import Encodings
import Foundation
import Logging
import Policy
import Storage
import Synchronization
import Testing

@testable import Broker

@Suite("What is asked about the resources of policies", .timeLimit(.minutes(5)))
struct ResourceMatchesTests {
    private final class Asked: Sendable {
        let questions = Mutex<[[Set<ResourceShape>]]>([])
        let isFailing = Mutex(false)

        var matches: ResourceMatches {
            ResourceMatches(logger: Logger(label: "test")) { sets throws(StorageError) in
                self.questions.withLock { $0.append(sets) }
                if self.isFailing.withLock({ $0 }) { throw StorageError(code: .timeout, message: "too slow") }
                return sets.map { .known($0.count) }
            }
        }

        var count: Int { questions.withLock { $0.count } }
    }

    private static func question(_ policies: [Sent]) throws -> MatchQuestion {
        MatchQuestion(
            try policies.map { policy in
                let document = try #require(try PolicyParser.parse(policy.text, source: "test").first)
                return SourceVerdict(name: nil, uid: nil, generation: nil, document: document, refusal: nil)
            })
    }

    private static let now = Date(timeIntervalSince1970: 1_000_000)

    @Test("the database is asked about what is new and the same pattern once; nothing changed, nothing is asked")
    func onlyNews() async throws {
        let asked = Asked()
        let matches = asked.matches
        let list = (0..<500).map { Sent.release("p\($0)", resources: "shop/**") } + [.release("one")]
        #expect(try await matches.counts(Self.question(list), at: Self.now).count == 501)
        #expect(asked.questions.withLock { $0.map(\.count) } == [2])
        for second in 1...100 {
            let later = Self.now.addingTimeInterval(Double(second))
            #expect(try await matches.counts(Self.question(list), at: later).count == 501)
        }
        #expect(asked.count == 1)
        _ = try await matches.counts(Self.question(list + [.release("two")]), at: Self.now)
        #expect(asked.questions.withLock { $0.map(\.count) } == [2, 1])
        // New resources are seen in time.
        let late = Self.now.addingTimeInterval(ResourceMatches.freshness)
        _ = try await matches.counts(Self.question(list), at: late)
        #expect(asked.count == 3)
    }

    @Test("a database that takes too long is left alone for a while, and what was known stays known")
    func slow() async throws {
        let asked = Asked()
        let matches = asked.matches
        let one = try Self.question([.release("one")])
        let two = try Self.question([.release("one"), .release("two")])
        #expect(await matches.counts(one, at: Self.now) == [0: 1])
        asked.isFailing.withLock { $0 = true }
        for _ in 0..<10 { #expect(await matches.counts(two, at: Self.now) == [0: 1]) }
        #expect(asked.count == 2)
        asked.isFailing.withLock { $0 = false }
        let later = Self.now.addingTimeInterval(ResourceMatches.pause)
        #expect(await matches.counts(two, at: later) == [0: 1, 1: 1])
    }

    @Test("where there is more to ask than fits, the rest is asked with the next list")
    func rest() async throws {
        let asked = Asked()
        let matches = asked.matches
        let list = try Self.question(
            (0..<140).map { policy in
                let patterns = (0..<32).map { "shop/*/t\(policy)-\($0)" }.joined(separator: "\", \"")
                return .release("f\(policy)", resources: patterns)
            })
        #expect(await matches.counts(list, at: Self.now).count == 125)
        #expect(await matches.counts(list, at: Self.now).count == 140)
    }
}
