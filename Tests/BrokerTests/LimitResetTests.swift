import BrokerTestSupport
import Encodings
import Foundation
import KBSProtocol
import Testing

@testable import Broker

@Suite("Resetting what was counted", .timeLimit(.minutes(5)))
struct LimitResetTests {
    private static let policy = "ReleasePolicy/a/counted"

    /// A broker that releases once to each instance, after it did so; with the instance as the explanation shows it.
    private func spent() async throws -> (test: TestBroker, cookie: String, instance: String) {
        let test = try await CountedReleaseTests.make("oncePer: instance, \(CountedReleaseTests.instance)")
        let cookie = try await CountedReleaseTests.session(test)
        for path in ["a/b/c", "a/b/d"] {
            #expect(try await CountedReleaseTests.outcome(test, cookie, path) == "allowed")
            #expect(try await CountedReleaseTests.outcome(test, cookie, path) == "limit_reached")
        }
        let rows = try await test.store.database.query("SELECT DISTINCT instance FROM release_uses")
        return (test, cookie, try #require(try rows.first?.text(0)))
    }

    @Test("an instance that is reset gets one release more, no other does, and the ledger says who did it and why")
    func reset() async throws {
        let (test, cookie, instance) = try await spent()
        let other = try await CountedReleaseTests.session(test, machine: "2")
        #expect(try await CountedReleaseTests.outcome(test, other) == "allowed")
        let answer = try await test.broker.resetLimits(
            LimitReset(
                policy: Self.policy, instance: instance, path: try ResourcePath("a/b/c"), reason: "disk lost"),
            by: "alice@corp (admin)")
        #expect(answer["releases"] == 1 && answer["holds"] == 0)
        #expect(try await CountedReleaseTests.outcome(test, cookie) == "allowed")
        #expect(try await CountedReleaseTests.outcome(test, cookie) == "limit_reached")
        #expect(try await CountedReleaseTests.outcome(test, cookie, "a/b/d") == "limit_reached")
        #expect(try await CountedReleaseTests.outcome(test, other) == "limit_reached")
        let record = try await test.broker.decision(try #require(answer["decision"]?.stringValue))
        #expect(record["code"] == "limits_reset" && record["operation"] == "reset" && record["path"] == "a/b/c")
        let text = record.serializedString()
        #expect(text.contains("alice@corp (admin)") && text.contains("disk lost") && text.contains(instance))
    }

    @Test("all that a policy counted for an instance is forgotten when no resource is named")
    func wholePolicy() async throws {
        let (test, cookie, instance) = try await spent()
        let reset = LimitReset(policy: Self.policy, instance: instance, path: nil, reason: "moved")
        #expect(try await test.broker.resetLimits(reset, by: "alice")["releases"] == 2)
        #expect(try await CountedReleaseTests.outcome(test, cookie, "a/b/d") == "allowed")
    }

    @Test("where nothing is counted nothing is recorded, and an instance that cannot be is refused")
    func nothing() async throws {
        let (test, _, instance) = try await spent()
        let before = try await test.decisionCount()
        let cases: [(String, String, BrokerError.Kind)] = [
            (Self.policy, String(repeating: "0", count: 64), .notFound),
            ("ReleasePolicy/a/other", instance, .notFound), (Self.policy, "%", .malformed),
        ]
        for (policy, instance, kind) in cases {
            let reset = LimitReset(policy: policy, instance: instance, path: nil, reason: "r")
            let error = try await brokerError { _ = try await test.broker.resetLimits(reset, by: "alice") }
            #expect(error?.kind == kind)
        }
        #expect(try await test.decisionCount() == before)
    }
}
