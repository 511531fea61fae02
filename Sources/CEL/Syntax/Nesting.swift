/// How deep the evaluation of an expression, and the value that it builds, may nest.
///
/// An expression says how deep it is itself, but names of macros stand for values of other expressions:
/// `cel.bind(x, [[x]], …)` adds two levels each time. Counting a name as what it stands for bounds the stack that
/// evaluation, comparison and release of values take.
struct Nesting {
    private let limit: Int
    private var scope: [(name: String, depth: Int)] = []

    static func check(_ expression: Expression, limits: CELLimits) throws(CELError) {
        var nesting = Nesting(limit: 4 * limits.maximumDepth)
        _ = try nesting.depth(of: expression)
    }

    private init(limit: Int) { self.limit = limit }

    private mutating func depth(of expression: Expression) throws(CELError) -> Int {
        let inner = try innerDepth(of: expression)
        guard inner < limit else {
            throw CELError(
                .tooDeep, "names and expressions together nest deeper than \(limit) levels", at: expression.position)
        }
        return inner + 1
    }

    private mutating func innerDepth(of expression: Expression) throws(CELError) -> Int {
        switch expression.form {
        case .literal: return 0
        case .identifier(let name): return scope.last { $0.name == name }?.depth ?? 0
        case .select(let operand, _, _): return try depth(of: operand)
        case .index(let operand, let index, _): return try deepest([operand, index])
        case .call(_, let target, let arguments): return try deepest(arguments + (target.map { [$0] } ?? []))
        case .bindings(let bindings, let result):
            let outer = scope.count
            for binding in bindings { scope.append((binding.name, try depth(of: binding.value))) }
            let inner = try depth(of: result)
            scope.removeLast(scope.count - outer)
            return inner
        case .comprehension(let walk):
            let range = try depth(of: walk.range)
            let names = [walk.variable] + (walk.secondVariable.map { [$0] } ?? [])
            let parts = [walk.condition, walk.transform].compactMap { $0 }
            return Swift.max(range, try deepest(parts, with: names, standingFor: range))
        case .optionalMap(let operand, let variable, let body, _):
            let content = try depth(of: operand)
            return Swift.max(content, try deepest([body], with: [variable], standingFor: content))
        default: return try deepest(expression.operands)
        }
    }

    private mutating func deepest(
        _ expressions: [Expression], with names: [String] = [], standingFor depth: Int = 0
    ) throws(CELError) -> Int {
        scope += names.map { ($0, depth) }
        var deepest = 0
        for expression in expressions { deepest = Swift.max(deepest, try self.depth(of: expression)) }
        scope.removeLast(names.count)
        return deepest
    }
}
