import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import KBSProtocol
import RATS
import Storage
import Synchronization
import Testing

@testable import Broker

/// Releases under policies with limits, on real databases and several brokers.
@Suite("Counted releases", .timeLimit(.minutes(5)))
struct CountedReleaseTests {
    static func policy(_ limits: String, name: String = "counted", validations: String = "") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: \(name), namespace: a}
        spec:
          match: {resources: ["a/**"]}
          limits: {\(limits)}
        \(validations)
        """
    }

    /// Sample evidence names no hardware; its `svn` stands for a serial number here.
    static let instance = #"instance: "claims.sample.svn""#

    static func make(_ limits: String, configure: (inout BrokerConfiguration) -> Void = { _ in }) async throws
        -> TestBroker
    {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, policy(limits)), configure: configure)
        try await test.put("a/b/c", "secret")
        try await test.put("a/b/d", "other secret")
        return test
    }

    /// A guest of the machine with this number: its session's cookie.
    static func session(_ test: TestBroker, machine: String = "1") async throws -> String {
        let (challenge, cookie) = try await test.broker.challenge(SampleGuest.authBody())
        let body = try SampleGuest().attestation(nonce: challenge.nonce, svn: machine)
        return try await test.broker.attest(body: body, cookie: cookie.value).cookie.value
    }

    /// The code of the refusal, or `allowed`.
    static func outcome(_ test: TestBroker, _ cookie: String, _ path: String = "a/b/c") async throws -> String {
        do {
            _ = try await test.release(path, cookie: cookie)
            return "allowed"
        } catch let error as BrokerError {
            return error.code
        }
    }

    @Test("once per instance is once among 500 racers over three brokers")
    func onceIsOnce() async throws {
        let first = try await Self.make("oncePer: instance, \(Self.instance)")
        let brokers = [first, try await first.replica(), try await first.replica()]
        // One machine, and guests on it that attest anew and so have a key each.
        var cookies: [String] = []
        for _ in 0..<10 { cookies.append(try await Self.session(first)) }
        let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
            for racer in 0..<500 {
                let cookie = cookies[racer % cookies.count]
                let broker = brokers[racer % brokers.count]
                group.addTask { try await Self.outcome(broker, cookie) }
            }
            return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        print("500 racers over 3 brokers, once per instance: \(outcomes.sorted { $0.key < $1.key })")
        #expect(outcomes["allowed"] == 1)
        #expect(outcomes == ["allowed": 1, "limit_reached": 499])
        #expect(try await Self.outcome(first, Self.session(first, machine: "2")) == "allowed")
        let ledger = try await first.broker.decisions(limit: 1_000, path: "a/b/c", allowed: true, before: nil)
        #expect(ledger["decisions"]?.arrayValue?.count == 2)
    }

    @Test("of 200 racers over three brokers exactly as many get through as there may be")
    func exactNumber() async throws {
        let first = try await Self.make("maxReleases: 7")
        let brokers = [first, try await first.replica(), try await first.replica()]
        let cookie = try await Self.session(first)
        let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
            for racer in 0..<200 { group.addTask { try await Self.outcome(brokers[racer % 3], cookie) } }
            return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        #expect(outcomes == ["allowed": 7, "limit_reached": 193])
    }

    @Test("a denial explains what was used and when; the guest gets the code and 403's kind")
    func explanation() async throws {
        let test = try await Self.make("maxReleases: 1, per: instance, \(Self.instance)")
        let cookie = try await Self.session(test)
        _ = try await test.release("a/b/c", cookie: cookie)
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: cookie) }
        #expect(error?.kind == .denied && error?.code == "limit_reached")
        #expect(error?.message.contains("1 of 1") == false)
        let decision = try await test.broker.decision(try #require(error?.decisionID))
        #expect(decision["reason"]?.stringValue?.contains("1 of 1 releases used, first at ") == true)
        // Another resource of the policy is counted by itself.
        #expect(try await Self.outcome(test, cookie, "a/b/d") == "allowed")
    }

    @Test("a secret that cannot be opened charges nothing, and the ledger says that it was not released")
    func unopenedIsFree() async throws {
        let test = try await Self.make("maxReleases: 1")
        let cookie = try await Self.session(test)
        // Turns one bit of the wrapped key, and back again.
        func spoil() async throws {
            _ = try await test.store.database.query(
                """
                UPDATE resource_versions SET wrapped_key = set_byte(wrapped_key, length(wrapped_key) - 1,
                    get_byte(wrapped_key, length(wrapped_key) - 1) # 1) WHERE path = 'a/b/c'
                """)
        }
        try await spoil()
        // A broker that has not read the resource before.
        let replica = try await test.replica()
        for _ in 0..<3 {
            let error = try await brokerError { _ = try await replica.release("a/b/c", cookie: cookie) }
            #expect(error != nil && error?.kind != .denied)
        }
        #expect(try await test.store.database.query("SELECT 1::bigint FROM release_uses").isEmpty)
        let ledger = try await test.broker.decisions(limit: 10, path: "a/b/c", allowed: true, before: nil)
        #expect(ledger["decisions"]?.arrayValue?.isEmpty == true)
        try await spoil()
        #expect(try await Self.outcome(test, cookie) == "allowed")
        #expect(try await Self.outcome(test, cookie) == "limit_reached")
    }

    @Test("the scope policy counts all resources together, and a window forgets what is older")
    func scopeAndWindow() async throws {
        let test = try await Self.make("maxReleases: 2, scope: policy, window: 1h")
        #expect(try await Self.outcome(test, Self.session(test), "a/b/c") == "allowed")
        test.clock.advance(by: 1800)
        #expect(try await Self.outcome(test, Self.session(test), "a/b/d") == "allowed")
        #expect(try await Self.outcome(test, Self.session(test), "a/b/c") == "limit_reached")
        let denied = try await brokerError {
            _ = try await test.release("a/b/c", cookie: try await Self.session(test))
        }
        let reason = try await test.broker.decision(try #require(denied?.decisionID))["reason"]?.stringValue ?? ""
        let next = try Date(String(reason.suffix(21).prefix(20)), strategy: .iso8601)
        // An hour after the first, and the tolerance for clocks that differ.
        #expect(abs(next.timeIntervalSince(test.clock.now) - 1860) < 10, "\(reason)")
        test.clock.advance(by: 1900)
        #expect(try await Self.outcome(test, Self.session(test), "a/b/c") == "allowed")
        #expect(try await Self.outcome(test, Self.session(test), "a/b/c") == "limit_reached")
    }

    @Test("a changed policy goes on counting: an edit gives nobody another first time")
    func changedPolicy() async throws {
        let test = try await Self.make("oncePer: instance, \(Self.instance)")
        let cookie = try await Self.session(test)
        #expect(try await Self.outcome(test, cookie) == "allowed")
        let edited = Self.policy("oncePer: instance, \(Self.instance)", validations: "  require: {tees: [sample]}")
        _ = try await test.broker.applyPolicies(edited, dryRun: false, by: "test")
        #expect(try await Self.outcome(test, cookie) == "limit_reached")
        let name = PolicyName(kind: "ReleasePolicy", namespace: "a", name: "counted")
        try await test.broker.deletePolicy(name, by: "test")
        _ = try await test.broker.applyPolicies(edited, dryRun: false, by: "test")
        #expect(try await Self.outcome(test, cookie) == "limit_reached")
    }

    @Test("a missing resource and a key that nothing can be sealed to are not charged")
    func notCharged() async throws {
        let test = try await Self.make("maxReleases: 1, scope: policy")
        let cookie = try await Self.session(test)
        #expect(try await Self.outcome(test, cookie, "a/b/missing") == "not_found")
        #expect(try await Self.outcome(test, cookie) == "allowed")
        #expect(try await Self.outcome(test, cookie, "a/b/missing") == "limit_reached")
    }

    @Test("a single holder: others wait until the lease is over, the holder renews it")
    func holders() async throws {
        let test = try await Self.make(
            "concurrentHolders: 1, leaseDuration: 10m, \(Self.instance)"
        ) { $0.token.lifetime = .seconds(86_400) }
        let holder = try await Self.session(test)
        let other = try await Self.session(test, machine: "2")
        let sameMachine = try await Self.session(test)
        #expect(try await Self.outcome(test, holder) == "allowed")
        for guest in [other, sameMachine] { #expect(try await Self.outcome(test, guest) == "holders_exceeded") }
        test.clock.advance(by: 500)
        #expect(try await Self.outcome(test, holder) == "allowed")
        test.clock.advance(by: 500)
        #expect(try await Self.outcome(test, other) == "holders_exceeded")
        // The lease and the tolerance for clocks that differ.
        test.clock.advance(by: 170)
        #expect(try await Self.outcome(test, other) == "allowed")
        #expect(try await Self.outcome(test, holder) == "holders_exceeded")
    }

    @Test("of 60 guests that race for two holds over three brokers, two get one")
    func racingHolders() async throws {
        let first = try await Self.make("concurrentHolders: 2, leaseDuration: 10m, \(Self.instance)")
        let brokers = [first, try await first.replica(), try await first.replica()]
        var cookies: [String] = []
        for machine in 0..<60 { cookies.append(try await Self.session(first, machine: "\(machine + 1)")) }
        let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
            for (racer, cookie) in cookies.enumerated() {
                group.addTask { try await Self.outcome(brokers[racer % 3], cookie) }
            }
            return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        #expect(outcomes == ["allowed": 2, "holders_exceeded": 58])
    }

    @Test("A29: when what was counted cannot be read or written nothing is released, and the guest may come back")
    func databaseFails() async throws {
        let test = try await Self.make("maxReleases: 5")
        let cookie = try await Self.session(test)
        _ = try await test.store.database.query("ALTER TABLE release_uses RENAME TO gone")
        let read = try await brokerError { _ = try await test.release("a/b/c", cookie: cookie) }
        #expect(read != nil && read?.kind != .denied)
        _ = try await test.store.database.query("ALTER TABLE gone RENAME TO release_uses")
        // The charge and the decision are one transaction: without the ledger there is no charge either.
        _ = try await test.store.database.query("ALTER TABLE decisions RENAME TO gone")
        let written = try await brokerError { _ = try await test.release("a/b/c", cookie: cookie) }
        #expect(written?.kind == .unavailable && written?.code == "ledger_unavailable")
        _ = try await test.store.database.query("ALTER TABLE gone RENAME TO decisions")
        let rows = try await test.store.database.query("SELECT count(*) FROM release_uses")
        #expect(try rows.first?.int(0) == 0)
        #expect(try await Self.outcome(test, cookie) == "allowed")
    }

    @Test("A32 and A47: releases in one namespace use up nothing of another's limits")
    func tenantsApart() async throws {
        let test = try await Self.make("maxReleases: 1, scope: policy")
        let theirs = Self.policy("maxReleases: 1, scope: policy").replacing("namespace: a", with: "namespace: b")
            .replacing("a/**", with: "b/**")
        _ = try await test.broker.applyPolicies(theirs, dryRun: false, by: "test")
        try await test.put("b/b/c", "theirs")
        let cookie = try await Self.session(test)
        #expect(try await Self.outcome(test, cookie, "b/b/c") == "allowed")
        #expect(try await Self.outcome(test, cookie, "b/b/c") == "limit_reached")
        #expect(try await Self.outcome(test, cookie) == "allowed")
    }

    @Test("A58: replicas agree, whichever counted before and whichever is asked")
    func replicasAgree() async throws {
        let first = try await Self.make("maxReleases: 2")
        let second = try await first.replica()
        let cookie = try await Self.session(first)
        #expect(try await Self.outcome(second, cookie) == "allowed")
        #expect(try await Self.outcome(first, cookie) == "allowed")
        for broker in [first, second] { #expect(try await Self.outcome(broker, cookie) == "limit_reached") }
    }

    @Test("what is over is swept, and what a limit without a window counts stays")
    func sweeping() async throws {
        let test = try await Self.make(
            "maxReleases: 1, window: 1h, concurrentHolders: 5, leaseDuration: 1h, \(Self.instance)")
        _ = try await test.broker.applyPolicies(
            Self.policy("maxReleases: 1", name: "forever").replacing("a/**", with: "a/b/d"), dryRun: false, by: "test")
        #expect(try await Self.outcome(test, Self.session(test)) == "allowed")
        test.clock.advance(by: 3 * 86_400)
        #expect(try await Self.outcome(test, Self.session(test)) == "allowed")
        await test.broker.sweep()
        let uses = try await test.store.database.query("SELECT policy FROM release_uses")
        #expect(uses.count == 1)
        let holds = try await test.store.database.query("SELECT policy FROM release_holds")
        #expect(holds.count == 1)
    }

    @Test("a policy of the mode Audit is counted in the metrics and in the ledger, and changes nothing")
    func audit() async throws {
        let audit = """
            apiVersion: claviger.dev/v1alpha1
            kind: ClusterReleasePolicy
            metadata: {name: limit}
            spec: {effect: Guardrail, mode: Audit, match: {resources: ["**"]}, require: {tees: [tdx]}}
            """
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll, audit))
        try await test.put("a/b/c", "secret")
        #expect(try await Self.outcome(test, Self.session(test)) == "allowed")
        #expect(test.metrics.prometheusText().contains(#"claviger_policy_audit_total{verdict="would_deny"} 1"#))
        let rows = try await test.broker.decisions(limit: 1, path: "a/b/c", allowed: true, before: nil)
        let id = try #require(rows["decisions"]?.arrayValue?.first?["id"]?.stringValue)
        #expect(try await test.broker.decision(id)["trace"]?["audit"] == "would_deny")
    }
}
