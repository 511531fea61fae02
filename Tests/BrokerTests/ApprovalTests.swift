import BrokerTestSupport
import Encodings
import Foundation
import KBSProtocol
import Storage
import Testing

@testable import Broker

@Suite("Approvals", .timeLimit(.minutes(5)))
struct ApprovalTests {
    private static let two = "approvals: {required: 2, roles: [officer], validFor: 1h}"
    private static let alice = Administrator(issuer: "corp", subject: "alice", role: "officer")
    private static let bob = Administrator(issuer: "corp", subject: "bob", role: "officer")

    private func approve(
        _ test: TestBroker, _ person: Administrator, path: String = "a/b/c", policy: String? = nil,
        policyDigest: String? = nil, instance: String? = nil, expires: String? = nil
    ) async throws -> BrokerError? {
        try await brokerError {
            _ = try await test.broker.approve(
                ApprovalRequest(
                    path: try ResourcePath(path), policy: policy, policyDigest: policyDigest, instance: instance,
                    expires: expires, reason: "test"),
                by: person)
        }
    }

    private func outcome(_ test: TestBroker, _ cookie: String, _ path: String = "a/b/c") async throws -> String {
        try await CountedReleaseTests.outcome(test, cookie, path)
    }

    @Test("two people approve one release, and the next one needs two approvals again")
    func twoPeople() async throws {
        let test = try await CountedReleaseTests.make(Self.two)
        let cookie = try await CountedReleaseTests.session(test)
        #expect(try await outcome(test, cookie) == "approval_required")
        #expect(try await approve(test, Self.alice) == nil)
        #expect(try await outcome(test, cookie) == "approval_required")
        #expect(try await approve(test, Self.alice)?.kind == .conflict)
        #expect(try await approve(test, Self.bob) == nil)
        #expect(try await outcome(test, cookie) == "allowed")
        #expect(try await outcome(test, cookie) == "approval_required")
        let list = try await test.broker.approvalList(path: "a/b/c", standing: false)
        #expect(list["approvals"]?.arrayValue?.map { $0["state"] } == ["used", "used"])
        let id = try #require(list["approvals"]?.arrayValue?.first?["usedBy"]?.stringValue)
        let trace = try await test.broker.decision(id)["trace"]?.serializedString() ?? ""
        #expect(trace.contains("alice@corp (officer, until") && trace.contains("bob@corp (officer, until"))
    }

    @Test("the same person in another role is still one person")
    func onePersonTwoRoles() async throws {
        let test = try await CountedReleaseTests.make("approvals: {required: 2, validFor: 1h}")
        let cookie = try await CountedReleaseTests.session(test)
        #expect(try await approve(test, Self.alice) == nil)
        let again = try await approve(test, Administrator(issuer: "corp", subject: "alice", role: "admin"))
        #expect(again?.kind == .conflict)
        #expect(try await outcome(test, cookie) == "approval_required")
        #expect(try await approve(test, Administrator(issuer: "other", subject: "alice", role: "admin")) == nil)
        #expect(try await outcome(test, cookie) == "allowed")
    }

