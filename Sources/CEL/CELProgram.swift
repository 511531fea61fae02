/// A compiled expression: parsed, checked and planned once, evaluated any number of times from any thread.
public struct CELProgram: Sendable {
    /// The expression as given.
    public let source: String
    /// The paths of variables that the expression reads, in the order of the source.
    public let references: [CELReference]
    /// The type of the value, as far as it is known before the evaluation.
    public let resultType: CELType
    private let text: SourceText
    private let root: any Evaluable
    private let conditions: ConditionTree
    private let localCount: Int

    /// Compiles an expression.
    /// - Throws: `CELError` with line and column: `syntax_error`, `nesting_too_deep`, `expression_too_large`,
    ///   `undeclared_reference`, `no_such_overload`, `unknown_field`, `type_mismatch`, `invalid_argument` (a literal
    ///   pattern that is no regular expression).
    public init(_ source: String, environment: CELEnvironment = .standard) throws(CELError) {
        // A source of so many code points has at least as many bytes: refuse it before it is copied.
        guard source.utf8.count <= 4 * environment.limits.maximumSourceLength else {
            throw CELError(.tooLarge, "the expression is too long", at: 0)
        }
        let text = SourceText(source)
        do throws(CELError) {
            let macros = MacroSet(isEmpty: !environment.hasMacros, hasBlocks: environment.hasBlockMacros)
            let expression = try Parser.parse(text, limits: environment.limits, macros: macros)
            try Nesting.check(expression, limits: environment.limits)
            let checked =
                environment.isChecked
                ? try Checker.result(of: expression, environment: environment) : Checker.Result()
            resultType = checked.type
            var planner = Planner(environment: environment, emptySums: checked.emptySums)
            root = try planner.plan(expression)
            conditions = try ConditionTree.plan(expression, text, &planner)
            localCount = planner.localCount
            references = ReferenceCollector.references(in: expression, source: text, environment: environment)
        } catch {
            throw error.located(in: text)
        }
        self.source = source
        self.text = text
    }

    /// The value of the expression.
    /// - Parameters:
    ///   - variables: the values of the variables by name.
    ///   - costLimit: how many steps the evaluation may take (a step is about one operation, one element walked over, or
    ///     16 bytes of text).
    /// - Throws: `CELError`: `no_such_key`, `no_such_field`, `no_such_overload`, `undeclared_reference`, `overflow`,
    ///   `divide_by_zero`, `duplicate_key`, `invalid_argument`, or `cost_exceeded`, which no operator absorbs.
    public func evaluate(
        _ variables: [String: CELValue] = [:], costLimit: Int = 100_000
    ) throws(CELError) -> CELValue {
        var frame = Frame(variables: variables, localCount: localCount, costLimit: costLimit)
        do throws(CELError) {
            return try root.evaluate(&frame)
        } catch {
            throw error.located(in: text)
        }
    }

    /// Evaluates with an account of each condition.
    /// - Parameters:
    ///   - variables: as for `evaluate`.
    ///   - costLimit: as for `evaluate`, for the whole account.
    ///   - isExhaustive: whether conditions are evaluated that no longer matter for the result.
    public func trace(
        _ variables: [String: CELValue] = [:], costLimit: Int = 100_000, isExhaustive: Bool = false
    ) -> CELTrace {
        let frame = Frame(variables: variables, localCount: localCount, costLimit: costLimit)
        return Tracer.trace(conditions, frame: frame, source: text, isExhaustive: isExhaustive)
    }
}
