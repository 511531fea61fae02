/// Evaluates a condition tree and writes down what each condition saw.
struct Tracer {
    private let source: SourceText
    /// Whether conditions after a deciding one are evaluated too.
    private let isExhaustive: Bool
    private var frame: Frame
    private var conditions: [CELCondition] = []

    static func trace(
        _ tree: ConditionTree, frame: Frame, source: SourceText, isExhaustive: Bool
    ) -> CELTrace {
        var tracer = Tracer(source: source, isExhaustive: isExhaustive, frame: frame)
        let result = tracer.visit(tree, isWanted: true, isSkipped: false) ?? .success(.null)
        return CELTrace(result: result.mapError { $0.located(in: source) }, conditions: tracer.conditions)
    }

    private init(source: SourceText, isExhaustive: Bool, frame: Frame) {
        self.source = source
        self.isExhaustive = isExhaustive
        self.frame = frame
    }

    /// The outcome of a tree; nil when it was skipped.
    private mutating func visit(
        _ tree: ConditionTree, isWanted: Bool, isSkipped: Bool
    ) -> Result<CELValue, CELError>? {
        switch tree {
        case .leaf(let leaf): return visit(leaf, isWanted: isWanted, isSkipped: isSkipped)
        case .and(let trees): return junction(trees, deciding: false, isWanted: isWanted, isSkipped: isSkipped)
        case .or(let trees): return junction(trees, deciding: true, isWanted: isWanted, isSkipped: isSkipped)
        case .not(let inner, let position):
            return visit(inner, isWanted: !isWanted, isSkipped: isSkipped).map { result in
                result.flatMap { value in
                    value.boolValue.map { .success(.bool(!$0)) }
                        ?? .failure(CELError.noSuchOverload("!", value).placed(at: position))
                }
            }
        case .conditional(let condition, let whenTrue, let whenFalse):
            return conditional(condition, whenTrue, whenFalse, isWanted: isWanted, isSkipped: isSkipped)
        }
    }

    private mutating func conditional(
        _ condition: ConditionTree, _ whenTrue: ConditionTree, _ whenFalse: ConditionTree, isWanted: Bool,
        isSkipped: Bool
    ) -> Result<CELValue, CELError>? {
        let chosen = visit(condition, isWanted: isWanted, isSkipped: isSkipped)
        var truth: Bool?
        if case .success(.bool(let value)) = chosen { truth = value }
        let first = visit(whenTrue, isWanted: isWanted, isSkipped: truth != true)
        let second = visit(whenFalse, isWanted: isWanted, isSkipped: truth != false)
        guard let truth else {
            return chosen.map { result in result.flatMap { .failure(CELError.noSuchOverload("?:", $0)) } }
        }
        return truth ? first : second
    }

    private mutating func junction(
        _ trees: [ConditionTree], deciding: Bool, isWanted: Bool, isSkipped: Bool
    ) -> Result<CELValue, CELError>? {
        guard !isSkipped else {
            for tree in trees { _ = visit(tree, isWanted: isWanted, isSkipped: true) }
            return nil
        }
        var failure: CELError?
        var isDecided = false
        for tree in trees {
            let outcome = visit(tree, isWanted: isWanted, isSkipped: isDecided && !isExhaustive)
            guard !isDecided, let outcome else { continue }
            switch outcome {
            case .success(.bool(let truth)): isDecided = truth == deciding
            case .success(let value): failure = failure ?? CELError.noSuchOverload(deciding ? "||" : "&&", value)
            case .failure(let error) where error.kind == .costExceeded: return .failure(error)
            case .failure(let error): failure = failure ?? error
            }
        }
        if isDecided { return .success(.bool(deciding)) }
        return failure.map { .failure($0) } ?? .success(.bool(!deciding))
    }

    private mutating func visit(
        _ leaf: ConditionLeaf, isWanted: Bool, isSkipped: Bool
    ) -> Result<CELValue, CELError>? {
        guard !isSkipped else {
            note(leaf, .skipped, isWanted, nil, nil)
            return nil
        }
        guard let (symbol, left, right) = leaf.comparison else {
            let result = evaluate(leaf.node)
            note(leaf, outcome(result), isWanted, nil, nil)
            return result
        }
        let (first, second) = (evaluate(left.node), evaluate(right.node))
        let result = compare(symbol, first, second, at: leaf.position)
        note(leaf, outcome(result), isWanted, operand(left, first), operand(right, second))
        return result
    }

    private mutating func compare(
        _ symbol: BinaryOperator, _ left: Result<CELValue, CELError>, _ right: Result<CELValue, CELError>,
        at position: Int
    ) -> Result<CELValue, CELError> {
        do throws(CELError) {
            return .success(try Operators.apply(symbol, try left.get(), try right.get(), &frame.meter))
        } catch {
            return .failure(error.placed(at: position))
        }
    }

    private mutating func evaluate(_ node: any Evaluable) -> Result<CELValue, CELError> {
        do throws(CELError) { return .success(try node.evaluate(&frame)) } catch { return .failure(error) }
    }

    private func outcome(_ result: Result<CELValue, CELError>) -> CELCondition.Outcome {
        switch result {
        case .success(let value): .value(value)
        case .failure(let error): .failed(error.located(in: source))
        }
    }

    private func operand(_ side: ConditionLeaf.Side, _ value: Result<CELValue, CELError>) -> CELCondition.Operand {
        CELCondition.Operand(text: side.text, value: try? value.get(), isConstant: side.isConstant)
    }

    private mutating func note(
        _ leaf: ConditionLeaf, _ outcome: CELCondition.Outcome, _ isWanted: Bool, _ left: CELCondition.Operand?,
        _ right: CELCondition.Operand?
    ) {
        conditions.append(
            CELCondition(
                text: leaf.text, offset: leaf.offset, line: leaf.line, column: leaf.column, outcome: outcome,
                isWanted: isWanted, comparison: leaf.comparison?.symbol.rawValue, left: left, right: right))
    }
}
