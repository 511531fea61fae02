/// Optional values.
enum OptionalFunctions {
    static let functions: [NativeFunction] = [
        .global("optional.none", 0...0) { (_, _) throws(CELError) in .optional(nil) },
        .global("optional.of", 1...1) { (a, _) throws(CELError) in .optional(a[0]) },
        .global("optional.ofNonZeroValue", 1...1) { (a, _) throws(CELError) in .optional(isZero(a[0]) ? nil : a[0]) },
        .global("optional.unwrap", 1...1, unwrap), .receiver("unwrapOpt", 1...1, unwrap),
        .receiver("hasValue", 1...1) { (a, _) throws(CELError) in .bool(try content(of: a[0]) != nil) },
        .receiver("value", 1...1, value), .receiver("or", 2...2, or), .receiver("orValue", 2...2, orValue),
        .receiver("first", 1...1) { (a, _) throws(CELError) in .optional(try list(a, "first").first) },
        .receiver("last", 1...1) { (a, _) throws(CELError) in .optional(try list(a, "last").last) },
    ]

    /// The value inside an optional.
    static func content(of value: CELValue, at position: Int? = nil) throws(CELError) -> CELValue? {
        guard case .optional(let content) = value else {
            throw CELError(
                .noSuchOverload, "an optional is expected, not a value of type \(value.typeName)", at: position)
        }
        return content
    }

    private static func isZero(_ value: CELValue) -> Bool {
        switch value {
        case .null: true
        case .bool(let value): !value
        case .int(let value): value == 0
        case .uint(let value): value == 0
        case .double(let value): value == 0
        case .string(let value): value.isEmpty
        case .bytes(let value): value.isEmpty
        case .list(let value): value.isEmpty
        case .map(let value): value.isEmpty
        case .duration(let value): value.nanoseconds == 0
        case .timestamp(let value): value.seconds == 0 && value.nanoseconds == 0
        case .optional(let value): value == nil
        case .type, .opaque: false
        }
    }

    @Sendable private static func value(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        guard let content = try content(of: arguments[0]) else {
            throw CELError(.invalidArgument, "optional.none() has no value")
        }
        return content
    }

    @Sendable private static func or(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        _ = try content(of: arguments[1])
        return try content(of: arguments[0]) == nil ? arguments[1] : arguments[0]
    }

    @Sendable private static func orValue(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        try content(of: arguments[0]) ?? arguments[1]
    }

    /// The present values of a list of optionals.
    @Sendable private static func unwrap(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        var result: [CELValue] = []
        for element in try list(arguments, "unwrapOpt") {
            try meter.charge(1)
            if let present = try content(of: element) { result.append(present) }
        }
        return .list(result)
    }

    private static func list(_ arguments: [CELValue], _ name: String) throws(CELError) -> [CELValue] {
        guard case .list(let list) = arguments[0] else { throw CELError.noSuchOverload(name, arguments) }
        return list
    }
}
