import Encodings
import FoundationEssentials
import Policy
import RATS

/// What the policies make of one case.
struct CaseOutcome {
    /// The appraisals, or why there are none: a code and a sentence.
    let appraisals: Result<[Appraisal], AppraisalRefusal>
    let appraisalTraces: [AppraisalTrace]
    /// The decision, when something was asked for and somebody was attested.
    let decision: Decision?

    struct AppraisalRefusal: Error {
        let code: String
        let message: String
    }

    init(_ test: PolicyTestCase, _ bundle: PolicyBundle) {
        do throws(AppraisalRefusal) {
            let (attestation, traces) = try Self.attest(test, bundle)
            appraisals = .success(attestation.appraisals)
            appraisalTraces = traces
            decision = test.request.map { request in
                bundle.decide(
                    ReleaseRequest(
                        operation: request.operation, plugin: request.plugin, path: request.path, query: request.query,
                        attestation: attestation, appraisals: traces, now: test.now))
            }
        } catch {
            appraisals = .failure(error)
            appraisalTraces = []
            decision = nil
        }
    }

    private static func attest(
        _ test: PolicyTestCase, _ bundle: PolicyBundle
    ) throws(AppraisalRefusal) -> (AttestationResult, [AppraisalTrace]) {
        switch test.subject {
        case .token(let claims):
            do throws(AttestationResultError) {
                return (try AttestationResult(earClaims: claims), [])
            } catch {
                throw AppraisalRefusal(code: error.code, message: error.message)
            }
        case .evidence(let inputs):
            let issuedAt = test.now.addingTimeInterval(-TimeInterval(test.age))
            switch bundle.appraisalReport(inputs, now: issuedAt) {
            case .failure(let failure): throw AppraisalRefusal(code: failure.code, message: failure.message)
            case .success(let report):
                let attestation = AttestationResult(
                    issuer: test.issuer, audience: nil, id: "test", issuedAt: issuedAt, notBefore: nil,
                    expiresAt: issuedAt.addingTimeInterval(3600), verifierDeveloper: "", verifierBuild: "",
                    appraisals: report.appraisals, protocolVersion: test.protocolVersion)
                return (attestation, report.traces)
            }
        }
    }

    // MARK: - For people

    /// The conditions that did not hold; when everything held, who allowed.
    var failedConditions: [String] {
        if case .failure(let refusal) = appraisals { return ["\(refusal.code): \(refusal.message)"] }
        let ungraded = appraisalTraces.flatMap { trace in
            trace.rules.filter { !$0.holds }.flatMap { rule in
                rule.conditions.filter { $0.outcome != .met }.map { condition in
                    Self.sentence(condition, in: "\(trace.policy) (\(trace.submodule), \(rule.claim.rawValue))")
                }
            }
        }
        guard let decision else { return ungraded }
        let unmet = decision.trace.flatMap { policy in
            policy.failures.map { Self.sentence($0, in: policy.policy) }
        }
        if decision.allowed { return [decision.message] }
        return ([decision.message] + unmet + ungraded).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    private static func sentence(_ condition: ConditionTrace, in policy: String) -> String {
        let place = condition.line > 0 ? "\(condition.path), line \(condition.line)" : condition.path
        let measured = condition.measured.map { "\($0.name) = \($0.value)" }.joined(separator: ", ")
        return "\(policy) \(place): \(condition.required)" + (measured.isEmpty ? "" : " [\(measured)]")
    }
}
