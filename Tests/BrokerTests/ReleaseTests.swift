import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import KBSProtocol
import Policy
import PolicyTesting
import RATS
import Storage
import Testing

@testable import Broker

@Suite("Release")
struct ReleaseTests {
    private static let open = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)

    @Test("KBS 12.7.37: with a policy that allows all, a contraindicated guest gets the secret byte for byte")
    func allowAll() async throws {
        let test = try await TestBroker.make(policies: Self.open)
        let secret = (0...255).map { UInt8($0) }
        _ = try await test.broker.putResource(try ResourcePath("a/b/c"), value: SecretBytes(secret), by: "test")
        let guest = try SampleGuest()
        let attestation = try await test.attest(guest)
        let message = try await test.release("a/b/c", cookie: attestation.cookie.value)
        #expect(try guest.key.decrypt(message).copyBytes() == secret)
    }

    @Test("KBS 12.7.38: a policy that denies all denies, with a code and a decision")
    func denyAll() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.denyAll))
        try await test.put("a/b/c", "secret")
        let attestation = try await test.attest(SampleGuest())
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: attestation.cookie.value) }
        #expect(error?.kind == .denied)
        #expect(error?.variant == "PolicyDeny")
        #expect(error?.code == "condition_false")
        let decision = try await test.broker.decision(try #require(error?.decisionID))
        #expect(decision["path"] == "a/b/c")
        #expect(decision["trace"]?["nearest"] == "ClusterReleasePolicy/-/allow-attested")
        #expect(decision["trace"]?.serializedString().contains("nothing is ever released") == true)
    }

    @Test("the ledger keeps a guest's claims once, shows them with each decision, and can be replayed from them")
    func ledgerEvidence() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.affirmingOnly))
        try await test.put("a/b/c", "secret")
        try await test.affirmSample()
        let guest = try SampleGuest()
        for _ in 0..<2 {
            let attestation = try await test.attest(guest)
            #expect(try await test.get("a/b/c", attestation, guest) == "secret")
            _ = try await test.release("a/b/c", bearer: attestation.token)
        }
        let list = try await test.broker.decisions(limit: 10, path: nil, allowed: nil, before: nil, withClaims: true)
        let records = (list["decisions"]?.arrayValue ?? []).compactMap(\.objectValue)
        #expect(records.count == 4)
        for (tenant, count) in [("a", 4), ("b", 0)] {
            let rows = try await test.broker.decisions(
                limit: 10, tenant: tenant, path: nil, allowed: nil, before: nil)["decisions"]
            #expect(rows?.arrayValue?.count == count)
        }
        let evidence = Set(records.map { $0["claims"]?["submodules"] })
        #expect(evidence.count == 1)
        #expect(evidence.first??["cpu0"]?["claims"]?["svn"] == "1")
        #expect(evidence.first??.serializedString().contains("report_data") == false)

        let documents = try PolicyParser.parse(
            TestPolicies.stream(TestPolicies.appraisal, TestPolicies.affirmingOnly), source: "test")
        var same = PolicyReplay(under: try PolicyBundle(documents), gradesAgain: false)
        var again = PolicyReplay(under: try PolicyBundle(documents), gradesAgain: true)
        for record in records {
            same.add(record: record)
            again.add(record: record)
        }
        #expect(same.unreadable.isEmpty)
        #expect((same.total, same.stillAllowed) == (4, 4))
        // Without the registered reference values nothing is affirmed.
        #expect(again.losses.map(\.count) == [4])
    }

    @Test("KBS 12.7.39 and 12.7.40: without reference values denied, with them released")
    func referenceValues() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.affirmingOnly))
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        let before = try await test.attest(guest)
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: before.cookie.value) }
        #expect(error?.kind == .denied)
        try await test.affirmSample()
        let after = try await test.attest(guest)
        #expect(try await test.get("a/b/c", after, guest) == "secret")
    }

    @Test("KBS 12.7.41: a device counts too: denied while it is contraindicated, released once it is affirmed")
    func devices() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(
                TestPolicies.appraisal, TestPolicies.deviceAppraisal, TestPolicies.affirmingOnly))
        try await test.put("a/b/c", "secret")
        try await test.affirmSample()
        let guest = try SampleGuest()
        let before = try await test.attest(guest, deviceSVN: "2")
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: before.cookie.value) }
        #expect(error?.kind == .denied)
        try await test.broker.putReferenceValue("device_svn", value: ["2"], expires: nil, by: "test")
        let after = try await test.attest(guest, deviceSVN: "2")
        #expect(try await test.get("a/b/c", after, guest) == "secret")
    }

    @Test("KBS 12.7.43: what is written is what is read, in its latest version")
    func writeRead() async throws {
        let test = try await TestBroker.make(policies: Self.open)
        try await test.put("a/b/c", "first")
        try await test.put("a/b/c", "second")
        let guest = try SampleGuest()
        #expect(try await test.get("a/b/c", test.attest(guest), guest) == "second")
        #expect(try await test.broker.resourceVersions(try ResourcePath("a/b/c"))["versions"]?.arrayValue?.count == 2)
        try await test.broker.deleteResource(try ResourcePath("a/b/c"), by: "test")
        let attestation = try await test.attest(guest)
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: attestation.cookie.value) }
        #expect(error?.kind == .notFound)
    }

    @Test("a bearer token stands in for a session that is unusable")
    func bearerAfterCookie() async throws {
        let test = try await TestBroker.make(policies: Self.open)
        try await test.put("a/b/c", "secret")
        let attestation = try await test.attest(SampleGuest())
        for cookie in ["junk", Base64.encodeURL([0x53] + [UInt8](repeating: 1, count: 32))] {
            _ = try await test.release("a/b/c", cookie: cookie, bearer: attestation.token)
        }
        let none = try await brokerError { _ = try await test.release("a/b/c") }
        #expect(none?.variant == "TokenNotFound")
        #expect(none?.message == "Attestation Token not found")
    }

    @Test("A29 and A30: every way to have no permission denies, each with a reason of its own")
    func reasons() async throws {
        let test = try await TestBroker.make()
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        func denial(_ policy: String?) async throws -> String? {
            if let policy {
                try await test.broker.setResourcePolicy(policy, by: "test")
            }
            let attestation = try await test.attest(guest)
            let error = try await brokerError { _ = try await test.release("a/b/c", cookie: attestation.cookie.value) }
            #expect(error?.kind == .denied)
            // The same session, known by its token, is told the same.
            let byToken = try await brokerError { _ = try await test.release("a/b/c", bearer: attestation.token) }
            #expect(byToken?.code == error?.code)
            return error?.code
        }
        #expect(try await denial(nil) == "no_policies")
        let elsewhere = TestPolicies.allowAll.replacing("\"**\"", with: "\"other/b/c\"")
        #expect(try await denial(elsewhere) == "no_matching_policy")
        #expect(try await denial(TestPolicies.denyAll) == "condition_false")
        let missing = TestPolicies.denyAll.replacing("1 == 2", with: "claims.sample.svn in reference('nowhere')")
        #expect(try await denial(missing) == "missing_reference_value")
        #expect(try await denial(TestPolicies.affirmingOnly) == "missing_reference_value")
        let guardrail =
            TestPolicies.allowAll + "\n---\n"
            + TestPolicies.denyAll.replacing(
                "name: allow-attested\nspec:", with: "name: limit\nspec:\n  effect: Guardrail")
        #expect(try await denial(guardrail) == "guardrail_denied")
        let count = try await test.broker.decisions(limit: 100, path: "a/b/c", allowed: false, before: nil)
        #expect(count["decisions"]?.arrayValue?.count == 12)
    }

    @Test("a large resource is released whole, and a denied caller is told the same as about a small one")
    func largeResource() async throws {
        let test = try await TestBroker.make()
        try await test.broker.setResourcePolicy(TestPolicies.allowAll, by: "test")
        let guest = try SampleGuest()
        let attestation = try await test.attest(guest)
        let text = String(repeating: "0123456789abcdef", count: 20_000)
        try await test.put("a/b/large", text)
        #expect(try await test.get("a/b/large", attestation, guest) == text)
        try await test.broker.setResourcePolicy(TestPolicies.denyAll, by: "test")
        let error = try await brokerError { _ = try await test.release("a/b/large", cookie: attestation.cookie.value) }
        #expect(error?.kind == .denied && error?.code == "condition_false")
    }

    @Test("A31: a claim that no TEE has is an error when the policy is applied, and nothing is stored")
    func unknownClaim() async throws {
        let test = try await TestBroker.make()
        let wrong = TestPolicies.denyAll.replacing("1 == 2", with: "claims.snp.policy_debug_alowed == false")
        let error = try await brokerError { _ = try await test.broker.applyPolicies(wrong, dryRun: false, by: "test") }
        #expect(error?.kind == .malformed)
        #expect(error?.message.contains("policy_debug_allowed") == true)
        #expect(try await test.broker.policyList()["policies"]?.arrayValue?.count == 1)
    }

    @Test("A34: a policy change counts on every replica with its next request, under the digest that decided")
    func replicasAgree() async throws {
        let first = try await TestBroker.make(policies: Self.open)
        let second = try await first.replica()
        try await first.put("a/b/c", "secret")
        let guest = try SampleGuest()
        let attestation = try await second.attest(guest)
        #expect(try await second.get("a/b/c", attestation, guest) == "secret")
        let applied = try await first.broker.applyPolicies(TestPolicies.denyAll, dryRun: false, by: "test")
        let error = try await brokerError { _ = try await second.release("a/b/c", cookie: attestation.cookie.value) }
        #expect(error?.kind == .denied)
        let decision = try await first.broker.decision(try #require(error?.decisionID))
        #expect(decision["bundleDigest"] == applied["bundleDigest"])
    }

    @Test("A34: no decision is made under older policies than those that were in force when it was asked for")
    func noStaleDecision() async throws {
        let first = try await TestBroker.make(policies: Self.open)
        let second = try await first.replica()
        try await first.put("a/b/c", "secret")
        let attestation = try await second.attest(SampleGuest())
        let disturbance = Task {
            while !Task.isCancelled { try? await second.broker.policies.load() }
        }
        defer { disturbance.cancel() }
        for round in 0..<12 {
            let allows = round.isMultiple(of: 2)
            let policy = allows ? TestPolicies.allowAll : TestPolicies.denyAll
            _ = try await first.broker.applyPolicies(policy, dryRun: false, by: "test")
            let error = try await brokerError {
                _ = try await second.release("a/b/c", cookie: attestation.cookie.value)
            }
            #expect((error == nil) == allows)
        }
    }

    @Test("A5: a session's row that was swapped with another's opens nothing")
    func swappedSessions() async throws {
        let test = try await TestBroker.make(policies: Self.open)
        try await test.put("a/b/c", "secret")
        let (mine, theirs) = (try await test.attest(SampleGuest()), try await test.attest(SampleGuest()))
        // A broker that remembers the callers must not believe its memory.
        for attestation in [mine, theirs] { _ = try await test.release("a/b/c", cookie: attestation.cookie.value) }
        _ = try await test.store.database.query(
            """
            UPDATE sessions s SET sealed = o.sealed, subjects = o.subjects, expires_at = o.expires_at
            FROM sessions o WHERE o.hash <> s.hash
            """)
        for attestation in [mine, theirs] {
            let error = try await brokerError { _ = try await test.release("a/b/c", cookie: attestation.cookie.value) }
            #expect(error?.kind == .internal)
        }
        #expect(try await test.decisionCount() == 2)
    }

    @Test("A38: whoever is not allowed cannot tell whether a resource exists")
    func noOracle() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.denyAll))
        try await test.put("a/b/there", "secret")
        let attestation = try await test.attest(SampleGuest())
        var texts: Set<String> = []
        for path in ["a/b/there", "a/b/not-there"] {
            let error = try #require(
                try await brokerError { _ = try await test.release(path, cookie: attestation.cookie.value) })
            #expect(error.kind == .denied)
            texts.insert(error.message.replacing(try #require(error.decisionID), with: "ID"))
        }
        #expect(texts.count == 1)
        let metrics = test.metrics.prometheusText()
        #expect(!metrics.contains("a/b"))
        #expect(!test.logs.text.contains("a/b/"))
    }

    @Test("A50: without a durable decision nothing is released, and the refusal comes within a bound")
    func ledgerDown() async throws {
        let test = try await TestBroker.make(policies: Self.open)
        try await test.put("a/b/c", "secret")
        let attestation = try await test.attest(SampleGuest())
        _ = try await test.store.database.query("ALTER TABLE decisions RENAME TO decisions_away")
        let started = ContinuousClock.now
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: attestation.cookie.value) }
        #expect(error?.kind == .unavailable)
        #expect(error?.code == "ledger_unavailable")
        #expect(started.duration(to: .now) < .seconds(120))
        #expect(test.metrics.prometheusText().contains("claviger_ledger_failures_total 1"))
        #expect(!test.metrics.prometheusText().contains("kbs_resource_reads_total 1"))
    }

    @Test("A57: a database that is gone makes the broker unavailable, never the caller unauthorised")
    func databaseDown() async throws {
        let test = try await TestBroker.make(policies: Self.open)
        let guest = try SampleGuest()
        let attestation = try await test.attest(guest)
        let (challenge, cookie) = try await test.broker.challenge(SampleGuest.authBody())
        await test.broker.reportReplica()
        #expect(test.metrics.prometheusText().contains("claviger_database_up 1"))
        test.store.database.close()
        await test.broker.reportReplica()
        #expect(test.metrics.prometheusText().contains("claviger_database_up 0"))
        let body = try guest.attestation(nonce: challenge.nonce)
        for error in [
            try await brokerError { _ = try await test.release("a/b/c", cookie: attestation.cookie.value) },
            try await brokerError { _ = try await test.release("a/b/c", bearer: attestation.token) },
            try await brokerError { _ = try await test.broker.attest(body: body, cookie: cookie.value) },
            try await brokerError { try await test.put("a/b/c", "x") },
            try await brokerError { _ = try await test.broker.policyList() },
        ] {
            #expect(error?.kind == .unavailable)
        }
        #expect(await !test.broker.readiness().isReady)
    }

    @Test("A52: no secret, token, nonce or cookie is in logs, metrics or decisions")
    func canary() async throws {
        let canary = "canary-0f9d2c7b51"
        let test = try await TestBroker.make(policies: Self.open)
        try await test.put("a/b/c", canary)
        let guest = try SampleGuest()
        let (challenge, challengeCookie) = try await test.broker.challenge(SampleGuest.authBody())
        let body = try guest.attestation(nonce: challenge.nonce)
        let attestation = try await test.broker.attest(body: body, cookie: challengeCookie.value)
        #expect(try await test.get("a/b/c", attestation, guest) == canary)
        _ = try await test.broker.applyPolicies(TestPolicies.denyAll, dryRun: false, by: "test")
        _ = try await brokerError { _ = try await test.release("a/b/c", bearer: attestation.token) }

        let records = try await DecisionRepository(test.store.database).list()
        #expect(records.count == 2)
        let decisions = records.map { "\($0)" }.joined()
        let everything = test.logs.text + test.metrics.prometheusText() + decisions
        let secrets = [
            canary, Base64.encode(Array(canary.utf8)), challenge.nonce, challengeCookie.value, attestation.cookie.value,
            attestation.token, String(attestation.token.split(separator: ".")[2]),
        ]
        for secret in secrets { #expect(!everything.contains(secret)) }
        #expect(test.logs.text.contains("release decided"))
    }
}
