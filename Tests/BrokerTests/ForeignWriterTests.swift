import BrokerTestSupport
import Encodings
import Foundation
import Policy
import Storage
import Testing

@testable import Broker

/// What somebody gains who can write to the database past the brokers: nothing but that they stop.
@Suite("A foreign writer in the database")
struct ForeignWriterTests {
    private static let tables = ["generation", "policies", "reference_values", "policy_bundles", "policy_seal"]
    private static let bump = "UPDATE generation SET value = value + 1"

    /// Puts a policy that releases everything into the database, as good as somebody can who has no keys.
    private static func insertion(origin: String) throws -> String {
        let document = try #require(try PolicyParser.parse(TestPolicies.allowAll, source: "test").first)
        return """
            INSERT INTO policies (kind, namespace, name, body, digest, origin, generation, updated_by)
            SELECT 'ClusterReleasePolicy', '', 'allow-attested', '\(TestPolicies.allowAll)', '\(document.digest)',
                '\(origin)', value, 'admin' FROM generation
            ON CONFLICT (kind, namespace, name) DO UPDATE SET body = excluded.body, digest = excluded.digest
            """
    }

    private func run(_ statements: [String], on test: TestBroker) async throws {
        for statement in statements { _ = try await test.store.database.query(statement) }
    }

    @Test(
        "A47: a policy that was written into the database grants nothing, not to running brokers and not to new ones",
        arguments: [true, false], [true, false])
    func granted(signed: Bool, known: Bool) async throws {
        let signer = try PolicySigner()
        let configure = signed ? PolicySigner.require(signer) : { _ in }
        let test = try await TestBroker.make(policies: nil, configure: configure)
        // A row of this name exists and denies, or there is none.
        let documents = known ? [TestPolicies.appraisal, TestPolicies.denyAll] : [TestPolicies.appraisal]
        let text = documents.joined(separator: "\n---\n")
        _ = try await test.apply(signed ? try signer.bundle(text, serial: 1) : text)
        try await test.put("a/b/c", "secret")
        let guest = try SampleGuest()
        let session = try await test.attest(guest)
        try await run([try Self.insertion(origin: signed ? "bundle/production" : "admin")], on: test)
        // Nobody was told: the running broker goes on by the policies of this generation, which it has.
        let quiet = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
        #expect(quiet?.kind == .denied)
        try await run([Self.bump], on: test)
        let replica = try await test.replica(configure: configure)
        for broker in [test, replica] {
            let error = try await brokerError { _ = try await broker.release("a/b/c", cookie: session.cookie.value) }
            #expect(error?.code == "policies_unavailable")
            #expect(broker.logs.text.contains("policies_unauthentic"))
            #expect(await !broker.broker.readiness().policies)
        }
        #expect(test.metrics.prometheusText().contains("claviger_policy_bundle_stale 1"))
        #expect(try await test.broker.policyStatus()["problem"]?["code"] == "policies_unauthentic")
    }

