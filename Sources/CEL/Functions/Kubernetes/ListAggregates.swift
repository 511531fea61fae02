/// Kubernetes' list library.
enum ListAggregates {
    static let library = FunctionLibrary(
        functions: [
            .receiver("isSorted", 1...1, isSorted), .receiver("sum", 1...1, sum),
            .receiver("min", 1...1) { (a, meter) throws(CELError) in try extreme(a, "min", .before, &meter) },
            .receiver("max", 1...1) { (a, meter) throws(CELError) in try extreme(a, "max", .after, &meter) },
            .receiver("indexOf", 2...2, on: .list) { (a, meter) throws(CELError) in
                let list = try a.list(0, of: "indexOf")
                return .int(try place(of: a[1], in: list, along: Array(list.indices), &meter))
            },
            .receiver("lastIndexOf", 2...2, on: .list) { (a, meter) throws(CELError) in
                let list = try a.list(0, of: "lastIndexOf")
                return .int(try place(of: a[1], in: list, along: list.indices.reversed(), &meter))
            },
            .receiver("includes", 2...2, includes),
        ],
        declarations: [
            "isSorted": CELType.ordered.map { .receiver(.list($0), to: .bool) },
            "sum": [CELType.int, .uint, .double, .duration].map { .receiver(.list($0), to: $0) },
            "min": CELType.ordered.map { .receiver(.list($0), to: $0) },
            "max": CELType.ordered.map { .receiver(.list($0), to: $0) },
            "indexOf": [.receiver(.list(.a), .a, to: .int)],
            "lastIndexOf": [.receiver(.list(.a), .a, to: .int)],
            "includes": [.receiver(.dyn, .dyn, to: .bool)],
        ])

    @Sendable private static func isSorted(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let list = try arguments.list(0, of: "isSorted")
        for (element, next) in zip(list, list.dropFirst()) {
            if try relation(element, next, "isSorted", &meter) == .after { return .bool(false) }
        }
        return .bool(true)
    }

    static let sumName = "sum"

    /// What the sum of an empty list of this type is, where that is not the `int` 0.
    static func zero(of type: CELType) -> CELValue? {
        switch type {
        case .uint: .uint(0)
        case .double: .double(0)
        case .duration: .duration(CELDuration(nanoseconds: 0))
        default: nil
        }
    }

    /// The sum of nothing is the `int` 0 unless the checker knows better.
    @Sendable private static func sum(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let list = try arguments.list(0, of: "sum")
        guard var total = list.first else { return .int(0) }
        switch total {
        case .int, .uint, .double, .duration: break
        default: throw CELError.noSuchOverload("sum", arguments)
        }
        for element in list.dropFirst() {
            try meter.charge(1)
            total = try Arithmetic.add(total, element, &meter)
        }
        return total
    }

    private static func extreme(
        _ arguments: [CELValue], _ name: String, _ wanted: ValueOrder.Relation, _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let list = try arguments.list(0, of: name)
        guard var best = list.first else { throw CELError(.invalidArgument, "\(name)() of an empty list") }
        for element in list.dropFirst() where try relation(element, best, name, &meter) == wanted { best = element }
        return best
    }

    private static func relation(
        _ left: CELValue, _ right: CELValue, _ name: String, _ meter: inout CostMeter
    ) throws(CELError) -> ValueOrder.Relation {
        try meter.charge(1)
        try ValueOrder.charge(left, right, &meter)
        guard let relation = ValueOrder.compare(left, right) else {
            throw CELError.noSuchOverload(name, left, right)
        }
        return relation
    }

    private static func place(
        of element: CELValue, in list: [CELValue], along places: [Int], _ meter: inout CostMeter
    ) throws(CELError) -> Int64 {
        for place in places {
            try meter.charge(1)
            if try ValueEquality.equal(list[place], element, &meter) { return Int64(place) }
        }
        return -1
    }

    /// Whether the list holds the value, or the one value is the other.
    @Sendable private static func includes(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        guard case .list(let list) = arguments[0] else {
            return .bool(try ValueEquality.equal(arguments[0], arguments[1], &meter))
        }
        return .bool(try Membership.contains(list, arguments[1], &meter))
    }
}
