import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("The mode Audit")
struct AuditTests {
    private static let allow = Fixture.release("  match: {resources: [\"payments/**\"]}", name: "allow")
    private static let limit = """
          effect: Guardrail
          mode: MODE
          match: {resources: ["**"]}
          require: {tees: [tdx]}
        """

    private func limit(_ mode: String) -> String {
        Fixture.clusterRelease(Self.limit.replacing("MODE", with: mode), name: "limit")
    }

    private func auditAllow(_ spec: String = "") -> String {
        Fixture.release("  mode: Audit\n  match: {resources: [\"payments/**\"]}\n\(spec)", name: "audit")
    }

    @Test("a guardrail that is only shown denies nothing, and says what it would have denied")
    func guardrail() throws {
        let decision = try Fixture.bundle(Self.allow, limit("Audit")).decide(Fixture.request())
        #expect(decision.allowed && decision.audit == .wouldDeny)
        #expect(decision.explanation().contains("(Guardrail, only shown (Audit)): objects"))
        #expect(decision.explanation().contains("would have denied it"))
        let enforced = try Fixture.bundle(Self.allow, limit("Enforce")).decide(Fixture.request())
        #expect(enforced.reason == .guardrailDenied && enforced.audit == nil)
    }

    @Test("a policy that is only shown allows nothing, alone and beside others that deny")
    func allow() throws {
        let alone = try Fixture.bundle(auditAllow()).decide(Fixture.request())
        #expect(!alone.allowed && alone.reason == .noPolicies && alone.audit == .wouldAllow)
        let strict = Fixture.release(
            "  match: {resources: [\"payments/**\"]}\n  require: {tees: [tdx]}", name: "strict")
        let beside = try Fixture.bundle(auditAllow(), strict).decide(Fixture.request())
        #expect(!beside.allowed && beside.reason == .conditionFalse && beside.audit == .wouldAllow)
        #expect(beside.nearest == "ReleasePolicy/payments/strict")
        // What a guardrail objects to would not have been allowed either.
        let limited = try Fixture.bundle(auditAllow(), limit("Enforce")).decide(Fixture.request())
        #expect(!limited.allowed && limited.audit == nil)
        let both = try Fixture.bundle(auditAllow(), limit("Audit")).decide(Fixture.request())
        #expect(!both.allowed && both.audit == nil)
    }

    @Test("A36: whatever policies of the mode Audit do and cost, the decision and its digest stay what they are")
    func noInfluence() throws {
        let costly = (0..<40).map { number in
            Fixture.clusterRelease(
                """
                  effect: Guardrail
                  mode: Audit
                  match: {resources: ["**"]}
                  validations:
                \((0..<60).map { "    - expression: \"\($0) == 1 / (\($0) - \($0))\"" }.joined(separator: "\n"))
                """, name: "costly-\(number)")
        }
        let many = Fixture.release(
            """
              match: {resources: ["payments/**"]}
              validations:
            \((0..<60).map { "    - expression: \"\($0) == \($0)\"" }.joined(separator: "\n"))
            """, name: "many")
        let alone = try Fixture.bundle(many).decide(Fixture.request())
        let bundle = try Fixture.bundle(([many] + costly).joined(separator: "\n---\n"))
        let audited = bundle.decide(Fixture.request())
        #expect(alone.allowed && audited.allowed && audited.reason == .allowed)
        #expect(audited.trace.first == alone.trace.first)
        #expect(audited.trace.count <= 33)
    }

    @Test("limits of a policy that is only shown are never charged")
    func limits() throws {
        let decision = try Fixture.bundle(Self.allow, auditAllow("  limits: {maxReleases: 1}")).decide(
            Fixture.request())
        #expect(decision.allowed && decision.demands.isEmpty && decision.charges.isEmpty)
        let approvals = try Fixture.bundle(auditAllow("  limits: {approvals: {required: 1, validFor: 1h}}"))
            .decide(Fixture.request())
        #expect(approvals.audit == nil && approvals.demands.isEmpty)
    }

    @Test("the ledger's form keeps the mode and what would have changed")
    func form() throws {
        let decision = try Fixture.bundle(Self.allow, limit("Audit")).decide(Fixture.request())
        #expect(try Decision(json: JSONValue(parsing: decision.json().serialized())) == decision)
        #expect(decision.json()["audit"] == "would_deny")
    }
}
