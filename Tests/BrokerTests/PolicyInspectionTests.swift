import BrokerTestSupport
import Foundation
import Policy
import Storage
import Testing

@testable import Broker

/// The operator's way out when the seal is not good, and what a foreign writer could make of it.
@Suite("Adopting stored policies")
struct PolicyInspectionTests {
    /// What an operator of a broker on the database has; the file is removed when `body` ends.
    private func operate(
        _ test: TestBroker, trusting signer: PolicySigner? = nil, _ body: (BrokerConfiguration) async throws -> Void
    ) async throws {
        let ring = FileManager.default.temporaryDirectory.appending(path: "claviger-ring-\(UUID().uuidString)")
        try test.store.keys.write(toNewFile: ring.path)
        defer { try? FileManager.default.removeItem(at: ring) }
        var configuration = BrokerConfiguration()
        configuration.database.url = test.store.dsn
        configuration.keyEncryptionKeyFile = ring.path
        if let signer { PolicySigner.require(signer)(&configuration) }
        try await body(configuration)
    }

    @Test("an operator sees what was changed, and vouches for exactly what he saw")
    func inspection() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.denyAll))
        try await operate(test) { configuration in
            let before = try await PolicyInspection(configuration)
            #expect(before.violations.isEmpty && before.rows.count == 2)
            _ = try await test.store.database.query("UPDATE generation SET value = value + 1")
            let after = try await PolicyInspection(configuration)
            #expect(after.violations == ["The seal is that of generation 1, and the database says 2."])
            let error = try await brokerError {
                _ = try await PolicyInspection.adopt(rowDigest: "00", configuration)
            }
            #expect(error?.kind == .conflict)
            #expect(try await PolicyInspection.adopt(rowDigest: after.rowDigest, configuration) == 3)
            _ = try await test.attest(SampleGuest())
            #expect(await test.broker.readiness().isReady)
        }
    }

    @Test("A47: beside a hostile text an innocent digest is not shown, not adopted and, were it sealed, not believed")
    func hostileText() async throws {
        let test = try await TestBroker.make(
            policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.denyAll))
        let name = "ClusterReleasePolicy/allow-attested"
        let repository = PolicyRepository(test.store.database, keys: test.store.keys)
        let innocent = try #require(try await repository.list().first { $0.key.description == name })
        for statement in [
            "UPDATE policies SET body = '\(TestPolicies.allowAll)' WHERE name = 'allow-attested'",
            "DELETE FROM policy_seal",
        ] {
            _ = try await test.store.database.query(statement)
        }
        try await operate(test) { configuration in
            let inspection = try await PolicyInspection(configuration)
            #expect(!inspection.rows.contains { $0.contains(innocent.digest) })
            #expect(inspection.mismatches.count == 1 && inspection.mismatches.first?.contains(name) == true)
            let error = try await brokerError {
                _ = try await PolicyInspection.adopt(
                    rowDigest: inspection.rowDigest, allowingOlderBundles: true, configuration)
            }
            #expect(error?.code == "rows_inconsistent")
        }
        // As if it had been adopted all the same: brokers compare text and digest, too.
        _ = try await repository.adopt(try await repository.snapshot(), allowingOlderBundles: true)
        let session = try await brokerError { _ = try await test.attest(SampleGuest()) }
        #expect(session?.code == "policies_unavailable")
        #expect(test.logs.text.contains("policies_unauthentic"))
    }

    @Test("A35: a bundle's serial and digest are told from what it holds, and older ones need the operator's word")
    func olderBundle() async throws {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: nil, configure: PolicySigner.require(signer))
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, serial: 1))
        let tables = ["policies", "policy_bundles"]
        for table in tables { _ = try await test.store.database.query("CREATE TABLE old_\(table) AS TABLE \(table)") }
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, TestPolicies.denyAll, serial: 2))
        for table in tables {
            _ = try await test.store.database.query("DELETE FROM \(table)")
            _ = try await test.store.database.query("INSERT INTO \(table) SELECT * FROM old_\(table)")
        }
        try await operate(test, trusting: signer) { configuration in
            let older = try await PolicyInspection(configuration)
            #expect(older.bundleSetbacks == ["The bundle production has the serial 1; it had 2."])
            let refused = try await brokerError {
                _ = try await PolicyInspection.adopt(rowDigest: older.rowDigest, configuration)
            }
            #expect(refused?.code == "bundles_older")
            _ = try await test.store.database.query("UPDATE policy_bundles SET serial = 3")
            let forged = try await PolicyInspection(configuration)
            #expect(forged.rows.contains { $0.hasPrefix("PolicyBundle/production serial 1 ") })
            let inconsistent = try await brokerError {
                _ = try await PolicyInspection.adopt(rowDigest: forged.rowDigest, configuration)
            }
            #expect(inconsistent?.code == "rows_inconsistent")
            _ = try await test.store.database.query("UPDATE policy_bundles SET serial = 1")
            _ = try await PolicyInspection.adopt(
                rowDigest: older.rowDigest, allowingOlderBundles: true, configuration)
            #expect(try await PolicyInspection(configuration).violations.isEmpty)
        }
    }

    @Test("A47: a stored bundle without the signatures that are asked for is not adopted, whatever it holds")
    func unsignedBundle() async throws {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: nil, configure: PolicySigner.require(signer))
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, TestPolicies.denyAll, serial: 1))
        let forged = try PolicySigner().bundle(TestPolicies.appraisal, TestPolicies.denyAll, serial: 1)
        _ = try await test.store.database.query("UPDATE policy_bundles SET body = $1::text", [.text(forged)])
        _ = try await test.store.database.query("DELETE FROM policy_seal")
        try await operate(test, trusting: signer) { configuration in
            let inspection = try await PolicyInspection(configuration)
            #expect(inspection.mismatches.contains { $0.contains("production: unknown_signer") })
            let error = try await brokerError {
                _ = try await PolicyInspection.adopt(
                    rowDigest: inspection.rowDigest, allowingOlderBundles: true, configuration)
            }
            #expect(error?.code == "rows_inconsistent")
        }
        // Nor where nobody's signature is trusted at all.
        try await operate(test) { configuration in
            let inspection = try await PolicyInspection(configuration)
            #expect(!inspection.mismatches.isEmpty)
        }
    }

    @Test("A47: a policy that is said to be from a bundle must be in it, with the same content")
    func saidToBeSigned() async throws {
        let signer = try PolicySigner()
        let test = try await TestBroker.make(policies: TestPolicies.allowAll) {
            $0.policies.signatures.keyFiles = [signer.file.path]
        }
        _ = try await test.apply(signer.bundle(TestPolicies.appraisal, serial: 1))
        try await operate(test, trusting: signer) { configuration in
            #expect(try await PolicyInspection(configuration).mismatches.isEmpty)
            for origin in ["bundle/production", "bundle/nowhere"] {
                _ = try await test.store.database.query(
                    "UPDATE policies SET origin = '\(origin)' WHERE name = 'allow-attested'")
                let inspection = try await PolicyInspection(configuration)
                #expect(
                    inspection.mismatches == [
                        "ClusterReleasePolicy/allow-attested is said to be from \(origin), which does not hold it."
                    ])
                let error = try await brokerError {
                    _ = try await PolicyInspection.adopt(
                        rowDigest: inspection.rowDigest, allowingOlderBundles: true, configuration)
                }
                #expect(error?.code == "rows_inconsistent")
            }
        }
    }

    @Test("A54: where bundles are taken, a seal from before the first of them is a step back")
    func sealBeforeBundles() async throws {
        let signer = try PolicySigner()
        let test = try await TestBroker.make { $0.policies.signatures.keyFiles = [signer.file.path] }
        _ = try await test.store.database.query("UPDATE generation SET value = value + 1")
        try await operate(test, trusting: signer) { configuration in
            let inspection = try await PolicyInspection(configuration)
            #expect(inspection.bundleSetbacks.count == 1)
            let error = try await brokerError {
                _ = try await PolicyInspection.adopt(rowDigest: inspection.rowDigest, configuration)
            }
            #expect(error?.code == "bundles_older")
            _ = try await PolicyInspection.adopt(
                rowDigest: inspection.rowDigest, allowingOlderBundles: true, configuration)
        }
    }

    @Test("reference values are shown with their end, which decides whether they count")
    func expiry() async throws {
        let test = try await TestBroker.make()
        try await test.broker.putReferenceValue("svn", value: ["1"], expires: "2099-01-31T12:00:00Z", by: "eve")
        try await operate(test) { configuration in
            let rows = try await PolicyInspection(configuration).rows
            #expect(rows.contains(#"reference value svn = ["1"] until 2099-01-31T12:00:00Z by eve"#), "\(rows)")
        }
    }
}
