import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Decisions as JSON and as text")
struct DecisionFormTests {
    private func denied() throws -> Decision {
        let policy = Fixture.release(
            """
              match: {resources: ["payments/image-key/*"]}
              require: {tees: [snp, tdx], maxEvidenceAge: 10m}
              validations:
                - expression: "submods.cpu0.claims.sample.svn == '2' || submods.cpu0.claims.sample.debug"
                  message: only the second edition gets keys
                  reason: OldEdition
                - expression: "submods.cpu0.claims.sample.launch_digest == reference('launch_digest')"
                - expression: "submods.cpu0.claims.sample.platform_version.minor > 7"
                  messageExpression: "'minor is ' + string(submods.cpu0.claims.sample.platform_version.minor)"
            """)
        return try Fixture.bundle(policy, registered: ReferenceValues(["launch_digest": "other"])).decide(
            Fixture.request())
    }

    @Test("a decision survives JSON")
    func roundTrip() throws {
        let decision = try denied()
        #expect(try Decision(json: JSONValue(parsing: decision.json().serialized())) == decision)
        let allowed = try Fixture.decide(validation: "true")
        #expect(try Decision(json: allowed.json()) == allowed)
        for name in ["allowed", "reason", "message", "request", "trace", "bundleDigest"] {
            var object = try #require(decision.json().objectValue)
            object[name] = .int(1)
            #expect(throws: DecisionFormatError.self) { try Decision(json: .object(object)) }
        }
    }

    @Test("the trace has what was required and what was measured")
    func measured() throws {
        let conditions = try #require(try denied().trace.first?.conditions)
        #expect(
            conditions.map(\.path) == [
                "spec.require.tees", "spec.require.maxEvidenceAge", "spec.validations[0]", "spec.validations[1]",
                "spec.validations[2]",
            ])
        #expect(conditions.map(\.outcome) == [.notMet, .met, .notMet, .notMet, .notMet])
        #expect(conditions[0].measured == [MeasuredValue(name: "tee", value: "sample")])
        #expect(conditions[2].measured.contains(MeasuredValue(name: "submods.cpu0.claims.sample.svn", value: "\"1\"")))
        #expect(conditions[2].message == "only the second edition gets keys")
        #expect(conditions[2].authorReason == "OldEdition")
        #expect(conditions[2].line == 10)
        #expect(conditions[3].measured.contains(MeasuredValue(name: "reference('launch_digest')", value: "\"other\"")))
        #expect(
            conditions[3].message
                == "It does not hold that submods.cpu0.claims.sample.launch_digest == reference('launch_digest').")
        #expect(conditions[4].message == "minor is 4")
    }

    @Test("the explanation tells each condition, the nearest policy and the bundle")
    func explanation() throws {
        let decision = try denied()
        let text = decision.explanation()
        #expect(text.hasPrefix("Denied: get resource/payments/image-key/app (condition_false)\n"))
        for part in [
            "ReleasePolicy/payments/image-keys (Allow): does not allow", "FAIL  spec.require.tees",
            "required: tee is one of snp, tdx", "measured: tee = sample", "ok    spec.require.maxEvidenceAge",
            "FAIL  spec.validations[0], line 10", "condition_false, OldEdition: only the second edition gets keys",
            "Nearest: ReleasePolicy/payments/image-keys would have allowed it but for 4 of its 5 conditions.",
            "Decided by the policy bundle \(decision.bundleDigest).",
        ] {
            #expect(text.contains(part), "\(part) is missing in\n\(text)")
        }
    }

    @Test("control characters in claims reach no terminal")
    func controlCharacters() throws {
        var claims = Fixture.sampleClaims
        claims["svn"] = "1\u{1B}[31m\nAllowed: all\u{7F}"
        let appraisal = Fixture.appraisal(claims: claims)
        let request = Fixture.request(attestation: Fixture.attestation([appraisal]))
        let policy = Fixture.release(
            "  match: {resources: [\"payments/**\"]}\n  validations: [{expression: \"submods.cpu0.claims.sample.svn == ''\", messageExpression: \"submods.cpu0.claims.sample.svn\"}]"
        )
        let text = try Fixture.bundle(policy).decide(request).explanation()
        #expect(!text.contains("\u{1B}"))
        #expect(!text.contains("\nAllowed: all"))
    }

    @Test("policies of the same repository hint at what was meant")
    func unmatched() throws {
        let policy = Fixture.release("  match: {resources: [\"payments/tls/*\"]}")
        let decision = try Fixture.bundle(policy).decide(Fixture.request())
        #expect(decision.trace.map(\.matched) == [false])
        #expect(decision.explanation().contains("it is about payments/tls/*"))
    }

    @Test("of many policies that match, a bounded number is shown, the nearest first")
    func bounded() throws {
        let far = (10..<50).map {
            Fixture.release(
                "  match: {resources: [\"payments/**\"]}\n  require: {tees: [snp], status: warning, minProtocol: \"9.0.0\"}",
                name: "far\($0)")
        }
        let near = Fixture.release("  match: {resources: [\"payments/**\"]}\n  require: {tees: [snp]}", name: "near")
        let decision = try Fixture.bundle((far + [near]).joined(separator: "\n---\n")).decide(Fixture.request())
        #expect(decision.trace.count == 32)
        #expect(decision.trace.first?.policy == "ReleasePolicy/payments/near")
        #expect(decision.nearest == "ReleasePolicy/payments/near")
    }

    @Test("the reasons are stable")
    func reasons() {
        #expect(
            DecisionReason.allCases.map(\.rawValue) == [
                "allowed", "no_policies", "no_matching_policy", "condition_false", "condition_error",
                "guardrail_denied", "missing_reference_value", "stale_evidence", "posture_not_met", "posture_unknown",
                "cost_exceeded", "outside_schedule", "limit_reached", "holders_exceeded", "approval_required",
                "instance_unknown", "no_attester", "policies_unavailable",
            ])
    }
}
