import Encodings
import Foundation
import Policy
import RATS
import Testing

@testable import PolicyTesting

@Suite("Trying policies and replaying the past")
struct ReplayTests {
    /// A record as the admin API gives it, decided by `policies` for a guest with these claims.
    private func record(
        _ id: Int, _ policies: PolicyBundle, measurement: String = "aa", debug: Bool = false, age: Int64 = 5,
        path: String = "payments/image-key/app", issuer: String = "claviger", protocolVersion: String = "0.4.0",
        usage: [String: LimitUsage] = [:], isRolledBack: Bool? = nil
    ) throws -> JSONObject {
        let claims: JSONObject = ["measurement": .string(measurement), "policy_debug_allowed": .bool(debug)]
        let issued = Int64(TestFixture.now.timeIntervalSince1970) - age
        let vector: JSONObject = ["executables": measurement == "aa" ? 3 : 33, "hardware": 2]
        let submodule: JSONValue = [
            "tee": "snp", "status": measurement == "aa" ? "affirming" : "warning", "vector": .object(vector),
            "claims": .object(claims), "initData": "00", "initDataClaims": ["a": 1],
            "platform": isRolledBack.map { ["id": "01", "tcb_rollback": .bool($0)] } ?? .null,
        ]
        var record: JSONObject = [
            "id": .string("id-\(id)"), "at": .string("2026-01-01T00:00:00Z"), "operation": "get", "plugin": "resource",
            "path": .string(path),
            "claims": [
                "issuer": .string(issuer), "issuedAt": .int(issued), "protocol": .string(protocolVersion),
                "submodules": ["cpu0": submodule],
                "query": ["purpose": "boot"],
            ],
        ]
        record["trace"] = Decision(
            allowed: true, reason: .allowed, message: "", request: "", trace: [], nearest: nil, bundleDigest: ""
        ).json()
        let past = try PastRequest(record: record)
        record["trace"] = policies.decide(
            ReleaseRequest(
                operation: "get", plugin: "resource", path: past.request.path, query: past.request.query,
                attestation: past.attestation, now: past.at), usage: usage
        ).json()
        return record
    }

    private func bundle(_ release: String, registered: ReferenceValues = ReferenceValues()) throws -> PolicyBundle {
        try PolicyBundle(TestFixture.documents(TestFixture.appraisal, release), registered: registered)
    }

    @Test("A15: what was remembered of a machine is known when the past is decided again", arguments: [false, true])
    func machines(gradesAgain: Bool) throws {
        let before = try bundle(TestFixture.release, registered: ReferenceValues(["measurement": ["aa"]]))
        let after = try bundle(
            TestFixture.releasePolicy(
                "keys",
                """
                  match: {resources: ["payments/image-key/*"]}
                  validations: [{expression: "claims.platform.tcb_rollback == false"}]
                """))
        var replay = PolicyReplay(under: after, gradesAgain: gradesAgain)
        for (id, isRolledBack) in [false, true, nil].enumerated() {
            replay.add(record: try record(id, before, isRolledBack: isRolledBack))
        }
        #expect(replay.total == 3 && replay.stillAllowed == 1)
        #expect(replay.losses.map(\.latest).sorted() == ["id-1", "id-2"])
    }

    @Test("who loses and who gains is told, and requests that differ in nothing that matters are counted together")
    func changes() throws {
        let before = try bundle(TestFixture.release)
        let after = try bundle(
            TestFixture.releasePolicy(
                "keys",
                """
                  match: {resources: ["payments/image-key/*"]}
                  require: {maxEvidenceAge: 1m}
                  validations: [{expression: "request.query.purpose == 'boot' && claims.init_data_claims.a == 1"}]
                """))
        var replay = PolicyReplay(under: after, gradesAgain: false)
        for record in [
            try record(1, before), try record(2, before, debug: true), try record(3, before, debug: true),
            try record(4, before, age: 90), try record(5, before, path: "payments/other/a"),
        ] {
            replay.add(record: record)
        }
        #expect(replay.total == 5)
        #expect(replay.stillAllowed == 1)
        #expect(replay.stillDenied == 1)
        #expect(replay.gains.map(\.count) == [2])
        #expect(replay.gains[0].before == "condition_false")
        #expect(replay.losses.map(\.after) == ["stale_evidence"])
        #expect(replay.losses[0].latest == "id-4")
        #expect(replay.losses[0].tee == "snp")
        #expect(replay.json()["losses"]?.arrayValue?.count == 1)
    }

    @Test("claims are graded again when the appraisal is what changes")
    func gradesAgain() throws {
        let before = try bundle(TestFixture.release)
        let past = try PastRequest(record: try record(1, before))
        let values = ReferenceValues(["measurements": ["bb"]])
        for (gradesAgain, losses) in [(false, 0), (true, 1)] {
            var replay = PolicyReplay(
                under: try bundle(TestFixture.release, registered: values), gradesAgain: gradesAgain)
            replay.add(past)
            #expect(replay.losses.count == losses)
        }
    }

