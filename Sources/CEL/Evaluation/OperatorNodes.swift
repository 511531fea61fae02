struct NegateNode: Evaluable {
    let operand: any Evaluable
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let value = try operand.evaluate(&frame)
        do throws(CELError) { return try Arithmetic.negate(value) } catch { throw error.placed(at: position) }
    }
}

struct BinaryNode: Evaluable {
    let symbol: BinaryOperator
    let left: any Evaluable
    let right: any Evaluable
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let first = try left.evaluate(&frame)
        let second = try right.evaluate(&frame)
        do throws(CELError) {
            return try Operators.apply(symbol, first, second, &frame.meter)
        } catch {
            throw error.placed(at: position)
        }
    }
}

/// The operators with two operands, by the types of their values.
enum Operators {
    static func apply(
        _ symbol: BinaryOperator, _ left: CELValue, _ right: CELValue, _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        switch symbol {
        case .equal: return .bool(try ValueEquality.equal(left, right, &meter))
        case .notEqual: return .bool(try !ValueEquality.equal(left, right, &meter))
        case .less, .lessOrEqual, .greater, .greaterOrEqual: return try order(symbol, left, right, &meter)
        case .contained: return .bool(try contains(right, left, &meter))
        case .add: return try Arithmetic.add(left, right, &meter)
        case .subtract: return try Arithmetic.subtract(left, right)
        case .multiply: return try Arithmetic.multiply(left, right)
        case .divide: return try Arithmetic.divide(left, right)
        case .modulo: return try Arithmetic.modulo(left, right)
        }
    }

    private static func order(
        _ symbol: BinaryOperator, _ left: CELValue, _ right: CELValue, _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        try ValueOrder.charge(left, right, &meter)
        guard let relation = ValueOrder.compare(left, right) else {
            throw CELError.noSuchOverload(symbol.rawValue, left, right)
        }
        switch symbol {
        case .less: return .bool(relation == .before)
        case .lessOrEqual: return .bool(relation == .before || relation == .same)
        case .greater: return .bool(relation == .after)
        default: return .bool(relation == .after || relation == .same)
        }
    }

    private static func contains(
        _ container: CELValue, _ element: CELValue, _ meter: inout CostMeter
    ) throws(CELError) -> Bool {
        switch container {
        case .list(let list):
            try meter.charge(list.count)
            for candidate in list where try ValueEquality.equal(candidate, element, &meter) { return true }
            return false
        case .map(let map):
            guard case .string(let name) = element else { return map[element] != nil }
            try meter.charge(bytes: name.utf8.count)
            return map.contains(name)
        default: throw CELError.noSuchOverload("in", element, container)
        }
    }
}
