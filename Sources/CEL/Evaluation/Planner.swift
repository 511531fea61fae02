/// Turns a parsed expression into nodes: resolves names and functions, gives macro variables their slots.
struct Planner {
    private enum Local {
        case slot(Int)
        case lazy(Int, any Evaluable)
    }

    private let environment: CELEnvironment
    private let emptySums: [Int: CELValue]
    private let declared: [String: CELFunctionDeclaration]
    private var scope: [(name: String, local: Local)] = []
    private(set) var localCount = 0

    init(environment: CELEnvironment, emptySums: [Int: CELValue]) {
        self.environment = environment
        self.emptySums = emptySums
        declared = Dictionary(environment.functions.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func plan(_ expression: Expression) throws(CELError) -> any Evaluable {
        let position = expression.position
        switch expression.form {
        case .literal(let value): return ConstantNode(value: value)
        case .identifier: return try name(expression)
        case .select(let operand, let field, let mode):
            if case .value = mode, expression.qualifiedName != nil { return try name(expression) }
            return SelectNode(operand: try plan(operand), field: field, mode: mode, position: position)
        case .index(let operand, let index, let isOptional):
            return IndexNode(
                operand: try plan(operand), index: try plan(index), isOptional: isOptional, position: position)
        case .not(let operand): return NotNode(operand: try plan(operand), position: position)
        case .negate(let operand): return NegateNode(operand: try plan(operand), position: position)
        case .binary(let symbol, let left, let right):
            return BinaryNode(symbol: symbol, left: try plan(left), right: try plan(right), position: position)
        case .and(let operands):
            return JunctionNode(operands: try plan(all: operands), deciding: false, position: position)
        case .or(let operands):
            return JunctionNode(operands: try plan(all: operands), deciding: true, position: position)
        case .conditional(let condition, let whenTrue, let whenFalse):
            return ConditionalNode(
                condition: try plan(condition), whenTrue: try plan(whenTrue), whenFalse: try plan(whenFalse),
                position: position)
        case .call(let function, let target, let arguments):
            return try call(function, target, arguments, position)
        default: return try planAggregate(expression)
        }
    }

    private mutating func planAggregate(_ expression: Expression) throws(CELError) -> any Evaluable {
        let position = expression.position
        switch expression.form {
        case .list(let elements):
            if let list = Self.constantList(elements) { return ConstantNode(value: list) }
            return ListNode(
                elements: try plan(all: elements.map(\.value)), optionals: elements.map(\.isOptional),
                position: position)
        case .map(let entries): return try map(entries)
        case .message(let name, let fields): return try message(name, fields, position)
        case .comprehension(let comprehension): return try self.comprehension(comprehension, position)
        case .bindings(let bindings, let result): return try self.bindings(bindings, result)
        case .optionalMap(let operand, let variable, let body, let isFlat):
            let operand = try plan(operand)
            let slot = newSlot()
            let transform = try plan(body, with: [(variable, .slot(slot))])
            return OptionalMapNode(
                operand: operand, slot: slot, transform: transform, isFlat: isFlat, position: position)
        default: throw CELError(.syntax, "this form has no meaning here", at: position)
        }
    }

    /// A list of plain literals, which is the same in every evaluation.
    private static func constantList(_ elements: [Expression.Element]) -> CELValue? {
        var values: [CELValue] = []
        for element in elements {
            guard case .literal(let value) = element.value.form, !element.isOptional else { return nil }
            values.append(value)
        }
        return .list(values)
    }

    private mutating func plan(all expressions: [Expression]) throws(CELError) -> [any Evaluable] {
        var nodes: [any Evaluable] = []
        for expression in expressions { nodes.append(try plan(expression)) }
        return nodes
    }

    // MARK: macro variables

    private mutating func newSlot() -> Int {
        localCount += 1
        return localCount - 1
    }

    private mutating func plan(
        _ expression: Expression, with locals: [(name: String, local: Local)]
    ) throws(CELError) -> any Evaluable {
        scope += locals
        defer { scope.removeLast(locals.count) }
        return try plan(expression)
    }

    private mutating func comprehension(
        _ comprehension: Comprehension, _ position: Int
    ) throws(CELError) -> any Evaluable {
        let range = try plan(comprehension.range)
        let slot = newSlot()
        let secondSlot = comprehension.secondVariable.map { _ in newSlot() }
        var locals: [(name: String, local: Local)] = [(comprehension.variable, .slot(slot))]
        if let name = comprehension.secondVariable, let secondSlot { locals.append((name, .slot(secondSlot))) }
        var condition: (any Evaluable)?
        var transform: (any Evaluable)?
        if let expression = comprehension.condition { condition = try plan(expression, with: locals) }
        if let expression = comprehension.transform { transform = try plan(expression, with: locals) }
        return ComprehensionNode(
            kind: comprehension.kind, range: range, slot: slot, secondSlot: secondSlot, condition: condition,
            transform: transform, position: position)
    }

    private mutating func bindings(
        _ bindings: [(name: String, value: Expression)], _ result: Expression
    ) throws(CELError) -> any Evaluable {
        let outer = scope.count
        defer { scope.removeLast(scope.count - outer) }
        var slots: [Int] = []
        for binding in bindings {
            let initial = try plan(binding.value)
            slots.append(newSlot())
            scope.append((binding.name, .lazy(slots[slots.count - 1], initial)))
        }
        return BindingsNode(slots: slots, result: try plan(result))
    }

    private func local(_ name: String, at position: Int) -> (any Evaluable)? {
        guard let found = scope.last(where: { $0.name == name }) else { return nil }
        switch found.local {
        case .slot(let slot): return LocalNode(slot: slot, position: position)
        case .lazy(let slot, let initial): return LazyLocalNode(slot: slot, initial: initial, position: position)
        }
    }

    // MARK: names

    private func name(_ expression: Expression) throws(CELError) -> any Evaluable {
        let path = expression.namePath
        let root = path[0]
        if let local = local(root.name, at: root.position) { return select(path.dropFirst(), from: local) }
        guard environment.isChecked else { return unresolved(path) }
        for length in stride(from: path.count, through: 1, by: -1) {
            let name = path.prefix(length).map(\.name).joined(separator: ".")
            for candidate in environment.candidates(for: name) {
                if environment.variables[candidate] != nil {
                    let variable = VariableNode(name: candidate, position: root.position)
                    return select(path.dropFirst(length), from: variable)
                }
                if let constant = TypeConstants.value(of: candidate) {
                    return select(path.dropFirst(length), from: ConstantNode(value: constant))
                }
            }
        }
        throw CELError(.undeclaredReference, "undeclared reference to '\(root.name)'", at: root.position)
    }

    private func select(_ fields: ArraySlice<Expression.NamePart>, from node: any Evaluable) -> any Evaluable {
        fields.reduce(node) { node, part in
            SelectNode(operand: node, field: part.name, mode: .value, position: part.position)
        }
    }

    private func unresolved(_ path: [Expression.NamePart]) -> any Evaluable {
        var candidates: [UnresolvedNameNode.Candidate] = []
        for length in stride(from: path.count, through: 1, by: -1) {
            let name = path.prefix(length).map(\.name).joined(separator: ".")
            for candidate in environment.candidates(for: name) {
                candidates.append(
                    .init(
                        name: candidate, fields: path.dropFirst(length).map(\.name)[...],
                        constant: TypeConstants.value(of: candidate)))
            }
        }
        return UnresolvedNameNode(written: path[0].name, candidates: candidates, position: path[0].position)
    }

    // MARK: calls

    private mutating func call(
        _ name: String, _ target: Expression?, _ arguments: [Expression], _ position: Int
    ) throws(CELError) -> any Evaluable {
        if let qualified = target?.qualifiedName, !isLocal(qualified),
            let node = try globalCall(qualified + "." + name, arguments, position)
        {
            return node
        }
        guard let target else {
            if let node = try globalCall(name, arguments, position) { return node }
            return try missing(name, arguments, isReceiver: false, position)
        }
        let all = [target] + arguments
        if let pattern = try literalPattern(name, all) {
            return LiteralMatchNode(text: try plan(target), pattern: pattern, position: position)
        }
        guard let function = FunctionTable.standard.function(name, isReceiver: true, count: all.count) else {
            return try missing(name, all, isReceiver: true, position)
        }
        let call = CallNode(function: function, arguments: try plan(all: all), position: position)
        return emptySums[position].map { SumNode(call: call, whenEmpty: $0) } ?? call
    }

    private func isLocal(_ qualified: String) -> Bool {
        let root = qualified.prefix { $0 != "." }
        return scope.contains { $0.name == root }
    }

    private mutating func globalCall(
        _ name: String, _ arguments: [Expression], _ position: Int
    ) throws(CELError) -> (any Evaluable)? {
        for candidate in environment.candidates(for: name) {
            if let function = FunctionTable.standard.function(candidate, isReceiver: false, count: arguments.count) {
                if let pattern = try literalPattern(candidate, arguments) {
                    return LiteralMatchNode(text: try plan(arguments[0]), pattern: pattern, position: position)
                }
                return CallNode(function: function, arguments: try plan(all: arguments), position: position)
            }
            if declared[candidate] != nil {
                _ = try plan(all: arguments)
                let message = "the function '\(candidate)' is declared but has no implementation"
                return FailingNode(error: CELError(.noSuchOverload, message, at: position))
            }
        }
        return nil
    }

    private func literalPattern(_ name: String, _ arguments: [Expression]) throws(CELError) -> CompiledPattern? {
        guard name == "matches", arguments.count == 2, case .literal(.string(let text)) = arguments[1].form else {
            return nil
        }
        do throws(CELError) {
            return try CompiledPattern(text)
        } catch {
            throw error.placed(at: arguments[1].position)
        }
    }

    /// A function that does not exist: an error now, or when evaluated if nothing is checked.
    private mutating func missing(
        _ name: String, _ arguments: [Expression], isReceiver: Bool, _ position: Int
    ) throws(CELError) -> any Evaluable {
        let known = FunctionTable.standard.isKnown(name)
        let error =
            known
            ? CELError(
                .noSuchOverload,
                "'\(name)' cannot be called \(isReceiver ? "on a value " : "")with these \(arguments.count) values",
                at: position)
            : CELError(.undeclaredReference, "undeclared function '\(name)'", at: position)
        guard !environment.isChecked else { throw error }
        return FailingNode(error: error)
    }

    // MARK: aggregates

    private mutating func map(_ entries: [Expression.Entry]) throws(CELError) -> any Evaluable {
        var planned: [MapNode.Entry] = []
        for entry in entries {
            planned.append(
                .init(
                    key: try plan(entry.key), value: try plan(entry.value), isOptional: entry.isOptional,
                    position: entry.key.position))
        }
        return MapNode(entries: planned)
    }

    private mutating func message(
        _ name: String, _ fields: [Expression.Field], _ position: Int
    ) throws(CELError) -> any Evaluable {
        guard let type = environment.candidates(for: name).lazy.compactMap(WellKnownMessage.init(name:)).first else {
            throw CELError(.undeclaredReference, "undeclared message type '\(name)'", at: position)
        }
        var planned: [(name: String, value: any Evaluable, isOptional: Bool)] = []
        for field in fields {
            guard type.hasField(field.name) else {
                throw CELError(
                    .unknownField, "\(type.rawValue) has no field '\(field.name)'", at: field.position)
            }
            planned.append((field.name, try plan(field.value), field.isOptional))
        }
        return MessageNode(type: type, fields: planned, position: position)
    }
}

extension Expression {
    struct NamePart: Sendable {
        let name: String
        let position: Int
    }

    /// The parts of a chain of plain names, root first; empty when this is none.
    var namePath: [NamePart] {
        switch form {
        case .identifier(let name): [NamePart(name: name, position: position)]
        case .select(let operand, let field, _): operand.namePath + [NamePart(name: field, position: position)]
        default: []
        }
    }
}