    @Test("records that no policy decided are left alone, and those that cannot be read are counted with the reason")
    func unreadable() throws {
        let policies = try bundle(TestFixture.release)
        let good = try record(1, policies)
        var refused = good
        refused["trace"] = ["stage": "verification"]
        var withoutClaims = good
        withoutClaims["claims"] = .null
        var withoutTime = good
        withoutTime["at"] = "yesterday"
        var otherTrace = good
        otherTrace["trace"] = ["allowed": true, "reason": "because_i_say_so"]
        var otherGrades = good
        otherGrades["claims"] = ["issuedAt": 1_767_225_595, "submodules": ["cpu0": ["tee": "abacus"]]]
        var replay = PolicyReplay(under: policies, gradesAgain: false)
        for record in [good, refused, withoutClaims, withoutTime, otherTrace, otherGrades] {
            replay.add(record: record)
        }
        #expect((replay.total, replay.stillAllowed) == (1, 1))
        #expect(replay.unreadable.values.sorted() == [1, 1, 2])
        #expect(replay.unreadable.keys.contains { $0.contains("'claims'") })
        #expect(replay.json()["unreadable"]?.objectValue?.count == 3)
    }

    @Test("claims that are graded again are those of a guest with the protocol version and issuer of that time")
    func circumstances() throws {
        let policy = TestFixture.releasePolicy(
            "keys",
            """
              match: {resources: ["payments/image-key/*"]}
              require: {minProtocol: "0.4.0"}
              validations: [{expression: "attestation.issuer == 'our-verifier' && attestation.protocol == '0.4.0'"}]
            """)
        let policies = try bundle(policy)
        var replay = PolicyReplay(under: policies, gradesAgain: true)
        replay.add(record: try record(1, policies, issuer: "our-verifier"))
        replay.add(record: try record(2, policies, issuer: "our-verifier", protocolVersion: "0.2.0"))
        replay.add(record: try record(3, policies))
        #expect((replay.stillAllowed, replay.stillDenied) == (1, 2))
        #expect(replay.losses.isEmpty && replay.gains.isEmpty)
    }

    private static func limited(_ limits: String, validation: String = "true") -> String {
        TestFixture.releasePolicy(
            "keys",
            """
              match: {resources: ["payments/image-key/*"]}
              validations: [{expression: "\(validation)"}]
              limits: {\(limits)}
            """)
    }

    @Test(
        "what limits or approvals would decide is neither a gain nor a loss",
        arguments: [
            "maxReleases: 1", "approvals: {required: 1, validFor: 1h}", "concurrentHolders: 1, leaseDuration: 5m",
        ])
    func limits(_ limits: String) throws {
        let denying = try bundle(TestFixture.release)
        let allowing = try bundle(
            TestFixture.releasePolicy(
                "keys", "  match: {resources: [\"payments/image-key/*\"]}\n  require: {tees: [snp]}"))
        var replay = PolicyReplay(under: try bundle(Self.limited(limits)), gradesAgain: false)
        replay.add(record: try record(1, denying, debug: true))
        replay.add(record: try record(2, allowing))
        #expect(replay.gains.isEmpty && replay.losses.isEmpty)
        #expect(replay.undetermined.map(\.count) == [1, 1])
        #expect(replay.undetermined.allSatisfy { $0.message.contains("limits of ReleasePolicy/payments/keys") })
        #expect(replay.json()["undetermined"]?.arrayValue?.count == 2)

        // Whatever was counted, this policy would deny.
        var strict = PolicyReplay(
            under: try bundle(Self.limited(limits, validation: "tee == 'tdx'")), gradesAgain: false)
        strict.add(record: try record(3, allowing))
        #expect(strict.losses.map(\.count) == [1])
    }

    @Test("a policy with limits that stays the same says of them what it said then")
    func unchangedLimits() throws {
        let policies = try bundle(Self.limited("maxReleases: 1"))
        var used = LimitUsage()
        used.releases = 1
        var replay = PolicyReplay(under: policies, gradesAgain: false)
        replay.add(record: try record(1, policies))
        replay.add(record: try record(2, policies, usage: ["ReleasePolicy/payments/keys": used]))
        #expect((replay.stillAllowed, replay.stillDenied) == (1, 1))
        #expect(replay.undetermined.isEmpty)
    }

    @Test("a trial shows the grades, why they are no better, and the whole decision")
    func trial() throws {
        let evidence = try PolicyTestSuite.evidence(
            "{\"tee\": \"snp\", \"claims\": {\"measurement\": \"bb\", \"policy_debug_allowed\": false}}",
            source: "guest.json")
        let request = PolicyTestCase.Request(
            operation: "get", plugin: "resource", path: ["payments", "image-key", "app"], query: [:])
        let bundle = try bundle(TestFixture.release, registered: ReferenceValues(["measurements": ["aa"]]))
        let trial = PolicyTrial(.evidence(evidence), asking: request, of: bundle, now: TestFixture.now)
        let text = trial.explanation()
        #expect(text.hasPrefix("cpu0 (snp): warning\n"))
        #expect(text.contains("  executables 33 (warning)"))
        #expect(text.contains("claims.measurement in reference('measurements')' is false"))
        #expect(text.contains("Denied: get resource/payments/image-key/app (condition_false)"))
        #expect(trial.json()["decision"]?["allowed"]?.boolValue == false)

        let device = try PolicyTestSuite.evidence("[{tee: nvidia, claims: {}}]", source: "guest.yaml")
        let refused = PolicyTrial(.evidence(device), asking: request, of: bundle, now: TestFixture.now)
        #expect(refused.explanation().hasPrefix("Not attested (no_appraisal_policy)"))
    }
}
