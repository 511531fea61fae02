struct CallNode: Evaluable {
    let function: NativeFunction
    let arguments: [any Evaluable]
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        var values: [CELValue] = []
        values.reserveCapacity(arguments.count)
        for argument in arguments {
            let value = try argument.evaluate(&frame)
            // Functions read their texts at least once, so that is paid for here.
            switch value {
            case .string(let text): try frame.meter.charge(bytes: text.utf8.count)
            case .bytes(let bytes): try frame.meter.charge(bytes: bytes.count)
            default: break
            }
            values.append(value)
        }
        do throws(CELError) {
            return try function.body(values, &frame.meter)
        } catch {
            throw error.placed(at: position)
        }
    }
}

/// `list.sum()` where the type of the elements is known, which an empty list does not show.
struct SumNode: Evaluable {
    let call: CallNode
    let whenEmpty: CELValue

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        let sum = try call.evaluate(&frame)
        if case .int(0) = sum { return whenEmpty }
        return sum
    }
}

/// `x.matches('pattern')` with a literal pattern, compiled once.
struct LiteralMatchNode: Evaluable {
    let text: any Evaluable
    let pattern: CompiledPattern
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let value = try text.evaluate(&frame)
        guard case .string(let subject) = value else {
            throw CELError.noSuchOverload("matches", value, .string("")).placed(at: position)
        }
        return .bool(try pattern.matches(subject, &frame.meter))
    }
}

/// `e.optMap(x, t)` and `e.optFlatMap(x, t)`.
struct OptionalMapNode: Evaluable {
    let operand: any Evaluable
    let slot: Int
    let transform: any Evaluable
    let isFlat: Bool
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let value = try operand.evaluate(&frame)
        guard let content = try OptionalFunctions.content(of: value, at: position) else { return .optional(nil) }
        frame.locals[slot] = content
        let result = try transform.evaluate(&frame)
        guard isFlat else { return .optional(result) }
        guard case .optional = result else {
            throw CELError.noSuchOverload("optFlatMap", value, result).placed(at: position)
        }
        return result
    }
}
