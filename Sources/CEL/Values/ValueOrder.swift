/// Order as `<` sees it: within a type, and across the numeric types.
enum ValueOrder {
    enum Relation {
        case before, same, after
        /// One side is not a number.
        case unordered

        var reversed: Relation {
            switch self {
            case .before: .after
            case .after: .before
            case .same, .unordered: self
            }
        }
    }

    /// How two values stand to each other; nil when their types have no order.
    static func compare(_ left: CELValue, _ right: CELValue) -> Relation? {
        switch (left, right) {
        case (.bool(let a), .bool(let b)): relate(a ? 1 : 0, b ? 1 : 0)
        case (.string(let a), .string(let b)):
            ExactText.precedes(a, b) ? .before : (ExactText.equal(a, b) ? .same : .after)
        case (.bytes(let a), .bytes(let b)):
            a.lexicographicallyPrecedes(b) ? .before : (a == b ? .same : .after)
        case (.duration(let a), .duration(let b)): relate(a, b)
        case (.timestamp(let a), .timestamp(let b)): relate(a, b)
        default: compareNumbers(left, right)
        }
    }

    /// Pays for a comparison of two long values.
    static func charge(_ left: CELValue, _ right: CELValue, _ meter: inout CostMeter) throws(CELError) {
        switch (left, right) {
        case (.string(let a), .string(let b)): try meter.charge(bytes: Swift.min(a.utf8.count, b.utf8.count))
        case (.bytes(let a), .bytes(let b)): try meter.charge(bytes: Swift.min(a.count, b.count))
        default: break
        }
    }

    static func compareNumbers(_ left: CELValue, _ right: CELValue) -> Relation? {
        switch (left, right) {
        case (.int(let a), .int(let b)): relate(a, b)
        case (.uint(let a), .uint(let b)): relate(a, b)
        case (.double(let a), .double(let b)): relate(doubles: a, b)
        case (.int(let a), .uint(let b)): a < 0 ? .before : relate(UInt64(a), b)
        case (.uint(let a), .int(let b)): b < 0 ? .after : relate(a, UInt64(b))
        // Integers meet doubles as doubles, with the rounding that this means.
        case (.int(let a), .double(let b)): relate(doubles: Double(a), b)
        case (.double(let a), .int(let b)): relate(doubles: a, Double(b))
        case (.uint(let a), .double(let b)): relate(doubles: Double(a), b)
        case (.double(let a), .uint(let b)): relate(doubles: a, Double(b))
        default: nil
        }
    }

    private static func relate<T: Comparable>(_ left: T, _ right: T) -> Relation {
        left < right ? .before : (left == right ? .same : .after)
    }

    private static func relate(doubles left: Double, _ right: Double) -> Relation {
        left.isNaN || right.isNaN ? .unordered : relate(left, right)
    }
}