    @Test("of one person's racing approvals, in many roles and over three brokers, one stands")
    func racingApprovals() async throws {
        let first = try await CountedReleaseTests.make("approvals: {required: 2, validFor: 1h}")
        let brokers = [first, try await first.replica(), try await first.replica()]
        let kinds = try await withThrowingTaskGroup(of: BrokerError.Kind?.self) { group in
            for racer in 0..<60 {
                let person = Administrator(issuer: "corp", subject: "alice", role: "role \(racer % 4)")
                group.addTask { try await approve(brokers[racer % 3], person)?.kind }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(kinds.count { $0 == nil } == 1 && kinds.count { $0 == .conflict } == 59)
        let list = try await first.broker.approvalList(path: "a/b/c", standing: true)
        #expect(list["approvals"]?.arrayValue?.count == 1)
    }

    @Test("an approval of the policy that was seen is refused when another content counts by now")
    func seenPolicy() async throws {
        let test = try await CountedReleaseTests.make(Self.two)
        func digest() throws -> String {
            try #require(test.broker.policies.latest.bundle.approvablePolicies(for: ["a", "b", "c"]).first).digest
        }
        let seen = try digest()
        _ = try await test.apply(CountedReleaseTests.policy("approvals: {required: 2, roles: [officer], validFor: 2h}"))
        let late = try await approve(test, Self.alice, policyDigest: seen)
        #expect(late?.kind == .conflict && late?.code == "policy_changed")
        let list = try await test.broker.approvalList(path: nil, standing: false)
        #expect(list["approvals"]?.arrayValue?.isEmpty == true)
        #expect(try await approve(test, Self.alice, policyDigest: digest()) == nil)
        // What administrators see of the policy names the same digest.
        let shown = try await test.broker.policyList()["policies"]?.arrayValue?.compactMap { $0["digest"]?.stringValue }
        #expect(try shown?.contains(digest()) == true)
    }

    @Test("who the policy does not name cannot approve")
    func wrongRole() async throws {
        let test = try await CountedReleaseTests.make(Self.two)
        let error = try await approve(test, Administrator(issuer: "corp", subject: "eve", role: "developer"))
        #expect(error?.kind == .denied && error?.code == "not_an_approver")
    }

    @Test("A34: approvals belong to one content of the policy; those given for another do not count")
    func otherContent() async throws {
        let test = try await CountedReleaseTests.make(Self.two)
        let cookie = try await CountedReleaseTests.session(test)
        #expect(try await approve(test, Self.alice) == nil)
        #expect(try await approve(test, Self.bob) == nil)
        let changed = CountedReleaseTests.policy(Self.two, validations: "  require: {tees: [sample]}")
        _ = try await test.broker.applyPolicies(changed, dryRun: false, by: "test")
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: cookie) }
        #expect(error?.code == "approval_required")
        let decision = try await test.broker.decision(try #require(error?.decisionID))
        #expect(decision["reason"]?.stringValue?.contains("0 of 2 approvals are there; 2 others do not count") == true)
        // Back at the content that was approved, they count.
        _ = try await test.broker.applyPolicies(CountedReleaseTests.policy(Self.two), dryRun: false, by: "test")
        #expect(try await outcome(test, cookie) == "allowed")
    }

    @Test("approvals belong to one resource, end by themselves, and can be taken back")
    func ends() async throws {
        let test = try await CountedReleaseTests.make(
            "approvals: {required: 1, validFor: 1h, singleUse: false}"
        ) { $0.token.lifetime = .seconds(86_400) }
        let cookie = try await CountedReleaseTests.session(test)
        #expect(try await approve(test, Self.alice, path: "a/b/d") == nil)
        #expect(try await outcome(test, cookie) == "approval_required")
        for _ in 0..<2 { #expect(try await outcome(test, cookie, "a/b/d") == "allowed") }
        test.clock.advance(by: 3601)
        #expect(try await outcome(test, cookie, "a/b/d") == "approval_required")

        #expect(try await approve(test, Self.alice, path: "a/b/d") == nil)
        let list = try await test.broker.approvalList(path: "a/b/d", standing: true)
        let id = try #require(list["approvals"]?.arrayValue?.first?["id"]?.stringValue)
        try await test.broker.revokeApproval(id, by: Self.bob)
        #expect(try await outcome(test, cookie, "a/b/d") == "approval_required")
        let again = try await brokerError { try await test.broker.revokeApproval(id, by: Self.bob) }
        #expect(again?.kind == .notFound)
    }

    @Test("an approval for one instance lets no other one pass")
    func oneInstance() async throws {
        let test = try await CountedReleaseTests.make(
            "oncePer: instance, \(CountedReleaseTests.instance), approvals: {required: 1, validFor: 1h}")
        let cookie = try await CountedReleaseTests.session(test)
        let other = try await CountedReleaseTests.session(test, machine: "2")
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: cookie) }
        let trace = try await test.broker.decision(try #require(error?.decisionID))["trace"]
        let conditions = trace?["trace"]?.arrayValue?.first?["conditions"]?.arrayValue ?? []
        let measured = conditions.flatMap { $0["measured"]?.arrayValue ?? [] }
        let instance = try #require(measured.first { $0["name"] == "instance" }?["value"]?.stringValue)
        #expect(try await approve(test, Self.alice, instance: instance) == nil)
        #expect(try await outcome(test, other) == "approval_required")
        #expect(try await outcome(test, cookie) == "allowed")
    }

    @Test("one pair of approvals lets one of 100 racers over three brokers pass")
    func racers() async throws {
        let first = try await CountedReleaseTests.make(Self.two)
        let brokers = [first, try await first.replica(), try await first.replica()]
        let cookie = try await CountedReleaseTests.session(first)
        for person in [Self.alice, Self.bob] { #expect(try await approve(first, person) == nil) }
        let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
            for racer in 0..<100 {
                group.addTask { try await CountedReleaseTests.outcome(brokers[racer % 3], cookie) }
            }
            return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        #expect(outcomes == ["allowed": 1, "approval_required": 99])
    }

    @Test(
        "what cannot be approved is refused",
        arguments: [
            ("b/b/c", nil, nil, nil, BrokerError.Kind.notFound),
            ("a/b/c", "ReleasePolicy/a/other", nil, nil, .notFound),
            ("a/b/c", nil, "abc", nil, .malformed), ("a/b/c", nil, nil, "2020-01-01T00:00:00Z", .malformed),
            ("a/b/c", nil, nil, "2999-01-01T00:00:00Z", .malformed), ("a/b/c", nil, nil, "soon", .malformed),
        ])
    func refused(
        _ path: String, _ policy: String?, _ instance: String?, _ expires: String?, _ kind: BrokerError.Kind
    ) async throws {
        let test = try await CountedReleaseTests.make(Self.two)
        let error = try await approve(
            test, Self.alice, path: path, policy: policy, instance: instance, expires: expires)
        #expect(error?.kind == kind)
    }

    @Test("an approval that was written, moved or changed in the database by others counts for nothing")
    func forged() async throws {
        let test = try await CountedReleaseTests.make("approvals: {required: 1, validFor: 1h, singleUse: false}")
        let cookie = try await CountedReleaseTests.session(test)
        #expect(try await approve(test, Self.alice, path: "a/b/d") == nil)
        for change in [
            "path = 'a/b/c'", "path = 'a/b/c', subject = 'bob'", "path = 'a/b/c', seal = ''",
            "path = 'a/b/c', id = 'other'",
        ] {
            _ = try await test.store.database.query("CREATE TABLE kept AS SELECT * FROM approvals")
            _ = try await test.store.database.query("UPDATE approvals SET \(change)")
            #expect(try await outcome(test, cookie) == "approval_required", "\(change)")
            _ = try await test.store.database.query("DELETE FROM approvals")
            _ = try await test.store.database.query("INSERT INTO approvals SELECT * FROM kept")
            _ = try await test.store.database.query("DROP TABLE kept")
        }
        #expect(try await outcome(test, cookie, "a/b/d") == "allowed")
        _ = try await test.store.database.query("UPDATE approvals SET given_at = now() + interval '1 day'")
        #expect(try await outcome(test, cookie, "a/b/d") == "approval_required")
    }

    @Test("one person's many approvals leave room for the others'")
    func flood() async throws {
        let test = try await CountedReleaseTests.make(Self.two)
        let cookie = try await CountedReleaseTests.session(test)
        #expect(try await approve(test, Self.alice) == nil)
        let repository = ApprovalRepository(test.store.database, keys: test.store.keys)
        let now = Date()
        let standing = try await repository.list(path: "a/b/c")
        var flood = try #require(standing.first)
        var stored = 0
        for number in 0..<300 {
            flood.id = DecisionRecord.makeID(at: now)
            flood.subject = "mallory"
            flood.instance = String(repeating: "0", count: 60) + String(1000 + number)
            do throws(StorageError) {
                try await repository.give(flood)
                stored += 1
            } catch {
                #expect(error.code == .conflict)
            }
        }
        #expect(stored == 1)
        #expect(try await approve(test, Self.bob) == nil)
        #expect(try await outcome(test, cookie) == "allowed")
    }
}
