/// Fields and elements of values.
enum Selection {
    static func field(_ name: String, of operand: CELValue, at position: Int, _ meter: inout CostMeter) throws(CELError)
        -> CELValue
    {
        switch operand {
        case .map(let map):
            guard let value = try map.value(name, &meter) else {
                throw CELError(.noSuchKey, "there is no key '\(name)'", at: position)
            }
            return value
        case .optional(let inner):
            return try optionalField(name, of: inner, at: position, &meter)
        default: throw unsupported(operand, at: position)
        }
    }

    /// The field as an optional; absent is none.
    static func optionalField(
        _ name: String, of operand: CELValue?, at position: Int, _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        switch operand {
        case nil: return .optional(nil)
        case .map(let map): return .optional(try map.value(name, &meter))
        case .optional(let inner): return try optionalField(name, of: inner, at: position, &meter)
        case .some(let other): throw unsupported(other, at: position)
        }
    }

    static func hasField(_ name: String, of operand: CELValue, at position: Int) throws(CELError) -> CELValue {
        switch operand {
        case .map(let map): return .bool(map.contains(name))
        case .optional(nil): return .bool(false)
        case .optional(.some(let inner)): return try hasField(name, of: inner, at: position)
        default: throw unsupported(operand, at: position)
        }
    }

    private static func unsupported(_ operand: CELValue, at position: Int) -> CELError {
        CELError(.noSuchOverload, "a value of type \(operand.typeName) has no fields", at: position)
    }

    static func element(_ index: CELValue, of operand: CELValue, at position: Int, _ meter: inout CostMeter)
        throws(CELError) -> CELValue
    {
        switch operand {
        case .list(let list):
            guard let place = wholeNumber(index) else {
                throw CELError(.invalidArgument, "a list index cannot be of type \(index.typeName)", at: position)
            }
            guard list.indices.contains(place) else {
                throw CELError(
                    .invalidArgument, "the index \(place) is outside a list of \(list.count)", at: position)
            }
            return list[place]
        case .map(let map):
            guard let value = try map.value(index, &meter) else {
                throw CELError(.noSuchKey, "there is no such key\(describe(index))", at: position)
            }
            return value
        case .optional(let inner): return try optionalElement(index, of: inner, at: position, &meter)
        default:
            throw CELError(.noSuchOverload, "a value of type \(operand.typeName) has no elements", at: position)
        }
    }

    static func optionalElement(
        _ index: CELValue, of operand: CELValue?, at position: Int, _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        switch operand {
        case nil: return .optional(nil)
        case .map(let map): return .optional(try map.value(index, &meter))
        case .list(let list):
            guard let place = wholeNumber(index) else {
                throw CELError(.invalidArgument, "a list index cannot be of type \(index.typeName)", at: position)
            }
            return .optional(list.indices.contains(place) ? list[place] : nil)
        case .optional(let inner): return try optionalElement(index, of: inner, at: position, &meter)
        case .some(let other):
            throw CELError(.noSuchOverload, "a value of type \(other.typeName) has no elements", at: position)
        }
    }

    private static func wholeNumber(_ index: CELValue) -> Int? {
        switch index {
        case .int(let value): Int(exactly: value)
        case .uint(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    private static func describe(_ key: CELValue) -> String {
        switch key {
        case .string(let text): ": '\(text.excerpt)'"
        case .int(let value): ": \(value)"
        case .uint(let value): ": \(value)"
        case .bool(let value): ": \(value)"
        default: " of type \(key.typeName)"
        }
    }
}

struct SelectNode: Evaluable {
    let operand: any Evaluable
    let field: String
    let mode: Expression.SelectMode
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let value = try operand.evaluate(&frame)
        switch mode {
        case .value: return try Selection.field(field, of: value, at: position, &frame.meter)
        case .presence: return try Selection.hasField(field, of: value, at: position)
        case .optional: return try Selection.optionalField(field, of: value, at: position, &frame.meter)
        }
    }
}

struct IndexNode: Evaluable {
    let operand: any Evaluable
    let index: any Evaluable
    let isOptional: Bool
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let value = try operand.evaluate(&frame)
        let key = try index.evaluate(&frame)
        if case .string(let name) = key { try frame.meter.charge(bytes: name.utf8.count) }
        if isOptional { return try Selection.optionalElement(key, of: value, at: position, &frame.meter) }
        return try Selection.element(key, of: value, at: position, &frame.meter)
    }
}
