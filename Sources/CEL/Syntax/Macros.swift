/// A call as written, before it is known whether it is a macro.
struct MacroCall {
    let function: String
    let target: Expression?
    let arguments: [Expression]
    let position: Int
    let range: Range<Int>

    /// The name that an argument declares.
    func variable(_ index: Int) throws(CELError) -> String {
        if case .identifier(let name) = arguments[index].form, !name.hasPrefix(".") { return name }
        throw CELError(
            .syntax, "argument \(index + 1) of \(function)() must be a simple name", at: arguments[index].position)
    }
}

/// The macros that an environment knows.
struct MacroSet: Sendable {
    typealias Expansion = (form: Expression.Form, children: [Expression], position: Int)

    /// Whether every call is just a call.
    var isEmpty = false
    /// Whether `cel.block`, `cel.index` and `cel.iterVar` exist: the form that optimisers write.
    var hasBlocks: Bool

    /// The form of a macro, or nil when the call is none.
    func expand(_ call: MacroCall) throws(CELError) -> Expansion? {
        guard !isEmpty else { return nil }
        guard let target = call.target else { return try expandGlobal(call) }
        if target.qualifiedName == "cel", let expansion = try expandNamespaced(call) { return expansion }
        switch (call.function, call.arguments.count) {
        case ("optMap", 2): return try optionalMap(call, target, isFlat: false)
        case ("optFlatMap", 2): return try optionalMap(call, target, isFlat: true)
        default: return try comprehension(call, target)
        }
    }

    private func expandGlobal(_ call: MacroCall) throws(CELError) -> Expansion? {
        guard call.function == "has", call.arguments.count == 1 else { return nil }
        guard case .select(let operand, let field, .value) = call.arguments[0].form else {
            throw CELError(
                .syntax, "has() takes a field selection such as has(a.b)", at: call.arguments[0].position)
        }
        return (.select(operand, field: field, mode: .presence), [operand], call.arguments[0].position)
    }

    private func optionalMap(_ call: MacroCall, _ target: Expression, isFlat: Bool) throws(CELError) -> Expansion {
        let body = call.arguments[1]
        return (
            .optionalMap(target, variable: try call.variable(0), body, isFlat: isFlat), [target, body], call.position
        )
    }

    // MARK: cel.bind and cel.block

    private func expandNamespaced(_ call: MacroCall) throws(CELError) -> Expansion? {
        switch (call.function, call.arguments.count) {
        case ("bind", 3):
            let (value, body) = (call.arguments[1], call.arguments[2])
            return (.bindings([(try call.variable(0), value)], body), [value, body], call.position)
        case ("block", 2) where hasBlocks:
            guard case .list(let slots) = call.arguments[0].form, !slots.contains(where: \.isOptional) else {
                throw CELError(.syntax, "cel.block() takes a list first", at: call.position)
            }
            let bindings = slots.enumerated().map { (name: Self.slotName($0.offset), value: $0.element.value) }
            return (.bindings(bindings, call.arguments[1]), call.arguments, call.position)
        case ("index", 1) where hasBlocks:
            return (.identifier(Self.slotName(try number(call, 0))), [], call.position)
        case ("iterVar", 2) where hasBlocks:
            return (.identifier("@it:\(try number(call, 0)):\(try number(call, 1))"), [], call.position)
        default: return nil
        }
    }

    /// No source can spell such a name, so it never meets a variable.
    private static func slotName(_ index: Int) -> String { "@index\(index)" }

    private func number(_ call: MacroCall, _ index: Int) throws(CELError) -> Int {
        if case .literal(.int(let value)) = call.arguments[index].form, (0..<10_000).contains(value) {
            return Int(value)
        }
        throw CELError(.syntax, "cel.\(call.function)() takes small numbers", at: call.position)
    }

    // MARK: comprehensions

    private func comprehension(_ call: MacroCall, _ range: Expression) throws(CELError) -> Expansion? {
        switch (call.function, call.arguments.count) {
        case ("all", 2): return try walk(call, .all, range)
        case ("exists", 2): return try walk(call, .exists, range)
        case ("exists_one", 2), ("existsOne", 2): return try walk(call, .existsOne, range)
        case ("filter", 2): return try walk(call, .filter, range)
        case ("map", 2): return try walk(call, .map, range)
        case ("map", 3): return try walk(call, .map, range, filtered: true)
        case ("sortBy", 2): return try walk(call, .sortBy, range)
        case ("all", 3): return try walk(call, .all, range, variables: 2)
        case ("exists", 3): return try walk(call, .exists, range, variables: 2)
        case ("exists_one", 3), ("existsOne", 3): return try walk(call, .existsOne, range, variables: 2)
        case ("transformList", 3): return try walk(call, .transformList, range, variables: 2)
        case ("transformList", 4): return try walk(call, .transformList, range, variables: 2, filtered: true)
        case ("transformMap", 3): return try walk(call, .transformMap, range, variables: 2)
        case ("transformMap", 4): return try walk(call, .transformMap, range, variables: 2, filtered: true)
        case ("transformMapEntry", 3): return try walk(call, .transformMapEntry, range, variables: 2)
        case ("transformMapEntry", 4):
            return try walk(call, .transformMapEntry, range, variables: 2, filtered: true)
        default: return nil
        }
    }

    private func walk(
        _ call: MacroCall, _ kind: Comprehension.Kind, _ range: Expression, variables: Int = 1, filtered: Bool = false
    ) throws(CELError) -> Expansion {
        let variable = try call.variable(0)
        let second = variables == 2 ? try call.variable(1) : nil
        guard variable != second else {
            throw CELError(.syntax, "the two variables of \(call.function)() need two names", at: call.position)
        }
        let rest = call.arguments.dropFirst(variables)
        let isQuantifier = [.all, .exists, .existsOne, .filter].contains(kind)
        let comprehension = Comprehension(
            kind: kind, range: range, variable: variable, secondVariable: second,
            condition: isQuantifier || filtered ? rest.first : nil, transform: isQuantifier ? nil : rest.last)
        return (.comprehension(comprehension), [range] + rest, call.position)
    }
}
