import CEL
import Encodings
import FoundationEssentials
import RATS

/// Evaluates the conditions of release policies for one request.
final class ReleaseEvaluation {
    let request: ReleaseRequest
    let primary: Appraisal
    private let requirements: RequirementEvaluation
    private let inputs: ReleaseInputs
    private let references: ReferenceValueTable
    private let budget = ExpressionBudget()

    init(_ request: ReleaseRequest, primary: Appraisal, references: ReferenceValueTable) {
        self.request = request
        self.primary = primary
        requirements = RequirementEvaluation(request: request, primary: primary)
        inputs = ReleaseInputs(request)
        self.references = references
    }

    func trace(_ policy: CompiledRelease) -> PolicyTrace {
        var scope = VariableScope()
        for variable in policy.spec.variables {
            scope.set(variable.name, evaluate(variable.expression, policy, scope))
        }
        var conditions: [ConditionTrace] = []
        if let schedule = policy.spec.schedule {
            conditions.append(ScheduleEvaluation(schedule: schedule, now: request.now).condition())
        }
        conditions += requirements.conditions(policy.spec.require, reference: lookup(for: policy))
        for validation in policy.spec.validations { conditions.append(condition(validation, policy, scope)) }
        return PolicyTrace(
            policy: policy.identifier, digest: policy.digest, effect: policy.spec.effect, mode: policy.spec.mode,
            matched: true, conditions: conditions)
    }

    /// The value of an expression that uses no variables of the policy.
    func evaluate(
        _ expression: PolicyExpression, for policy: CompiledRelease
    ) -> Result<CELValue, ExpressionFailure> {
        evaluate(expression, policy, VariableScope())
    }

    private func evaluate(
        _ expression: PolicyExpression, _ policy: CompiledRelease, _ scope: VariableScope
    ) -> Result<CELValue, ExpressionFailure> {
        if let failure = scope.failure(of: expression) { return .failure(failure) }
        return expression.evaluate(
            variables(of: expression, scope), budget: budget, reference: lookup(for: policy))
    }

    private func lookup(for policy: CompiledRelease) -> (String) -> ReferenceLookup {
        { [references, request] name in references.lookup(name, namespace: policy.namespace, now: request.now) }
    }

    private func variables(of expression: PolicyExpression, _ scope: VariableScope) -> [String: CELValue] {
        var variables = inputs.variables(expression.roots)
        if expression.roots.contains("variables") { variables["variables"] = scope.value }
        return variables
    }

    private func condition(
        _ validation: PolicyValidation, _ policy: CompiledRelease, _ scope: VariableScope
    ) -> ConditionTrace {
        let expression = validation.expression
        let inputs = variables(of: expression, scope)
        let result: Result<CELValue, ExpressionFailure> =
            scope.failure(of: expression).map { .failure($0) }
            ?? expression.evaluate(inputs, budget: budget, reference: lookup(for: policy))
        let verdict = ExpressionVerdict(result)
        var measured = expression.measured(inputs)
        var message: String?
        if verdict.outcome != .met {
            let parts = expression.failedParts(inputs, budget: budget, reference: lookup(for: policy))
            for value in parts.flatMap(\.measured) where !measured.contains(where: { $0.name == value.name }) {
                measured.append(value)
            }
            message = self.message(validation, policy, scope, verdict, parts.map(\.text))
        }
        return ConditionTrace(
            path: validation.path, line: expression.position.line, required: expression.source, measured: measured,
            outcome: verdict.outcome, reason: verdict.reason,
            authorReason: verdict.outcome == .met ? nil : validation.reason, message: message,
            notes: references.notes(expression.referenceNames, namespace: policy.namespace, now: request.now))
    }

    private func message(
        _ validation: PolicyValidation, _ policy: CompiledRelease, _ scope: VariableScope,
        _ verdict: ExpressionVerdict, _ failedParts: [String]
    ) -> String? {
        let author = authorMessage(validation, policy, scope)
        guard verdict.outcome == .notMet else {
            return [author, verdict.message].compactMap(\.self).joined(separator: ": ")
        }
        return author ?? (failedParts.isEmpty ? verdict.message : "It does not hold that \(failedParts[0]).")
    }

    private func authorMessage(
        _ validation: PolicyValidation, _ policy: CompiledRelease, _ scope: VariableScope
    ) -> String? {
        if let expression = validation.messageExpression,
            case .success(.string(let text)) = evaluate(expression, policy, scope), !text.isEmpty
        {
            return String(text.prefix(1024))
        }
        return validation.message
    }
}

/// What the variables of one policy came to; one that failed makes every expression that uses it fail.
private struct VariableScope {
    private var map = CELMap()
    private var failures: [String: ExpressionFailure] = [:]

    var value: CELValue { .map(map) }

    mutating func set(_ name: String, _ result: Result<CELValue, ExpressionFailure>) {
        switch result {
        case .success(let value): map.insert(value, for: .string(name))
        case .failure(let failure): failures[name] = failure
        }
    }

    func failure(of expression: PolicyExpression) -> ExpressionFailure? {
        guard let first = failures.min(by: { $0.key < $1.key }) else { return nil }
        if expression.usesAnyVariable { return first.value }
        return expression.usedVariables.lazy.compactMap { failures[$0] }.first
    }
}
