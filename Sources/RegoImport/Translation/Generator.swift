/// A part of a term that stands for each element of something: `list[_]`, `map[key]` with a new name.
struct Generator {
    /// What is walked over.
    let domain: RegoTerm
    /// The name of the key, or `_`.
    let name: String
    private let term: RegoTerm
    private let part: RegoTerm

    /// The first such part of a resolved term; nothing when it has none.
    init?(in term: RegoTerm, isNew: (String) -> Bool) {
        guard let part = Self.find(in: term, isNew) else { return nil }
        guard case .path(let root, let steps) = part, case .path(let name, [])? = steps.last else { return nil }
        self.term = term
        self.part = part
        self.name = name
        domain = .path(root, steps.dropLast())
    }

    /// Whether the part stands in the term more than once, where `_` would mean different elements.
    var isAmbiguous: Bool { name == "_" && Self.count(part, in: term) > 1 }

    /// The term with the element itself in place of the part.
    func replaced(by element: RegoTerm) -> RegoTerm { Self.replace(part, with: element, in: term) }

    private static func find(in term: RegoTerm, _ isNew: (String) -> Bool) -> RegoTerm? {
        if case .path(let root, let steps) = term {
            for (index, step) in steps.enumerated() {
                if case .path(let name, []) = step, name == "_" || isNew(name) {
                    return .path(root, Array(steps[...index]))
                }
                if let inner = find(in: step, isNew) { return inner }
            }
            return nil
        }
        for part in term.parts {
            if let inner = find(in: part, isNew) { return inner }
        }
        return nil
    }

    private static func count(_ part: RegoTerm, in term: RegoTerm) -> Int {
        let own = part.isBeginning(of: term) ? 1 : 0
        return own + term.parts.reduce(0) { $0 + count(part, in: $1) }
    }

    private static func replace(_ part: RegoTerm, with element: RegoTerm, in term: RegoTerm) -> RegoTerm {
        switch term {
        case .path(let root, let steps):
            let inner = steps.map { replace(part, with: element, in: $0) }
            guard part.isBeginning(of: term), case .path(_, let own) = part else { return .path(root, inner) }
            guard case .path(let name, let before) = element else { return term }
            return .path(name, before + inner[own.count...])
        case .call(let name, let arguments): return .call(name, arguments.map { replace(part, with: element, in: $0) })
        case .member(let value, let steps):
            return .member(
                replace(part, with: element, in: value), steps.map { replace(part, with: element, in: $0) })
        case .binary(let sign, let left, let right):
            return .binary(sign, replace(part, with: element, in: left), replace(part, with: element, in: right))
        case .list(let items): return .list(items.map { replace(part, with: element, in: $0) })
        case .set(let items): return .set(items.map { replace(part, with: element, in: $0) })
        case .object(let members):
            return .object(
                members.map {
                    RegoMember(
                        key: replace(part, with: element, in: $0.key), value: replace(part, with: element, in: $0.value)
                    )
                })
        case .null, .bool, .number, .string, .unsupported: return term
        }
    }
}

extension RegoTerm {
    /// The terms that it is made of.
    var parts: [RegoTerm] {
        switch self {
        case .path(_, let steps): steps
        case .call(_, let arguments): arguments
        case .member(let value, let steps): [value] + steps
        case .binary(_, let left, let right): [left, right]
        case .list(let items), .set(let items): items
        case .object(let members): members.flatMap { [$0.key, $0.value] }
        case .null, .bool, .number, .string, .unsupported: []
        }
    }

    /// Whether `other` is this path, or goes on from it.
    fileprivate func isBeginning(of other: RegoTerm) -> Bool {
        guard case .path(let root, let steps) = self, case .path(root, let others) = other else { return false }
        return others.starts(with: steps)
    }

    /// Whether it is made of no more terms than this; names that stand for terms can double it in every line.
    func hasSize(atMost limit: Int) -> Bool {
        var left = limit
        return fits(into: &left)
    }

    private func fits(into left: inout Int) -> Bool {
        left -= 1
        guard left >= 0 else { return false }
        for part in parts where !part.fits(into: &left) { return false }
        return true
    }

    /// The first name in the term, from which a path may go on, that is such a one.
    func firstRoot(where condition: (String) -> Bool) -> String? {
        if case .path(let root, _) = self, condition(root) { return root }
        for part in parts {
            if let root = part.firstRoot(where: condition) { return root }
        }
        return nil
    }
}

extension RegoLiteral {
    /// Whether the literal certainly cannot hold when `name` has no value.
    func needs(_ name: String) -> Bool {
        guard case .term(.binary(_, let left, let right)) = form else { return false }
        return left.isPath(from: name) || right.isPath(from: name)
    }
}

extension RegoTerm {
    fileprivate func isPath(from name: String) -> Bool {
        if case .path(name, _) = self { return true }
        return false
    }
}

extension Operand {
    /// Whether the value may be missing when the expression is evaluated.
    var mayBeAbsent: Bool {
        switch self {
        case .field, .text, .resourceSegment: presence != nil || !isField
        case .list(let items): items.contains(where: \.mayBeAbsent)
        case .map(let members): members.contains { $0.key.mayBeAbsent || $0.value.mayBeAbsent }
        default: false
        }
    }

    private var isField: Bool {
        if case .field = self { return true }
        return false
    }
}
