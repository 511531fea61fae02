import CEL

/// Why an expression has no value.
struct ExpressionFailure: Error, Sendable {
    let reason: DecisionReason
    let message: String
}

/// An expression's value taken as a condition: only `true` is true.
struct ExpressionVerdict {
    let outcome: ConditionTrace.Outcome
    let reason: DecisionReason?
    let message: String?

    init(_ result: Result<CELValue, ExpressionFailure>) {
        switch result {
        case .success(.bool(true)): self.init(.met, nil, nil)
        case .success(.bool(false)): self.init(.notMet, .conditionFalse, "The expression is false.")
        case .success(let value):
            self.init(.error, .conditionError, "The expression gives a \(value.typeName), not true or false.")
        case .failure(let failure): self.init(.error, failure.reason, failure.message)
        }
    }

    private init(_ outcome: ConditionTrace.Outcome, _ reason: DecisionReason?, _ message: String?) {
        self.outcome = outcome
        self.reason = reason
        self.message = message
    }
}

/// How many expressions one decision may still evaluate. Each has a cost limit of its own, so that this bounds the
/// whole decision, however many policies match.
final class ExpressionBudget {
    static let maximumExpressions = 512
    private var left = ExpressionBudget.maximumExpressions

    func spend() -> Bool {
        left -= 1
        return left >= 0
    }
}
