/// The math extension library.
enum MathFunctions {
    static let functions: [NativeFunction] = [
        .global("math.greatest", 1...64, greatest), .global("math.least", 1...64, least),
        .global("math.ceil", 1...1) { (a, _) throws(CELError) in try rounded(a, "ceil", .up) },
        .global("math.floor", 1...1) { (a, _) throws(CELError) in try rounded(a, "floor", .down) },
        .global("math.trunc", 1...1) { (a, _) throws(CELError) in try rounded(a, "trunc", .towardZero) },
        .global("math.round", 1...1) { (a, _) throws(CELError) in
            try rounded(a, "round", .toNearestOrAwayFromZero)
        },
        .global("math.abs", 1...1, abs), .global("math.sign", 1...1, sign), .global("math.sqrt", 1...1, sqrt),
        .global("math.isNaN", 1...1) { (a, _) throws(CELError) in .bool(try double(a, "isNaN").isNaN) },
        .global("math.isInf", 1...1) { (a, _) throws(CELError) in .bool(try double(a, "isInf").isInfinite) },
        .global("math.isFinite", 1...1) { (a, _) throws(CELError) in .bool(try double(a, "isFinite").isFinite) },
        .global("math.bitAnd", 2...2) { (a, _) throws(CELError) in try bits(a, "bitAnd") { $0 & $1 } },
        .global("math.bitOr", 2...2) { (a, _) throws(CELError) in try bits(a, "bitOr") { $0 | $1 } },
        .global("math.bitXor", 2...2) { (a, _) throws(CELError) in try bits(a, "bitXor") { $0 ^ $1 } },
        .global("math.bitNot", 1...1, bitNot),
        // Swift's << and >> on unsigned numbers give 0 for shifts of 64 and more.
        .global("math.bitShiftLeft", 2...2) { (a, _) throws(CELError) in try shift(a, "bitShiftLeft") { $0 << $1 } },
        .global("math.bitShiftRight", 2...2) { (a, _) throws(CELError) in
            try shift(a, "bitShiftRight") { $0 >> $1 }
        },
    ]

    // MARK: extremes

    @Sendable private static func greatest(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        try extreme(arguments, "greatest", replacing: .after, &meter)
    }

    @Sendable private static func least(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        try extreme(arguments, "least", replacing: .before, &meter)
    }

    private static func extreme(
        _ arguments: [CELValue], _ name: String, replacing relation: ValueOrder.Relation, _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        var values = arguments
        if arguments.count == 1, case .list(let list) = arguments[0] { values = list }
        try meter.charge(values.count)
        guard var best = values.first else {
            throw CELError(.invalidArgument, "math.\(name) needs at least one number")
        }
        for value in values {
            guard let found = ValueOrder.compareNumbers(value, best) else {
                throw CELError.noSuchOverload("math.\(name)", arguments)
            }
            if found == relation { best = value }
        }
        return best
    }

    // MARK: rounding and sign

    private static func rounded(
        _ arguments: [CELValue], _ name: String, _ rule: FloatingPointRoundingRule
    ) throws(CELError) -> CELValue {
        .double(try double(arguments, name).rounded(rule))
    }

    @Sendable private static func abs(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .int(.min): throw CELError(.overflow, "the result is out of range")
        case .int(let value): return .int(Swift.abs(value))
        case .uint: return arguments[0]
        case .double(let value): return .double(value.magnitude)
        default: throw CELError.noSuchOverload("math.abs", arguments)
        }
    }

    @Sendable private static func sign(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .int(let value): return .int(value.signum())
        case .uint(let value): return .uint(value == 0 ? 0 : 1)
        case .double(let value): return .double(value > 0 ? 1 : (value < 0 ? -1 : value))
        default: throw CELError.noSuchOverload("math.sign", arguments)
        }
    }

    @Sendable private static func sqrt(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .int(let value): return .double(Double(value).squareRoot())
        case .uint(let value): return .double(Double(value).squareRoot())
        case .double(let value): return .double(value.squareRoot())
        default: throw CELError.noSuchOverload("math.sqrt", arguments)
        }
    }

    private static func double(_ arguments: [CELValue], _ name: String) throws(CELError) -> Double {
        guard case .double(let value) = arguments[0] else { throw CELError.noSuchOverload("math.\(name)", arguments) }
        return value
    }

    // MARK: bits

    private static func bits(
        _ arguments: [CELValue], _ name: String, _ operation: (UInt64, UInt64) -> UInt64
    ) throws(CELError) -> CELValue {
        switch (arguments[0], arguments[1]) {
        case (.int(let a), .int(let b)):
            return .int(Int64(bitPattern: operation(UInt64(bitPattern: a), UInt64(bitPattern: b))))
        case (.uint(let a), .uint(let b)): return .uint(operation(a, b))
        default: throw CELError.noSuchOverload("math.\(name)", arguments)
        }
    }

    @Sendable private static func bitNot(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .int(let value): return .int(~value)
        case .uint(let value): return .uint(~value)
        default: throw CELError.noSuchOverload("math.bitNot", arguments)
        }
    }

    /// Shifts the bit pattern, so that a signed number is not extended by its sign.
    private static func shift(
        _ arguments: [CELValue], _ name: String, _ operation: (UInt64, Int64) -> UInt64
    ) throws(CELError) -> CELValue {
        guard case .int(let count) = arguments[1] else { throw CELError.noSuchOverload("math.\(name)", arguments) }
        guard count >= 0 else { throw CELError(.invalidArgument, "math.\(name) cannot shift by \(count)") }
        switch arguments[0] {
        case .int(let value): return .int(Int64(bitPattern: operation(UInt64(bitPattern: value), count)))
        case .uint(let value): return .uint(operation(value, count))
        default: throw CELError.noSuchOverload("math.\(name)", arguments)
        }
    }
}
