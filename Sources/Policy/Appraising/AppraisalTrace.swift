import Encodings
import RATS

/// How one rule of an appraisal policy came out.
public struct AppraisalRuleTrace: Sendable, Hashable {
    /// The field in the policy, such as `spec.rules[3]`.
    public let path: String
    /// The trust claim that the rule is about.
    public let claim: TrustClaim
    /// The value that the rule gives.
    public let value: Int8
    /// Its conditions, up to the first that did not hold.
    public let conditions: [ConditionTrace]

    /// Whether all conditions held.
    public var holds: Bool { conditions.allSatisfy { $0.outcome == .met } }

    /// Whether a condition could not be evaluated, so that it is not known whether the rule holds.
    var failed: Bool { conditions.contains { $0.outcome == .error } }
}

/// How the grades of one submodule came about.
public struct AppraisalTrace: Sendable, Hashable {
    /// The submodule, such as `cpu0`.
    public let submodule: String
    /// The appraisal policy's identifier.
    public let policy: String
    /// Digest of the policy document.
    public let digest: String
    /// The rules that were tried, in order.
    public let rules: [AppraisalRuleTrace]
    /// Extension values that could not be evaluated, with the reason.
    public let omitted: [String]

    /// What is to be known about the reference values behind the grades that were given, each once.
    public var notes: [String] {
        var notes: [String] = []
        for note in rules.filter(\.holds).flatMap(\.conditions).flatMap(\.notes) where !notes.contains(note) {
            notes.append(note)
        }
        return notes
    }

    /// The trace as JSON, to be kept beside an attestation result.
    public func json() -> JSONValue {
        [
            "submodule": .string(submodule), "policy": .string(policy), "digest": .string(digest),
            "rules": .array(
                rules.map { rule in
                    [
                        "path": .string(rule.path), "claim": .string(rule.claim.rawValue),
                        "value": .int(Int64(rule.value)),
                        "conditions": .array(rule.conditions.map { .object($0.json()) }),
                    ]
                }),
            "omitted": .array(omitted.map(JSONValue.string)),
        ]
    }

    /// Reads what ``json()`` wrote.
    ///
    /// Throws ``DecisionFormatError`` when a member is missing or has the wrong type.
    public init(json: JSONValue) throws(DecisionFormatError) {
        let members = Members(json)
        var rules: [AppraisalRuleTrace] = []
        for rule in try members.list("rules") { rules.append(try AppraisalRuleTrace(json: rule)) }
        self.init(
            submodule: try members.text("submodule"), policy: try members.text("policy"),
            digest: try members.text("digest"), rules: rules,
            omitted: try members.list("omitted").compactMap(\.stringValue))
    }

    init(submodule: String, policy: String, digest: String, rules: [AppraisalRuleTrace], omitted: [String]) {
        self.submodule = submodule
        self.policy = policy
        self.digest = digest
        self.rules = rules
        self.omitted = omitted
    }
}

extension AppraisalRuleTrace {
    init(json: JSONValue) throws(DecisionFormatError) {
        let members = Members(json)
        guard let claim = TrustClaim(rawValue: try members.text("claim")) else {
            throw DecisionFormatError(member: "claim")
        }
        guard let value = Int8(exactly: try members.integer("value")) else {
            throw DecisionFormatError(member: "value")
        }
        var conditions: [ConditionTrace] = []
        for condition in try members.list("conditions") { conditions.append(try ConditionTrace(json: condition)) }
        self.init(path: try members.text("path"), claim: claim, value: value, conditions: conditions)
    }
}

/// Why an appraisal did not give a better grade, as far as its trace tells.
struct AppraisalCause {
    let reason: DecisionReason
    let sentence: String

    /// The first failed condition of the rules that would have graded one of `claims`.
    init?(_ traces: [AppraisalTrace], submodule: String, claims: [TrustClaim]) {
        guard let trace = traces.first(where: { $0.submodule == submodule }) else { return nil }
        let failed = trace.rules.filter { claims.contains($0.claim) && !$0.holds }.flatMap(\.conditions)
            .filter { $0.outcome != .met }
        let missing = failed.first { $0.reason == .missingReferenceValue }
        guard let condition = missing ?? failed.first else { return nil }
        reason = condition.reason == .missingReferenceValue ? .missingReferenceValue : .conditionFalse
        sentence = " \(trace.policy): \(condition.message ?? condition.required)"
    }
}
