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
        path: String = "payments/image-key/app"
    ) throws -> JSONObject {
        let claims: JSONObject = ["measurement": .string(measurement), "policy_debug_allowed": .bool(debug)]
        let issued = Int64(TestFixture.now.timeIntervalSince1970) - age
        let vector: JSONObject = ["executables": measurement == "aa" ? 3 : 33, "hardware": 2]
        let submodule: JSONValue = [
            "tee": "snp", "status": measurement == "aa" ? "affirming" : "warning", "vector": .object(vector),
            "claims": .object(claims), "initData": "00", "initDataClaims": ["a": 1],
        ]
        var record: JSONObject = [
            "id": .string("id-\(id)"), "at": .string("2026-01-01T00:00:00Z"), "operation": "get", "plugin": "resource",
            "path": .string(path),
            "claims": [
                "issuer": "claviger", "issuedAt": .int(issued), "protocol": "0.4.0", "submodules": ["cpu0": submodule],
                "query": ["purpose": "boot"],
            ],
        ]
        record["trace"] = Decision(
            allowed: true, reason: .allowed, message: "", request: "", trace: [], nearest: nil, bundleDigest: ""
        ).json()
        let past = try #require(PastRequest(record: record))
        let decision = PolicyTrial(.token(past.token), asking: past.request, of: policies, now: past.at).decision
        record["trace"] = decision?.json()
        return record
    }

    private func bundle(_ release: String, registered: ReferenceValues = ReferenceValues()) throws -> PolicyBundle {
        try PolicyBundle(TestFixture.documents(TestFixture.appraisal, release), registered: registered)
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
            replay.add(try #require(PastRequest(record: record)))
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
        let past = try #require(PastRequest(record: try record(1, before)))
        let values = ReferenceValues(["measurements": ["bb"]])
        for (gradesAgain, losses) in [(false, 0), (true, 1)] {
            var replay = PolicyReplay(
                under: try bundle(TestFixture.release, registered: values), gradesAgain: gradesAgain)
            replay.add(past)
            #expect(replay.losses.count == losses)
        }
    }

    @Test("records that no policy decided are left alone")
    func undecided() throws {
        var refused = try record(1, try bundle(TestFixture.release))
        refused["trace"] = ["stage": "verification"]
        #expect(PastRequest(record: refused) == nil)
        var empty = try record(1, try bundle(TestFixture.release))
        empty["claims"] = .null
        #expect(PastRequest(record: empty) == nil)
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
