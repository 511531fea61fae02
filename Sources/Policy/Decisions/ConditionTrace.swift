/// A claim or other input together with what it was.
public struct MeasuredValue: Sendable, Hashable {
    /// What was looked at, such as `claims.snp.policy_debug_allowed`.
    public let name: String
    /// Its value as JSON text, cut when it is long; `absent` when there was none.
    public let value: String

    /// A measured value; texts longer than 200 characters are cut.
    public init(name: String, value: String) {
        self.name = name
        self.value = value.count <= 200 ? value : value.prefix(197) + "..."
    }
}

/// How one condition came out.
public struct ConditionTrace: Sendable, Hashable {
    /// Whether a condition held.
    public enum Outcome: String, Sendable, Hashable {
        /// True.
        case met
        /// False.
        case notMet = "not_met"
        /// It could not be evaluated, which counts as false.
        case error
    }

    /// The field in the policy, such as `spec.validations[0]`.
    public let path: String
    /// Line in the policy's source; 0 for conditions that are not expressions.
    public let line: Int
    /// The condition: an expression, or what a field of `require` asks for.
    public let required: String
    /// What was found.
    public let measured: [MeasuredValue]
    /// How it came out.
    public let outcome: Outcome
    /// Why it did not hold; `nil` when it did.
    public let reason: DecisionReason?
    /// The policy author's own word for it (`reason` of a validation).
    public let authorReason: String?
    /// A sentence: the policy author's message, or what went wrong.
    public let message: String?

    /// The trace of one condition.
    public init(
        path: String, line: Int = 0, required: String, measured: [MeasuredValue], outcome: Outcome,
        reason: DecisionReason? = nil, authorReason: String? = nil, message: String? = nil
    ) {
        self.path = path
        self.line = line
        self.required = required
        self.measured = measured
        self.outcome = outcome
        self.reason = reason
        self.authorReason = authorReason
        self.message = message
    }
}

/// How one policy came out.
public struct PolicyTrace: Sendable, Hashable {
    /// The policy's identifier, such as `ReleasePolicy/payments/image-keys`.
    public let policy: String
    /// Digest of the policy document.
    public let digest: String
    /// Whether it allows or limits.
    public let effect: ReleaseEffect
    /// Whether the policy is about the request at all.
    public let matched: Bool
    /// Why it is not about the request.
    public let note: String?
    /// Its conditions, in order; empty when it did not match.
    public let conditions: [ConditionTrace]

    /// The trace of one policy.
    public init(
        policy: String, digest: String, effect: ReleaseEffect, matched: Bool, note: String? = nil,
        conditions: [ConditionTrace]
    ) {
        self.policy = policy
        self.digest = digest
        self.effect = effect
        self.matched = matched
        self.note = note
        self.conditions = conditions
    }

    /// Whether the policy matched and all of its conditions held.
    public var passed: Bool { matched && conditions.allSatisfy { $0.outcome == .met } }

    /// The conditions that did not hold.
    public var failures: [ConditionTrace] { conditions.filter { $0.outcome != .met } }
}
