import CEL
import Encodings

/// A compiled expression of a policy.
struct PolicyExpression: Sendable {
    /// The text as it was written, without white space at its ends.
    let source: String
    /// Where it begins in its source.
    let position: SourcePosition
    /// The variables that it uses.
    let roots: Set<String>
    /// The names `x` of `variables.x` that it uses.
    let usedVariables: [String]
    /// Whether it uses `variables` in another way, so that it may look at any of them.
    let usesAnyVariable: Bool
    /// The reference values that it asks for.
    let referenceNames: [String]
    /// What its value is, as far as that is known before it is evaluated.
    var resultType: CELType { program.resultType }
    private let program: CELProgram
    /// Every path that it reads, each once.
    let paths: [[String]]
    /// The first inputs that it looks at, as paths, with their names for people.
    let inputs: [(path: [String], name: String)]

    /// A plain comparison takes about ten steps.
    static let costLimit = 50_000

    /// Compiles the text of a field and checks every name and type in it; `nil` with reports when something is wrong.
    static func read(_ field: Field, scope: ExpressionScope, yields type: CELType = .dyn) -> PolicyExpression? {
        guard let text = field.text(maximum: 16_384), case .scalar(let scalar) = field.node.content else { return nil }
        let reporter = ExpressionReporter(field: field, scalar: scalar, scope: scope)
        let calls: ReferenceCalls
        do throws(ReferenceCalls.Refusal) {
            calls = try ReferenceCalls(text)
        } catch {
            reporter.report(error)
            return nil
        }
        var compiled: CELProgram?
        for (tee, environment) in scope.environments {
            do throws(CELError) {
                let program = try CELProgram(calls.expression, environment: environment)
                guard reporter.check(program, yields: type) else { return nil }
                compiled = compiled ?? program
            } catch {
                reporter.report(error, tee: tee, in: environment)
                return nil
            }
        }
        return compiled.map { PolicyExpression(text, field.node.position, $0, calls.names) }
    }

    private init(_ text: String, _ position: SourcePosition, _ program: CELProgram, _ referenceNames: [String]) {
        source = text.split(whereSeparator: \.isNewline).map { $0.trimmed }.filter { !$0.isEmpty }.joined(
            separator: " ")
        self.position = position
        self.program = program
        self.referenceNames = referenceNames
        var paths: [[String]] = []
        for reference in program.references where !paths.contains(reference.path) { paths.append(reference.path) }
        inputs = paths.filter { $0.first != ReferenceCalls.function }.prefix(16).map { ($0, ClaimPath.text($0)) }
        roots = Set(paths.compactMap(\.first))
        usedVariables = paths.compactMap { $0.first == "variables" && $0.count > 1 ? $0[1] : nil }
        usesAnyVariable = paths.contains(["variables"])
        self.paths = paths
    }

    /// The value for these variables. A reference value that does not count is absent for the expression, and is
    /// named as the reason when the expression fails for it.
    func evaluate(
        _ variables: [String: CELValue], budget: ExpressionBudget, reference: (String) -> ReferenceLookup
    ) -> Result<CELValue, ExpressionFailure> {
        guard budget.spend() else {
            return .failure(
                ExpressionFailure(
                    reason: .costExceeded,
                    message: "More than \(ExpressionBudget.maximumExpressions) expressions would be evaluated."))
        }
        let (complete, missing) = withReferences(variables, reference)
        do {
            return .success(try program.evaluate(complete, costLimit: Self.costLimit))
        } catch {
            return .failure(Self.failure(error, missing: missing))
        }
    }

    private static func failure(_ error: CELError, missing: String?) -> ExpressionFailure {
        if error.kind == .costExceeded {
            return ExpressionFailure(reason: .costExceeded, message: "The expression took more steps than it may.")
        }
        if let missing { return ExpressionFailure(reason: .missingReferenceValue, message: missing) }
        return ExpressionFailure(
            reason: .conditionError, message: "The expression fails: \(error.message) (\(error.code)).")
    }

    /// What the expression looked at, as far as its inputs had it.
    func measured(_ variables: [String: CELValue]) -> [MeasuredValue] {
        inputs.map { path, name in
            var value = path.first.flatMap { variables[$0] }
            for name in path.dropFirst() { value = value?.mapValue?[name] }
            return MeasuredValue(name: name, value: value.map(Self.text) ?? "absent")
        }
    }

    /// The parts that keep the expression from being true, each with the sides of its comparison that were measured.
    func failedParts(
        _ variables: [String: CELValue], budget: ExpressionBudget, reference: (String) -> ReferenceLookup
    ) -> [(text: String, measured: [MeasuredValue])] {
        guard budget.spend() else { return [] }
        let (complete, _) = withReferences(variables, reference)
        let failed = program.trace(complete, costLimit: Self.costLimit).conditions.filter { condition in
            if case .skipped = condition.outcome { return false }
            return condition.isTrue != condition.isWanted
        }
        return failed.prefix(8).map { condition in
            let measured = [condition.left, condition.right].compactMap { side -> MeasuredValue? in
                guard let side, !side.isConstant else { return nil }
                return MeasuredValue(name: written(side.text), value: side.value.map(Self.text) ?? "absent")
            }
            return (written(condition.text), measured)
        }
    }

    /// The text as its author wrote it, with calls of `reference`.
    private func written(_ text: String) -> String {
        let function = ReferenceCalls.function
        return referenceNames.reduce(text) { text, name in
            text.replacing("\(function)['\(name)']", with: "\(function)('\(name)')")
                .replacing("\(function)[\"\(name)\"]", with: "\(function)(\"\(name)\")")
        }
    }

    private func withReferences(
        _ variables: [String: CELValue], _ reference: (String) -> ReferenceLookup
    ) -> (variables: [String: CELValue], missing: String?) {
        guard !referenceNames.isEmpty else { return (variables, nil) }
        var missing: String?
        var values = CELMap()
        for name in referenceNames {
            switch reference(name) {
            case .value(let value): values.insert(value, for: .string(name))
            case .missing(let sentence): missing = missing ?? sentence
            }
        }
        var complete = variables
        complete[ReferenceCalls.function] = .map(values)
        return (complete, missing)
    }

    private static func text(_ value: CELValue) -> String {
        value.json(maximumValues: 200)?.serializedString() ?? "a large \(value.typeName)"
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0.isWhitespace }
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else {
            return start[start.startIndex..<start.startIndex]
        }
        return start[...end]
    }
}
