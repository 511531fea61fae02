/// The types of macros that walk over lists and maps.
extension Checker {
    mutating func comprehension(_ walk: Comprehension, at position: Int) throws(CELError) -> CELType {
        let (key, element) = try partTypes(of: walk.range)
        var locals: [(name: String, type: CELType)] = []
        if let second = walk.secondVariable {
            locals = [(walk.variable, key ?? .int), (second, element)]
        } else {
            locals = [(walk.variable, key ?? element)]
        }
        if let condition = walk.condition {
            let type = try check(condition, with: locals)
            guard unifier.fit([type], [.bool]) else {
                throw CELError(
                    .typeMismatch, "the condition is \(resolved(type)), not bool", at: condition.range.lowerBound)
            }
        }
        var transformed = key ?? element
        if let transform = walk.transform { transformed = try check(transform, with: locals) }
        switch walk.kind {
        case .sortBy:
            try expectOrdered(transformed, at: position)
            return .list(element)
        case .all, .exists, .existsOne: return .bool
        case .filter: return .list(key ?? element)
        case .map, .transformList: return .list(transformed)
        case .transformMap: return .map(key ?? .int, transformed)
        case .transformMapEntry: return try entries(transformed, at: position)
        }
    }

    private mutating func expectOrdered(_ type: CELType, at position: Int) throws(CELError) {
        let found = resolved(type)
        guard found == .dyn || CELType.ordered.contains(where: { unifier.fit([found], [$0]) }) else {
            throw CELError(.typeMismatch, "a list cannot be sorted by values of type \(found)", at: position)
        }
    }

    /// What an empty literal would hold may be used in any way, so nothing is inferred from a single use.
    private mutating func settled(_ type: CELType) -> CELType {
        guard case .parameter = type else { return type }
        _ = unifier.fit(type, .dyn)
        return .dyn
    }

    private mutating func entries(_ type: CELType, at position: Int) throws(CELError) -> CELType {
        let map = CELType.map(unifier.fresh(), unifier.fresh())
        guard unifier.fit([type], [map]) else {
            throw CELError(.typeMismatch, "the entry is \(resolved(type)), not a map", at: position)
        }
        return resolved(map)
    }

    /// The types of keys (nil for a list) and of elements.
    private mutating func partTypes(of range: Expression) throws(CELError) -> (key: CELType?, element: CELType) {
        let type = try check(range)
        switch resolved(type) {
        case .list(let element): return (nil, settled(element))
        case .map(let key, let value): return (settled(key), settled(value))
        case .object: return (.string, .dyn)
        case .dyn: return (.dyn, .dyn)
        case .parameter:
            _ = unifier.fit(type, .dyn)
            return (.dyn, .dyn)
        case let other:
            throw CELError(.typeMismatch, "the type \(other) cannot be walked over", at: range.range.lowerBound)
        }
    }
}

/// `math.greatest` and `math.least`, which take any number of numbers or one list of them.
enum Extremes {
    static let names: Set<String> = ["math.greatest", "math.least"]

    /// Nil when the arguments are not numbers.
    static func type(_ arguments: [CELType]) -> CELType? {
        if arguments.count == 1, case .list(let element) = arguments[0] { return isNumber(element) ? element : nil }
        guard let first = arguments.first, arguments.allSatisfy(isNumber) else { return nil }
        return arguments.allSatisfy { $0 == first } ? first : .dyn
    }

    private static func isNumber(_ type: CELType) -> Bool {
        switch type {
        case .int, .uint, .double, .dyn: true
        default: false
        }
    }
}
