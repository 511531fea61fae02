/// A variable, or a path of fields from one, that an expression reads.
public struct CELReference: Sendable, Hashable {
    /// The names from the variable on, such as `["claims", "snp", "policy_debug_allowed"]`. Literal string indices count
    /// as fields: `claims["snp"]` is `["claims", "snp"]`.
    public let path: [String]
    /// Whether the expression only asks if the last field is there: `has(e.f)`, `e.?f`.
    public let isPresenceTest: Bool
    /// Where the path starts in the source, in code points.
    public let offset: Int
    /// The line of that place, from 1.
    public let line: Int
    /// The column of that place, from 1.
    public let column: Int

    /// The path with dots.
    public var text: String { path.joined(separator: ".") }
}

/// Walks an expression and notes each longest path from a variable; variables of macros are none.
struct ReferenceCollector {
    private let source: SourceText
    private let environment: CELEnvironment
    private var locals: [String] = []
    private var found: [CELReference] = []

    static func references(
        in expression: Expression, source: SourceText, environment: CELEnvironment
    ) -> [CELReference] {
        var collector = ReferenceCollector(source: source, environment: environment)
        collector.visit(expression)
        return collector.found
    }

    private init(source: SourceText, environment: CELEnvironment) {
        self.source = source
        self.environment = environment
    }

    private mutating func visit(_ expression: Expression) {
        switch expression.form {
        case .literal: return
        case .identifier: visitPath(expression)
        case .select(let operand, _, _): visitPath(expression) { $0.visit(operand) }
        case .index(let operand, let index, _):
            visitPath(expression) { collector in
                collector.visit(operand)
                collector.visit(index)
            }
        case .comprehension(let walk):
            visit(walk.range)
            let names = [walk.variable] + (walk.secondVariable.map { [$0] } ?? [])
            within(names) { collector in
                if let condition = walk.condition { collector.visit(condition) }
                if let transform = walk.transform { collector.visit(transform) }
            }
        case .bindings(let bindings, let result):
            let outer = locals.count
            for binding in bindings {
                visit(binding.value)
                locals.append(binding.name)
            }
            visit(result)
            locals.removeLast(locals.count - outer)
        case .optionalMap(let operand, let variable, let body, _):
            visit(operand)
            within([variable]) { $0.visit(body) }
        case .call(let function, let target, let arguments):
            if let target, !isNamespace(target, function) { visit(target) }
            arguments.forEach { visit($0) }
        default: expression.operands.forEach { visit($0) }
        }
    }

    /// `math` in `math.greatest(…)` is part of a function's name.
    private func isNamespace(_ target: Expression, _ function: String) -> Bool {
        guard let name = target.qualifiedName, !locals.contains(name) else { return false }
        return environment.candidates(for: name + "." + function).contains { FunctionTable.standard.isGlobal($0) }
    }

    private mutating func within(_ names: [String], _ body: (inout ReferenceCollector) -> Void) {
        locals += names
        body(&self)
        locals.removeLast(names.count)
    }

    /// Notes the whole path, or goes into the parts of what is none.
    private mutating func visitPath(
        _ expression: Expression, _ visitParts: (inout ReferenceCollector) -> Void = { _ in }
    ) {
        if let chain = Self.chain(expression) { note(chain) } else { visitParts(&self) }
    }

    private mutating func note(_ chain: (path: [String], isPresenceTest: Bool, position: Int)) {
        guard let root = chain.path.first, !locals.contains(root), !root.hasPrefix("@") else { return }
        let isConstant = environment.candidates(for: chain.path.joined(separator: ".")).contains {
            TypeConstants.value(of: $0) != nil && environment.variables[$0] == nil
        }
        guard !isConstant else { return }
        let (line, column) = source.position(of: chain.position)
        let path = root.hasPrefix(".") ? [String(root.dropFirst())] + chain.path.dropFirst() : chain.path
        found.append(
            CELReference(
                path: path, isPresenceTest: chain.isPresenceTest, offset: chain.position, line: line, column: column))
    }

    /// The path of an expression that is nothing but selections from a name.
    private static func chain(_ expression: Expression) -> (path: [String], isPresenceTest: Bool, position: Int)? {
        switch expression.form {
        case .identifier(let name): return ([name], false, expression.position)
        case .select(let operand, let field, let mode):
            guard let inner = chain(operand) else { return nil }
            if case .value = mode { return (inner.path + [field], inner.isPresenceTest, inner.position) }
            return (inner.path + [field], true, inner.position)
        case .index(let operand, let index, let isOptional):
            guard let inner = chain(operand), let name = literalName(index) else { return nil }
            return (inner.path + [name], inner.isPresenceTest || isOptional, inner.position)
        default: return nil
        }
    }

    private static func literalName(_ index: Expression) -> String? {
        if case .literal(.string(let name)) = index.form { name } else { nil }
    }
}

extension Expression {
    /// The parts of the forms that declare no names.
    var operands: [Expression] {
        switch form {
        case .not(let operand), .negate(let operand): [operand]
        case .binary(_, let left, let right): [left, right]
        case .and(let operands), .or(let operands): operands
        case .conditional(let condition, let whenTrue, let whenFalse): [condition, whenTrue, whenFalse]
        case .list(let elements): elements.map(\.value)
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .message(_, let fields): fields.map(\.value)
        default: []
        }
    }
}
