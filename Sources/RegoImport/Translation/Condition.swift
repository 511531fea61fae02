/// A condition that is being written in CEL.
///
/// Where Rego has an undefined value, and so a condition that does not hold, CEL has an error. CEL's `&&`, `||` and `!`
/// treat an error as "not known", and a policy takes an error for a denial, so that what CEL calls true is true in Rego:
/// nothing is weakened. Under `not`, presence is asked for as well, so that what is undefined in Rego is false here.
indirect enum Condition: Hashable, Sendable {
    case constant(Bool)
    case relation(String, Operand, Operand)
    /// Anything but `false`.
    case truth(Operand)
    /// That a value is there.
    case defined(Operand)
    /// A call that gives a truth value, and the operands that must be there for it.
    case test(String, [Operand])
    case and([Condition])
    case or([Condition])
    case not(Condition)
    /// `domain.exists(variables, condition)` or `domain.all(…)`.
    case walk(String, domain: Operand, variables: [String], Condition)

    static func all(_ conditions: [Condition]) -> Condition {
        var parts: [Condition] = []
        for condition in conditions {
            switch condition {
            case .constant(true): continue
            case .constant(false): return .constant(false)
            case .and(let inner): parts += inner
            default: parts.append(condition)
            }
        }
        return parts.count > 1 ? .and(parts) : parts.first ?? .constant(true)
    }

    static func any(_ conditions: [Condition]) -> Condition {
        var parts: [Condition] = []
        for condition in conditions {
            switch condition {
            case .constant(false): continue
            case .constant(true): return .constant(true)
            case .or(let inner): parts += inner
            default: parts.append(condition)
            }
        }
        return parts.count > 1 ? .or(parts) : parts.first ?? .constant(false)
    }

    static func negation(of condition: Condition) -> Condition {
        switch condition {
        case .constant(let value): .constant(!value)
        case .not(let inner): inner.isTotal ? inner : .not(condition)
        default: .not(condition)
        }
    }

    /// Whether it is never an error, so that two negations cancel out.
    private var isTotal: Bool {
        if case .constant = self { return true }
        return false
    }

    /// Whether it is about the elements of something.
    var walks: Bool {
        switch self {
        case .walk: true
        case .and(let parts), .or(let parts): parts.contains(where: \.walks)
        case .not(let inner): inner.walks
        default: false
        }
    }

    /// The conditions that must all be true.
    var conjuncts: [Condition] {
        switch self {
        case .and(let parts): parts
        case .constant(true): []
        default: [self]
        }
    }

    var text: String { text(isNegated: false) }

    private func text(isNegated: Bool) -> String {
        switch self {
        case .constant(let value): return value ? "true" : "false"
        case .test(let text, let operands): return Self.guarded(text, operands, isNegated)
        case .defined(let operand): return operand.fieldPresence ?? "\(operand.text) == \(operand.text)"
        case .truth(let operand):
            if case .bool(let value) = operand { return value ? "true" : "false" }
            return Self.guarded("dyn(\(operand.text)) != false", [operand], isNegated)
        case .relation("glob", let text, .string(let pattern)):
            let expression = GlobPattern(pattern)?.regularExpression ?? "^$"
            return Self.guarded("\(text.text).matches(\(Operand.quoted(expression)))", [text], isNegated)
        case .relation(let sign, let left, let right):
            return Self.guarded("\(left.text) \(sign) \(right.text)", [left, right], isNegated)
        case .and(let parts): return parts.map { $0.bracketed(isNegated, in: "&&") }.joined(separator: " && ")
        case .or(let parts): return parts.map { $0.bracketed(isNegated, in: "||") }.joined(separator: " || ")
        case .not(let inner): return inner.negatedText(isNegated: isNegated)
        case .walk(let macro, let domain, let variables, let inner):
            let names = variables.joined(separator: ", ")
            let call = "\(domain.text).\(macro)(\(names), \(inner.text(isNegated: isNegated)))"
            return Self.guarded(call, [domain], isNegated)
        }
    }

    private func negatedText(isNegated: Bool) -> String {
        if case .relation("==", let left, let right) = self, left.presence == nil, right.presence == nil {
            return "\(left.text) != \(right.text)"
        }
        let inner = text(isNegated: !isNegated)
        return isAtom(isNegated: !isNegated) ? "!\(inner)" : "!(\(inner))"
    }

    /// With presence in front when the condition stands under an odd number of `!`.
    private static func guarded(_ text: String, _ operands: [Operand], _ isNegated: Bool) -> String {
        let presences = isNegated ? operands.compactMap(\.presence) : []
        return (presences + [text]).joined(separator: " && ")
    }

    private func bracketed(_ isNegated: Bool, in sign: String) -> String {
        let text = text(isNegated: isNegated)
        switch self {
        case .or: return sign == "&&" ? "(\(text))" : text
        case .and: return sign == "||" ? "(\(text))" : text
        case .relation, .truth, .test, .walk:
            return isNegated && sign == "||" && text.contains(" && ") ? "(\(text))" : text
        default: return text
        }
    }

    private func isAtom(isNegated: Bool) -> Bool {
        switch self {
        case .constant: true
        case .walk(_, let domain, _, _): !isNegated || domain.presence == nil
        case .test(_, let operands): !isNegated || operands.allSatisfy { $0.presence == nil }
        case .defined(let operand): operand.fieldPresence != nil
        default: false
        }
    }
}

extension Operand {
    /// The condition that a field is there; other values can only be evaluated to know.
    fileprivate var fieldPresence: String? {
        if case .field = self { return presence }
        return nil
    }
}
