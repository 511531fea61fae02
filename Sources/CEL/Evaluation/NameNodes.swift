/// A variable whose name is settled.
struct VariableNode: Evaluable {
    let name: String
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        guard let value = frame.variables[name] else {
            throw CELError(.undeclaredReference, "the variable '\(name)' has no value", at: position)
        }
        return value
    }
}

/// A name in an unchecked expression: the longest prefix that has a value when evaluated counts.
struct UnresolvedNameNode: Evaluable {
    struct Candidate: Sendable {
        let name: String
        /// The fields that are selected from it.
        let fields: ArraySlice<String>
        let constant: CELValue?
    }

    let written: String
    let candidates: [Candidate]
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        for candidate in candidates {
            guard var value = frame.variables[candidate.name] ?? candidate.constant else { continue }
            for field in candidate.fields {
                value = try Selection.field(field, of: value, at: position, &frame.meter)
            }
            return value
        }
        throw CELError(.undeclaredReference, "undeclared reference to '\(written)'", at: position)
    }
}

/// A variable of a macro.
struct LocalNode: Evaluable {
    let slot: Int
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        guard let value = frame.locals[slot] else {
            throw CELError(.undeclaredReference, "the variable has no value here", at: position)
        }
        return value
    }
}

/// A variable of `cel.bind` or `cel.block`: computed when first used.
struct LazyLocalNode: Evaluable {
    let slot: Int
    let initial: any Evaluable
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        if let value = frame.locals[slot] { return value }
        let value = try initial.evaluate(&frame)
        frame.locals[slot] = value
        return value
    }
}

struct BindingsNode: Evaluable {
    let slots: [Int]
    let result: any Evaluable

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        for slot in slots { frame.locals[slot] = nil }
        return try result.evaluate(&frame)
    }
}