    @Test("A29: a removed guardrail or revoked value stops everything; it does not widen anything")
    func removed() async throws {
        let guardrail = """
            apiVersion: claviger.dev/v1alpha1
            kind: ClusterReleasePolicy
            metadata: {name: never}
            spec:
              effect: Guardrail
              match: {resources: ["**"]}
              validations: [{expression: "1 == 2"}]
            """
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll, guardrail))
        try await test.put("a/b/c", "secret")
        let session = try await test.attest(SampleGuest())
        try await run(["DELETE FROM policies WHERE name = 'never'", Self.bump], on: test)
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
        #expect(error?.code == "policies_unavailable")
        let change = try await brokerError { _ = try await test.apply(TestPolicies.allowAll) }
        #expect(change?.code == "policies_unauthentic")
    }

    @Test("rows that were changed in place are mended by applying what they should say")
    func mended() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.denyAll))
        try await test.put("a/b/c", "secret")
        let session = try await test.attest(SampleGuest())
        try await run([try Self.insertion(origin: "admin")], on: test)
        let replica = try await test.replica()
        let error = try await brokerError { _ = try await replica.release("a/b/c", cookie: session.cookie.value) }
        #expect(error?.code == "policies_unavailable")
        _ = try await replica.apply(TestPolicies.denyAll)
        let denied = try await brokerError { _ = try await replica.release("a/b/c", cookie: session.cookie.value) }
        #expect(denied?.code == "condition_false")
    }

    @Test("a signed bundle whose rows were changed is mended by the very same bundle")
    func mendedBundle() async throws {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: nil, configure: PolicySigner.require(signer))
        let bundle = try signer.bundle(TestPolicies.appraisal, TestPolicies.denyAll, serial: 4)
        _ = try await test.apply(bundle)
        try await run(
            [try Self.insertion(origin: "bundle/production"), "UPDATE policy_bundles SET serial = 1"], on: test)
        let replica = try await test.replica(configure: PolicySigner.require(signer))
        #expect(await !replica.broker.readiness().isReady)
        let older = try await brokerError {
            _ = try await replica.apply(signer.bundle(TestPolicies.appraisal, serial: 3))
        }
        #expect(older?.code == "stale_serial")
        #expect(try await replica.apply(bundle)["bundle"]?["change"] == "restored")
        #expect(await replica.broker.readiness().isReady)
    }

    @Test("A35: a database that was put back stops the brokers that saw the newer policies, and says so")
    func rolledBack() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll))
        try await test.put("a/b/c", "secret")
        let session = try await test.attest(SampleGuest())
        try await run(Self.tables.map { "CREATE TABLE old_\($0) AS TABLE \($0)" }, on: test)
        _ = try await test.apply(TestPolicies.denyAll)
        try await run(
            Self.tables.flatMap { ["DELETE FROM \($0)", "INSERT INTO \($0) SELECT * FROM old_\($0)"] }, on: test)
        // What brokers are told when a restored database comes up: their listeners connect again.
        try await test.broker.policies.load()
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
        #expect(error?.code == "policies_unavailable")
        #expect(test.logs.text.contains("policies_rolled_back"))
        #expect(test.broker.policies.latest.generation == 2)
    }

    @Test("A35: a broker that is not told that the database was put back finds out by itself")
    func rolledBackUnnoticed() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll))
        try await test.put("a/b/c", "secret")
        let session = try await test.attest(SampleGuest())
        try await run(Self.tables.map { "CREATE TABLE old_\($0) AS TABLE \($0)" }, on: test)
        _ = try await test.apply(TestPolicies.denyAll)
        try await run(
            Self.tables.flatMap { ["DELETE FROM \($0)", "INSERT INTO \($0) SELECT * FROM old_\($0)"] }, on: test)
        var code: String?
        let deadline = ContinuousClock.now + .seconds(240)
        while code != "policies_unavailable", ContinuousClock.now < deadline {
            let error = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
            code = try #require(error, "released by policies that were taken away").code
        }
        #expect(code == "policies_unavailable")
    }

    @Test("A35: a broker that had a bundle never decides by an older one, even when an operator adopted it")
    func olderBundle() async throws {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: nil, configure: PolicySigner.require(signer))
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, TestPolicies.allowAll, serial: 1))
        try await test.put("a/b/c", "secret")
        let session = try await test.attest(SampleGuest())
        let rows = ["policies", "policy_bundles"]
        try await run(rows.map { "CREATE TABLE old_\($0) AS TABLE \($0)" }, on: test)
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, TestPolicies.denyAll, serial: 2))
        try await run(rows.flatMap { ["DELETE FROM \($0)", "INSERT INTO \($0) SELECT * FROM old_\($0)"] }, on: test)
        let repository = PolicyRepository(test.store.database, keys: test.store.keys)
        _ = try await repository.adopt(try await repository.snapshot(), allowingOlderBundles: true)
        let error = try await brokerError { _ = try await test.release("a/b/c", cookie: session.cookie.value) }
        #expect(error?.code == "policies_unavailable")
        #expect(test.logs.text.contains("The bundle production has the serial 1; it had 2."))
    }
}
