public import Encodings
public import FoundationEssentials
public import Policy
public import RATS

/// What policies would say to somebody who asks for something: a decision that has no effect.
public struct PolicyTrial: Sendable {
    /// How each attester would be graded, or why it would not be.
    public let appraisals: Result<[Appraisal], AppraisalFailureReason>
    /// How the grades came about; empty when they were taken from a token.
    public let traces: [AppraisalTrace]
    /// The decision; nothing when nobody was attested.
    public let decision: Decision?

    /// Why nobody was attested.
    public struct AppraisalFailureReason: Error, Sendable, Hashable {
        /// A stable word, such as `no_appraisal_policy`.
        public let code: String
        /// A sentence for the operator.
        public let message: String
    }

    /// Appraises and decides.
    ///
    /// - Parameters:
    ///   - subject: evidence that is to be graded, or a token's claims.
    ///   - request: what is asked for.
    ///   - age: how long ago the guest attested, in seconds; tokens say that by themselves.
    ///   - protocolVersion: the KBS protocol version that it attested with; tokens say that by themselves.
    ///   - issuer: who vouches for the guest; tokens say that by themselves.
    public init(
        _ subject: PolicyTestCase.Subject, asking request: PolicyTestCase.Request, of bundle: PolicyBundle, now: Date,
        age: Int64 = 0, protocolVersion: String? = nil, issuer: String = "claviger"
    ) {
        let outcome = CaseOutcome(
            PolicyTestCase(
                name: "", line: 0, subject: subject, now: now, age: age, protocolVersion: protocolVersion,
                issuer: issuer, referenceValues: ReferenceValues(), request: request,
                expectation: PolicyTestExpectation()),
            bundle)
        appraisals = outcome.appraisals.mapError { AppraisalFailureReason(code: $0.code, message: $0.message) }
        traces = outcome.appraisalTraces
        decision = outcome.decision
    }

    /// The grades, the conditions that kept better ones away, and the decision, in plain text for people.
    public func explanation() -> String {
        switch appraisals {
        case .failure(let reason): return "Not attested (\(reason.code))\n\(reason.message)\n"
        case .success(let appraisals):
            var lines: [String] = []
            for appraisal in appraisals {
                lines.append("\(appraisal.name) (\(appraisal.tee.rawValue)): \(appraisal.status.rawValue)")
                lines += TrustClaim.allCases.compactMap { claim in
                    appraisal.vector[claim].flatMap { value in
                        value == 0 ? nil : "  \(claim.rawValue) \(value) (\(TrustTier(value: value).rawValue))"
                    }
                }
                lines += traces.filter { $0.submodule == appraisal.name }.flatMap(Self.unmet)
            }
            return lines.map { $0 + "\n" }.joined() + "\n" + (decision?.explanation() ?? "")
        }
    }

    private static func unmet(_ trace: AppraisalTrace) -> [String] {
        trace.rules.filter { !$0.holds }.flatMap { rule in
            rule.conditions.filter { $0.outcome != .met }.map { condition in
                "  not \(rule.claim.rawValue) \(rule.value): \(condition.message ?? condition.required)"
            }
        }
    }

    /// The same for programs.
    public func json() -> JSONValue {
        var object = JSONObject()
        switch appraisals {
        case .failure(let reason):
            object["refused"] = ["code": .string(reason.code), "message": .string(reason.message)]
        case .success(let appraisals):
            var submodules = JSONObject()
            for appraisal in appraisals {
                submodules[appraisal.name] = [
                    "tee": .string(appraisal.tee.rawValue), "status": .string(appraisal.status.rawValue),
                    "trust": .object(appraisal.vector.json()),
                ]
            }
            object["submods"] = .object(submodules)
        }
        object["appraisals"] = .array(traces.map { $0.json() })
        if let decision { object["decision"] = decision.json() }
        return .object(object)
    }
}

extension PolicyTestSuite {
    /// Reads evidence as test files write it: one attester, or a list of them (`tee`, `class`, `claims`, …).
    ///
    /// Throws `PolicyError` with the places of what is wrong.
    public static func evidence(_ yaml: String, source: String) throws(PolicyError) -> [AppraisalInput] {
        try DocumentStream.read(yaml, source: source) { field in
            field.isList ? TestAttester.readList(field) : TestAttester.read(field).map { [$0] } ?? []
        }.flatMap { $0.map(\.input) }
    }
}
