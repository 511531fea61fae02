/// The sets extension library: lists taken as sets.
enum SetFunctions {
    static let library = FunctionLibrary(
        functions: [
            .global("sets.contains", 2...2) { (a, meter) throws(CELError) in
                let (set, part) = try two(a, "sets.contains")
                return .bool(try contains(set, all: part, &meter))
            },
            .global("sets.equivalent", 2...2) { (a, meter) throws(CELError) in
                let (one, other) = try two(a, "sets.equivalent")
                guard try contains(one, all: other, &meter) else { return .bool(false) }
                return .bool(try contains(other, all: one, &meter))
            },
            .global("sets.intersects", 2...2, intersects),
        ],
        declarations: [
            "sets.contains": [.global(.list(.a), .list(.a), to: .bool)],
            "sets.equivalent": [.global(.list(.a), .list(.a), to: .bool)],
            "sets.intersects": [.global(.list(.a), .list(.a), to: .bool)],
        ])

    @Sendable private static func intersects(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let (one, other) = try two(arguments, "sets.intersects")
        for element in one where try Membership.contains(other, element, &meter) { return .bool(true) }
        return .bool(false)
    }

    private static func contains(
        _ set: [CELValue], all part: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> Bool {
        for element in part where try !Membership.contains(set, element, &meter) { return false }
        return true
    }

    private static func two(
        _ arguments: [CELValue], _ name: String
    ) throws(CELError) -> ([CELValue], [CELValue]) {
        (try arguments.list(0, of: name), try arguments.list(1, of: name))
    }
}
