/// The lists extension library.
enum ListFunctions {
    static let library = FunctionLibrary(
        functions: [
            .receiver("slice", 3...3, slice), .receiver("flatten", 1...2, flatten),
            .receiver("distinct", 1...1, distinct), .receiver("sort", 1...1, sort),
            .global("lists.range", 1...1, range),
        ],
        declarations: [
            "slice": [.receiver(.list(.a), .int, .int, to: .list(.a))],
            "flatten": [
                .receiver(.list(.list(.a)), to: .list(.a)), .receiver(.list(.dyn), .int, to: .list(.dyn)),
            ],
            "distinct": [.receiver(.list(.a), to: .list(.a))],
            "sort": CELType.ordered.map { .receiver(.list($0), to: .list($0)) },
            "lists.range": [.global(.int, to: .list(.int))],
        ])

    @Sendable private static func slice(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let list = try arguments.list(0, of: "slice")
        let (start, end) = (try arguments.int(1, of: "slice"), try arguments.int(2, of: "slice"))
        guard start >= 0, start <= end, end <= list.count else {
            throw CELError(.invalidArgument, "\(start) to \(end) is no part of a list of \(list.count)")
        }
        try meter.charge(Int(end - start))
        return .list(Array(list[Int(start)..<Int(end)]))
    }

    @Sendable private static func flatten(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let depth = arguments.count > 1 ? try arguments.int(1, of: "flatten") : 1
        guard depth >= 0 else { throw CELError(.invalidArgument, "lists cannot be flattened by \(depth) levels") }
        var result: [CELValue] = []
        try flatten(try arguments.list(0, of: "flatten"), depth, into: &result, &meter)
        return .list(result)
    }

    private static func flatten(
        _ list: [CELValue], _ depth: Int64, into result: inout [CELValue], _ meter: inout CostMeter, level: Int = 0
    ) throws(CELError) {
        guard level < 1000 else { throw CELError(.costExceeded, "the lists nest too deeply to be flattened") }
        for element in list {
            try meter.charge(1)
            if depth > 0, case .list(let inner) = element {
                try flatten(inner, depth - 1, into: &result, &meter, level: level + 1)
            } else {
                result.append(element)
            }
        }
    }

    /// The elements without those that equal an earlier one.
    @Sendable private static func distinct(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        var result: [CELValue] = []
        // Strings, the usual elements, are found by hash; anything else is compared with what came before.
        var texts: Set<ExactText> = []
        var others: [CELValue] = []
        for element in try arguments.list(0, of: "distinct") {
            try meter.charge(1)
            if case .string(let text) = element {
                try meter.charge(bytes: text.utf8.count)
                guard texts.insert(ExactText(text)).inserted else { continue }
            } else {
                guard try !Membership.contains(others, element, &meter) else { continue }
                others.append(element)
            }
            result.append(element)
        }
        return .list(result)
    }

    @Sendable private static func sort(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let list = try arguments.list(0, of: "sort")
        return .list(try ListOrder.sorted(list, by: list, &meter))
    }

    @Sendable private static func range(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let count = try arguments.int(0, of: "lists.range")
        guard count >= 0 else { throw CELError(.invalidArgument, "a list cannot have \(count) elements") }
        // Paid for before the memory is taken.
        try meter.charge(Int(clamping: count))
        return .list((0..<count).map(CELValue.int))
    }
}

/// Sorting by the order of `<`.
enum ListOrder {
    /// The elements in the order of their keys; equal keys keep their order.
    /// - Throws: `CELError` (`invalid_argument`) when the keys are not all of one ordered type.
    static func sorted(
        _ list: [CELValue], by keys: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> [CELValue] {
        guard let first = keys.first else { return list }
        try meter.charge(keys.count)
        for key in keys {
            guard key.typeName == first.typeName, ValueOrder.compare(key, key) != nil else {
                throw CELError(.invalidArgument, "a list of \(first.typeName) and \(key.typeName) cannot be sorted")
            }
            if case .string(let text) = key { try meter.charge(bytes: text.utf8.count) }
        }
        let comparisons = Swift.max(1, keys.count.bitWidth - keys.count.leadingZeroBitCount)
        try meter.charge(keys.count * comparisons / 4)
        // Ties are settled by place because the library's sort does not promise to be stable.
        let places = keys.indices.sorted { one, other in
            switch ValueOrder.compare(keys[one], keys[other]) {
            case .before: true
            case .after: false
            default: one < other
            }
        }
        return places.map { list[$0] }
    }
}

/// Whether a list holds a value, as `==` sees it.
enum Membership {
    static func contains(
        _ list: [CELValue], _ element: CELValue, _ meter: inout CostMeter
    ) throws(CELError) -> Bool {
        for candidate in list {
            try meter.charge(1)
            if try ValueEquality.equal(candidate, element, &meter) { return true }
        }
        return false
    }
}
