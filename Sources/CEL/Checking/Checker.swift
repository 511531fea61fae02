/// Deduces the type of an expression and refuses what can never evaluate.
struct Checker {
    /// A name bound to a value of a deeper type has the type `dyn`: bindings could nest types without end.
    private static let maximumBoundDepth = 32

    let environment: CELEnvironment
    var unifier = TypeUnifier()
    private var scope: [(name: String, type: CELType)] = []
    private var emptySums: [Int: CELValue] = [:]
    private let declared: [String: [CELFunctionDeclaration.Overload]]

    /// What is known before the evaluation.
    struct Result {
        /// `dyn` where it is known only when evaluated.
        var type = CELType.dyn
        /// What calls of `sum` give for an empty list, by their places, where the type of the elements is known.
        var emptySums: [Int: CELValue] = [:]
    }

    static func result(of expression: Expression, environment: CELEnvironment) throws(CELError) -> Result {
        var checker = Checker(environment: environment)
        let type = try checker.check(expression)
        return Result(type: checker.unifier.resolved(type, isFinal: true), emptySums: checker.emptySums)
    }

    private init(environment: CELEnvironment) {
        self.environment = environment
        declared = Dictionary(
            environment.functions.map { ($0.name, $0.overloads) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func check(_ expression: Expression) throws(CELError) -> CELType {
        switch expression.form {
        case .literal(let value): return Self.type(of: value)
        case .identifier: return try name(expression)
        case .select(let operand, let field, let mode):
            if case .value = mode, expression.qualifiedName != nil { return try name(expression) }
            let type = try selection(field, from: try check(operand), mode, at: expression.position)
            if case .presence = mode { return .bool }
            return type
        case .index(let operand, let index, let isOptional):
            return try element(operand, index, isOptional, at: expression.position)
        case .not(let operand):
            try expect(operand, .bool, for: "!")
            return .bool
        case .negate(let operand): return try call("-_", "-", [try check(operand)], at: expression.position)
        case .binary(let symbol, let left, let right):
            let types = [try check(left), try check(right)]
            return try call(symbol.functionName, symbol.rawValue, types, at: expression.position)
        case .and(let operands), .or(let operands):
            for operand in operands { try expect(operand, .bool, for: "&& and ||") }
            return .bool
        case .conditional(let condition, let whenTrue, let whenFalse):
            try expect(condition, .bool, for: "?:")
            let types = [.bool, try check(whenTrue), try check(whenFalse)]
            return try call("_?_:_", "?:", types, at: expression.position)
        case .call(let function, let target, let arguments):
            return try call(function, target, arguments, at: expression.position)
        default: return try checkAggregate(expression)
        }
    }

    private mutating func checkAggregate(_ expression: Expression) throws(CELError) -> CELType {
        switch expression.form {
        case .list(let elements):
            var type: CELType?
            for element in elements {
                type = join(type, try check(element.value, unwrapping: element.isOptional))
            }
            return .list(type ?? unifier.fresh())
        case .map(let entries): return try map(entries)
        case .message(let name, let fields):
            for field in fields { _ = try check(field.value) }
            let types = environment.candidates(for: name).lazy.compactMap(WellKnownMessage.init(name:))
            return types.first?.type ?? .dyn
        case .comprehension(let walk): return try comprehension(walk, at: expression.position)
        case .bindings(let bindings, let result):
            let outer = scope.count
            for binding in bindings {
                let type = try check(binding.value)
                scope.append((binding.name, resolved(type).isDeeper(than: Self.maximumBoundDepth) ? .dyn : type))
            }
            let type = try check(result)
            scope.removeLast(scope.count - outer)
            return type
        case .optionalMap(let operand, let variable, let body, let isFlat):
            let content = try content(of: operand)
            let type = try check(body, with: [(variable, content)])
            guard isFlat else { return .optional(type) }
            guard unifier.fit([type], [.optional(unifier.fresh())]) else {
                throw CELError(
                    .typeMismatch, "an optional is expected, not \(resolved(type))", at: body.range.lowerBound)
            }
            return type
        default: return .dyn
        }
    }

    private static func type(of value: CELValue) -> CELType {
        switch value {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dyn
        }
    }

    // MARK: parts

    func resolved(_ type: CELType) -> CELType { unifier.resolved(type) }

    mutating func join(_ one: CELType?, _ other: CELType) -> CELType {
        guard let one else { return other }
        return unifier.join(resolved(one), resolved(other))
    }

    private mutating func expect(_ operand: Expression, _ type: CELType, for use: String) throws(CELError) {
        let found = try check(operand)
        guard unifier.fit([found], [type]) else {
            throw CELError(
                .noSuchOverload, "\(use) takes \(type), not \(resolved(found))", at: operand.range.lowerBound)
        }
    }

    mutating func check(
        _ expression: Expression, with locals: [(name: String, type: CELType)]
    ) throws(CELError) -> CELType {
        scope += locals
        let type = try check(expression)
        scope.removeLast(locals.count)
        return type
    }

    private mutating func check(_ expression: Expression, unwrapping: Bool) throws(CELError) -> CELType {
        unwrapping ? try content(of: expression) : try check(expression)
    }

    /// The type inside an optional.
    private mutating func content(of expression: Expression) throws(CELError) -> CELType {
        let type = try check(expression)
        let inner = unifier.fresh()
        guard unifier.fit([type], [.optional(inner)]) else {
            throw CELError(
                .typeMismatch, "an optional is expected, not \(resolved(type))", at: expression.range.lowerBound)
        }
        return resolved(type) == .dyn ? .dyn : resolved(inner)
    }

    private mutating func map(_ entries: [Expression.Entry]) throws(CELError) -> CELType {
        var key: CELType?
        var value: CELType?
        for entry in entries {
            key = join(key, Self.keyType(resolved(try check(entry.key))))
            value = join(value, try check(entry.value, unwrapping: entry.isOptional))
        }
        return .map(key ?? unifier.fresh(), value ?? unifier.fresh())
    }

    /// Anything that cannot be a key fails when evaluated. As `dyn` it also keeps types from doubling, which a map of
    /// maps to maps would do at every step.
    private static func keyType(_ type: CELType) -> CELType {
        switch type {
        case .bool, .int, .uint, .string, .parameter: type
        default: .dyn
        }
    }

    // MARK: names

    private mutating func name(_ expression: Expression) throws(CELError) -> CELType {
        let path = expression.namePath
        if let local = scope.last(where: { $0.name == path[0].name }) {
            return try selections(path.dropFirst(), from: local.type)
        }
        for length in stride(from: path.count, through: 1, by: -1) {
            let name = path.prefix(length).map(\.name).joined(separator: ".")
            for candidate in environment.candidates(for: name) {
                if let type = environment.variables[candidate] ?? TypeConstants.type(of: candidate) {
                    return try selections(path.dropFirst(length), from: type)
                }
            }
        }
        throw CELError(
            .undeclaredReference, "undeclared reference to '\(path[0].name)'", at: path[0].position,
            unknown: CELUnknownName(path[0].name, among: environment.variables.keys))
    }

    private mutating func selections(
        _ fields: ArraySlice<Expression.NamePart>, from type: CELType
    ) throws(CELError) -> CELType {
        var type = type
        for field in fields { type = try selection(field.name, from: type, .value, at: field.position) }
        return type
    }

    private mutating func selection(
        _ field: String, from type: CELType, _ mode: Expression.SelectMode, at position: Int
    ) throws(CELError) -> CELType {
        var result: CELType
        switch resolved(type) {
        case .optional(let inner):
            result = .optional(try selection(field, from: inner, .value, at: position))
        case .map(_, let value): result = value
        case .object(let object): result = try self.field(field, of: object, at: position)
        case .parameter:
            // Nothing else may be made of a type that was selected from.
            _ = unifier.fit(type, .dyn)
            result = .dyn
        case .dyn: result = .dyn
        case let other: throw CELError(.typeMismatch, "the type \(other) has no fields", at: position)
        }
        if case .optional = mode {
            if case .optional = result { return result }
            result = .optional(result)
        }
        return result
    }

    private func field(_ name: String, of object: CELObjectType, at position: Int) throws(CELError) -> CELType {
        if let type = object.type(of: name) { return type }
        throw CELError(
            .unknownField, "\(object.name) has no field '\(name)'", at: position,
            unknown: CELUnknownName(name, owner: object.name, among: object.fields.keys))
    }

    private mutating func element(
        _ operand: Expression, _ index: Expression, _ isOptional: Bool, at position: Int
    ) throws(CELError) -> CELType {
        let type = try check(operand)
        if case .object(let object) = resolved(type), case .literal(.string(let name)) = index.form {
            let field = try field(name, of: object, at: index.position)
            return isOptional ? .optional(field) : field
        }
        let name = isOptional ? "_[?_]" : "_[_]"
        return try call(name, isOptional ? "[?]" : "[]", [type, try check(index)], at: position)
    }

    // MARK: calls

    private mutating func call(
        _ name: String, _ target: Expression?, _ arguments: [Expression], at position: Int
    ) throws(CELError) -> CELType {
        var types: [CELType] = []
        for argument in arguments { types.append(try check(argument)) }
        let root = target?.namePath.first?.name
        if let qualified = target?.qualifiedName, !scope.contains(where: { $0.name == root }) {
            for candidate in environment.candidates(for: qualified + "." + name) where isFunction(candidate) {
                return try call(candidate, candidate, types, at: position)
            }
        }
        if let target {
            let result = try call(name, name, [try check(target)] + types, isReceiver: true, at: position)
            if name == ListAggregates.sumName { emptySums[position] = ListAggregates.zero(of: resolved(result)) }
            return result
        }
        for candidate in environment.candidates(for: name) where isFunction(candidate) {
            return try call(candidate, candidate, types, at: position)
        }
        throw undeclaredFunction(name, at: position)
    }

    private func undeclaredFunction(_ name: String, at position: Int) -> CELError {
        let known = StandardDeclarations.overloads.keys.filter { $0.first?.isLetter == true } + Array(declared.keys)
        return CELError(
            .undeclaredReference, "undeclared function '\(name)'", at: position,
            unknown: CELUnknownName(name, among: known))
    }

    private func isFunction(_ name: String) -> Bool {
        Extremes.names.contains(name) || declared[name] != nil
            || StandardDeclarations.overloads[name]?.contains { !$0.isReceiver } ?? false
    }

    /// The type of a call: every signature that fits counts, and where they differ it is `dyn`.
    private mutating func call(
        _ name: String, _ written: String, _ arguments: [CELType], isReceiver: Bool = false, at position: Int
    ) throws(CELError) -> CELType {
        if Extremes.names.contains(name), let type = Extremes.type(arguments.map(resolved)) { return type }
        var result: CELType?
        let overloads = (StandardDeclarations.overloads[name] ?? []) + (declared[name] ?? [])
        for overload in overloads
        where overload.isReceiver == isReceiver && overload.parameters.count == arguments.count {
            let instance = instantiate(overload)
            guard unifier.fit(arguments, instance.parameters) else { continue }
            let type = resolved(instance.result)
            result = result.map { $0 == type ? type : .dyn } ?? type
        }
        guard let result else {
            guard !overloads.isEmpty || Extremes.names.contains(name) else {
                throw undeclaredFunction(written, at: position)
            }
            let types = arguments.map { unifier.resolved($0, isFinal: true).description }.joined(separator: ", ")
            throw CELError(.noSuchOverload, "'\(written)' cannot be applied to (\(types))", at: position)
        }
        return result
    }

    /// The signature with parameters of its own, so that one call's meanings do not reach another.
    private mutating func instantiate(
        _ overload: CELFunctionDeclaration.Overload
    ) -> CELFunctionDeclaration.Overload {
        var fresh: [String: CELType] = [:]
        func rename(_ type: CELType) -> CELType {
            guard case .parameter(let name) = type else { return type.mapParts(rename) }
            if let known = fresh[name] { return known }
            let new = unifier.fresh()
            fresh[name] = new
            return new
        }
        return .init(overload.parameters.map(rename), rename(overload.result), isReceiver: overload.isReceiver)
    }
}
