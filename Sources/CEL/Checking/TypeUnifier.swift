/// Finds out whether types fit each other, and what type parameters stand for while doing so.
struct TypeUnifier {
    private var meanings: [String: CELType] = [:]
    /// What meanings were before they changed, to take back a fit that failed: a copy of the table for each attempt
    /// would make checking quadratic.
    private var changes: [(name: String, before: CELType?)] = []
    private var count = 0

    /// A type parameter that no declaration uses.
    mutating func fresh() -> CELType {
        count += 1
        return .parameter("%\(count)")
    }

    /// The type with what is known put in for its parameters.
    /// - Parameter isFinal: whether parameters of which nothing is known become `dyn`.
    func resolved(_ type: CELType, isFinal: Bool = false) -> CELType {
        if case .parameter(let name) = type {
            guard let meaning = meanings[name] else { return isFinal ? .dyn : type }
            return resolved(meaning, isFinal: isFinal)
        }
        return type.mapParts { resolved($0, isFinal: isFinal) }
    }

    /// Whether every type fits its counterpart; parameters keep their meanings only if all do.
    mutating func fit(_ given: [CELType], _ wanted: [CELType]) -> Bool {
        changes.removeAll(keepingCapacity: true)
        for (one, other) in zip(given, wanted) where !fit(one, other) {
            for change in changes.reversed() { meanings[change.name] = change.before }
            return false
        }
        return true
    }

    mutating func fit(_ one: CELType, _ other: CELType) -> Bool {
        if one == other { return true }
        if case .parameter(let name) = other {
            switch assign(one, to: name) {
            case .fits: return true
            case .conflicts: return false
            case .refersToItself: break
            }
        }
        if case .parameter(let name) = one { return assign(other, to: name) == .fits }
        if one == .dyn || other == .dyn { return true }
        if one == .null { return other.acceptsNull }
        if other == .null { return one.acceptsNull }
        return fitParts(one, other)
    }

    private mutating func fitParts(_ one: CELType, _ other: CELType) -> Bool {
        switch (one, other) {
        case (.wrapper(let inner), .wrapper(let otherInner)): return inner == otherInner
        case (.wrapper(let inner), _): return inner == other
        case (_, .wrapper(let inner)): return one == inner
        case (.list(let a), .list(let b)), (.optional(let a), .optional(let b)): return fit(a, b)
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            return fit(key, otherKey) && fit(value, otherValue)
        case (.object(let a), .object(let b)): return a == b
        case (.object, .map(let key, let value)): return fit(.string, key) && fit(.dyn, value)
        case (.map(let key, let value), .object): return fit(key, .string) && fit(value, .dyn)
        case (.type, .type): return true
        case (.abstract(let name, let parts), .abstract(let otherName, let otherParts)):
            guard name == otherName, parts.count == otherParts.count else { return false }
            for (a, b) in zip(parts, otherParts) where !fit(a, b) { return false }
            return true
        default: return false
        }
    }

    private enum Assignment { case fits, conflicts, refersToItself }

    private mutating func assign(_ type: CELType, to name: String) -> Assignment {
        if case .parameter(name) = type { return .fits }
        if let known = meanings[name] {
            if known == type { return .fits }
            guard fit(type, known) else { return .conflicts }
            let general = mostGeneral(type, known)
            if !refers(general, to: name) { set(general, for: name) }
            return .fits
        }
        guard !refers(type, to: name) else { return .refersToItself }
        set(type, for: name)
        return .fits
    }

    private mutating func set(_ type: CELType, for name: String) {
        changes.append((name, meanings.updateValue(type, forKey: name)))
    }

    private func refers(_ type: CELType, to name: String) -> Bool {
        if case .parameter(let other) = type {
            return other == name || (meanings[other].map { refers($0, to: name) } ?? false)
        }
        return type.parts.contains { refers($0, to: name) }
    }

    /// One type for both, `dyn` where they have nothing in common.
    mutating func join(_ one: CELType, _ other: CELType) -> CELType {
        fit([one], [other]) ? mostGeneral(one, other) : .dyn
    }

    private func mostGeneral(_ one: CELType, _ other: CELType) -> CELType {
        isAtLeastAsGeneral(one, other) ? one : other
    }

    private func isAtLeastAsGeneral(_ one: CELType, _ other: CELType) -> Bool {
        switch (one, other) {
        case (.dyn, _), (.parameter, _): return true
        case (_, .dyn), (_, .parameter): return false
        case (.type, .type): return true
        case (.list(let a), .list(let b)), (.optional(let a), .optional(let b)): return isAtLeastAsGeneral(a, b)
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            return isAtLeastAsGeneral(key, otherKey) && isAtLeastAsGeneral(value, otherValue)
        case (.abstract(let name, let parts), .abstract(let otherName, let otherParts)):
            return name == otherName && parts.count == otherParts.count
                && zip(parts, otherParts).allSatisfy(isAtLeastAsGeneral)
        case (.wrapper(let inner), _): return inner == other || one == other || other == .null
        case (_, .null): return one.acceptsNull
        case (.map, .object): return true
        default: return one == other
        }
    }
}

extension CELType {
    /// The types that this one is made of.
    var parts: [CELType] {
        switch self {
        case .list(let inner), .type(let inner), .optional(let inner), .wrapper(let inner): [inner]
        case .map(let key, let value): [key, value]
        case .abstract(_, let parameters): parameters
        default: []
        }
    }

    func mapParts(_ transform: (CELType) -> CELType) -> CELType {
        switch self {
        case .list(let inner): .list(transform(inner))
        case .type(let inner): .type(transform(inner))
        case .optional(let inner): .optional(transform(inner))
        case .wrapper(let inner): .wrapper(transform(inner))
        case .map(let key, let value): .map(transform(key), transform(value))
        case .abstract(let name, let parameters): .abstract(name, parameters.map(transform))
        default: self
        }
    }

    /// Whether types are nested in this one more than so many levels.
    func isDeeper(than levels: Int) -> Bool {
        levels == 0 ? !parts.isEmpty : parts.contains { $0.isDeeper(than: levels - 1) }
    }

    /// Whether null may stand where this type is expected.
    var acceptsNull: Bool {
        switch self {
        case .null, .wrapper, .duration, .timestamp, .abstract, .optional, .object: true
        default: false
        }
    }
}
