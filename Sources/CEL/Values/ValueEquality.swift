/// Equality as `==` sees it: numbers across their types, lists and maps by element, different types unequal.
enum ValueEquality {
    /// Values nest at most as deep as literals and JSON allow; this bound only guards the stack.
    private static let maximumDepth = 1000

    static func equal(
        _ left: CELValue, _ right: CELValue, _ meter: inout CostMeter, depth: Int = 0
    ) throws(CELError) -> Bool {
        switch (left, right) {
        case (.list(let a), .list(let b)):
            guard a.count == b.count else { return false }
            try check(depth)
            try meter.charge(a.count)
            for index in a.indices where try !equal(a[index], b[index], &meter, depth: depth + 1) { return false }
            return true
        case (.map(let a), .map(let b)):
            guard a.count == b.count else { return false }
            try check(depth)
            try meter.charge(a.count)
            var entries = a.makeIterator()
            while let (key, value) = try entries.next(&meter) {
                guard let other = try b.value(key, &meter), try equal(value, other, &meter, depth: depth + 1) else {
                    return false
                }
            }
            return true
        case (.optional(let a), .optional(let b)):
            guard let a, let b else { return a == nil && b == nil }
            try check(depth)
            return try equal(a, b, &meter, depth: depth + 1)
        case (.string(let a), .string(let b)):
            try meter.charge(bytes: Swift.min(a.utf8.count, b.utf8.count))
            return ExactText.equal(a, b)
        case (.bytes(let a), .bytes(let b)):
            try meter.charge(bytes: Swift.min(a.count, b.count))
            return a == b
        case (.opaque(let a), .opaque(let b)):
            try meter.charge(bytes: a.size + b.size)
            return a.isEqual(to: b)
        default: return equalScalars(left, right)
        }
    }

    private static func check(_ depth: Int) throws(CELError) {
        guard depth < maximumDepth else { throw CELError(.costExceeded, "values nest too deeply to be compared") }
    }

    private static func equalScalars(_ left: CELValue, _ right: CELValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.uint(let a), .uint(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.duration(let a), .duration(let b)): a == b
        case (.timestamp(let a), .timestamp(let b)): a == b
        case (.type(let a), .type(let b)): ExactText.equal(a, b)
        default: ValueOrder.compareNumbers(left, right) == .same
        }
    }
}

extension CELValue: Equatable {
    /// Equality of the language's `==`; not-a-number equals nothing.
    public static func == (left: CELValue, right: CELValue) -> Bool {
        var meter = CostMeter(limit: 10_000_000)
        return (try? ValueEquality.equal(left, right, &meter)) ?? false
    }
}
