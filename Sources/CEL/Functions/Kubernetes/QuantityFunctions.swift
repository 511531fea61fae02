/// Kubernetes' quantity library.
enum QuantityFunctions {
    private static let type = CELType.abstract("kubernetes.Quantity", [])

    static let library = FunctionLibrary(
        functions: [
            .global("quantity", 1...1) { (a, meter) throws(CELError) in
                let text = try a.string(0, of: "quantity")
                guard let quantity = try parsed(text, &meter) else {
                    throw CELError(.invalidArgument, "\"\(text.excerpt)\" is not a quantity such as 1.5Gi or 200m")
                }
                return .opaque(quantity)
            },
            .global("isQuantity", 1...1) { (a, meter) throws(CELError) in
                .bool(try parsed(try a.string(0, of: "isQuantity"), &meter) != nil)
            },
            .global("sign", 1...1, sign), .receiver("sign", 1...1, sign),
            .receiver("isInteger", 1...1) { (a, _) throws(CELError) in
                .bool(try quantity(a, 0, "isInteger").int64 != nil)
            },
            .receiver("asInteger", 1...1) { (a, _) throws(CELError) in
                guard let value = try quantity(a, 0, "asInteger").int64 else {
                    throw CELError(.overflow, "the quantity is not a whole number of 64 bits")
                }
                return .int(value)
            },
            .receiver("asApproximateFloat", 1...1) { (a, _) throws(CELError) in
                .double(try quantity(a, 0, "asApproximateFloat").double)
            },
            .receiver("add", 2...2) { (a, meter) throws(CELError) in
                .opaque(try sum(try quantity(a, 0, "add"), try summand(a, "add"), &meter))
            },
            .receiver("sub", 2...2) { (a, meter) throws(CELError) in
                .opaque(try sum(try quantity(a, 0, "sub"), try summand(a, "sub").negated, &meter))
            },
            comparison("compareTo") { .int($0) }, comparison("isLessThan") { .bool($0 < 0) },
            comparison("isGreaterThan") { .bool($0 > 0) },
        ],
        declarations: [
            "quantity": [.global(.string, to: type)], "isQuantity": [.global(.string, to: .bool)],
            "sign": [.global(type, to: .int), .receiver(type, to: .int)],
            "isInteger": [.receiver(type, to: .bool)], "asInteger": [.receiver(type, to: .int)],
            "asApproximateFloat": [.receiver(type, to: .double)],
            "add": [.receiver(type, type, to: type), .receiver(type, .int, to: type)],
            "sub": [.receiver(type, type, to: type), .receiver(type, .int, to: type)],
            "compareTo": [.receiver(type, type, to: .int)], "isLessThan": [.receiver(type, type, to: .bool)],
            "isGreaterThan": [.receiver(type, type, to: .bool)],
        ], types: [type])

    /// Digits and exponents are worked off one by one.
    private static func parsed(_ text: String, _ meter: inout CostMeter) throws(CELError) -> Quantity? {
        try meter.charge(8 + text.utf8.count)
        return Quantity(text)
    }

    @Sendable private static func sign(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        .int(try quantity(arguments, 0, "sign").sign)
    }

    private static func comparison(
        _ name: String, _ result: @escaping @Sendable (Int64) -> CELValue
    ) -> NativeFunction {
        .receiver(name, 2...2, on: .opaque(Quantity.self)) { (a, _) throws(CELError) in
            result(try quantity(a, 0, name).order(try quantity(a, 1, name)))
        }
    }

    /// A quantity or a whole number.
    private static func summand(_ arguments: [CELValue], _ name: String) throws(CELError) -> Quantity {
        if case .int(let value) = arguments[1] { return Quantity(value) }
        return try quantity(arguments, 1, name)
    }

    private static func sum(
        _ left: Quantity, _ right: Quantity, _ meter: inout CostMeter
    ) throws(CELError) -> Quantity {
        try meter.charge(bytes: 4 * (left.size + right.size))
        return left + right
    }

    private static func quantity(
        _ arguments: [CELValue], _ index: Int, _ name: String
    ) throws(CELError) -> Quantity {
        try arguments.opaque(index, of: name)
    }
}
