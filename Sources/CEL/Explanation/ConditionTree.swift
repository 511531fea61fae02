/// The tree of conditions of an expression, planned once.
indirect enum ConditionTree: Sendable {
    case and([ConditionTree])
    case or([ConditionTree])
    case not(ConditionTree, position: Int)
    case conditional(ConditionTree, ConditionTree, ConditionTree)
    case leaf(ConditionLeaf)
}

/// A condition that is not made of others, with all that its account repeats each time.
struct ConditionLeaf: Sendable {
    /// One side of a comparison, evaluated for itself.
    struct Side: Sendable {
        let node: any Evaluable
        let text: String
        let isConstant: Bool
    }

    let node: any Evaluable
    let text: String
    let offset: Int
    let line: Int
    let column: Int
    /// Where errors of a comparison point.
    let position: Int
    let comparison: (symbol: BinaryOperator, left: Side, right: Side)?
}

extension ConditionTree {
    static func plan(
        _ expression: Expression, _ source: SourceText, _ planner: inout Planner
    ) throws(CELError) -> ConditionTree {
        switch expression.form {
        case .and(let operands): return .and(try plan(operands, source, &planner))
        case .or(let operands): return .or(try plan(operands, source, &planner))
        case .not(let operand): return .not(try plan(operand, source, &planner), position: expression.position)
        case .conditional(let condition, let whenTrue, let whenFalse):
            return .conditional(
                try plan(condition, source, &planner), try plan(whenTrue, source, &planner),
                try plan(whenFalse, source, &planner))
        default: return .leaf(try leaf(expression, source, &planner))
        }
    }

    private static func plan(
        _ operands: [Expression], _ source: SourceText, _ planner: inout Planner
    ) throws(CELError) -> [ConditionTree] {
        var trees: [ConditionTree] = []
        for operand in operands { trees.append(try plan(operand, source, &planner)) }
        return trees
    }

    private static func leaf(
        _ expression: Expression, _ source: SourceText, _ planner: inout Planner
    ) throws(CELError) -> ConditionLeaf {
        var comparison: (symbol: BinaryOperator, left: ConditionLeaf.Side, right: ConditionLeaf.Side)?
        if case .binary(let symbol, let left, let right) = expression.form, symbol.isRelation {
            comparison = (symbol, try side(left, source, &planner), try side(right, source, &planner))
        }
        let start = expression.range.lowerBound
        let (line, column) = source.position(of: start)
        return ConditionLeaf(
            node: try planner.plan(expression), text: source.text(expression.range), offset: start, line: line,
            column: column, position: expression.position, comparison: comparison)
    }

    private static func side(
        _ expression: Expression, _ source: SourceText, _ planner: inout Planner
    ) throws(CELError) -> ConditionLeaf.Side {
        ConditionLeaf.Side(
            node: try planner.plan(expression), text: source.text(expression.range), isConstant: expression.isConstant)
    }
}

extension Expression {
    /// Whether the value does not depend on any variable or function.
    fileprivate var isConstant: Bool {
        switch form {
        case .literal: true
        case .list(let elements): elements.allSatisfy(\.value.isConstant)
        case .map(let entries): entries.allSatisfy { $0.key.isConstant && $0.value.isConstant }
        case .negate(let operand): operand.isConstant
        default: false
        }
    }
}
