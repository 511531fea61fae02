/// Rules that are used by others.
extension Translator {
    /// The condition under which a rule is true.
    func rule(
        _ name: String, _ arguments: [RegoTerm] = [], _ scope: Scope
    ) throws(Untranslatable) -> Condition {
        try deeper(name, scope).truth(of: module.rules(named: name), name, arguments, scope)
    }

    private func truth(
        of rules: [RegoRule], _ name: String, _ arguments: [RegoTerm], _ scope: Scope
    ) throws(Untranslatable) -> Condition {
        // A set is there, and so is not false, even when nothing is in it.
        if rules.contains(where: \.isPartial) { return .constant(true) }
        let isTrueByDefault = rules.contains { $0.isDefault && $0.branches.first?.value != .bool(false) }
        try refuseDoubtfulValues(of: rules.filter { !$0.isDefault }, name, isTrueByDefault: isTrueByDefault, scope)
        var holds: [Condition] = []
        var denies: [Condition] = []
        for rule in rules where !rule.isDefault {
            let outcomes = try outcomes(of: rule, arguments, scope)
            holds.append(.any(outcomes.filter(\.value).map(\.condition)))
            denies.append(.any(outcomes.filter { !$0.value }.map(\.condition)))
        }
        let (yes, no) = (Condition.any(holds), Condition.any(denies))
        return isTrueByDefault ? .any([yes, .negation(of: no)]) : yes
    }

    /// A computed value may be false where a default or another body says true: Rego then denies, or fails. So it does
    /// where bodies of different values hold at once.
    private func refuseDoubtfulValues(
        of rules: [RegoRule], _ name: String, isTrueByDefault: Bool, _ scope: Scope
    ) throws(Untranslatable) {
        let branches = rules.flatMap(\.branches)
        if isTrueByDefault || branches.count > 1, branches.contains(where: { $0.value?.isScalar == false }) {
            throw Untranslatable(line: scope.line, what: "the computed value of the rule '\(name)'")
        }
        guard rules.count < 2 || Set(branches.map { $0.value ?? .bool(true) }).count == 1 else {
            throw Untranslatable(
                line: scope.line, what: "the rule '\(name)', which has different values by different bodies")
        }
    }

    /// When a rule is true and when it is false, by its branches: each counts when none before it does.
    private func outcomes(
        of rule: RegoRule, _ arguments: [RegoTerm], _ scope: Scope
    ) throws(Untranslatable) -> [(value: Bool, condition: Condition)] {
        guard (rule.parameters ?? []).count == arguments.count else {
            throw Untranslatable(line: scope.line, what: "a call of '\(rule.name)' with other arguments than it has")
        }
        var result: [(value: Bool, condition: Condition)] = []
        var earlier: [(value: Bool, condition: Condition)] = []
        let names = (rule.parameters ?? []).filter { $0 != "_" }
        guard Set(names).count == names.count else {
            throw Untranslatable(line: rule.line, what: "two parameters of '\(rule.name)' with the same name")
        }
        for branch in rule.branches {
            var inner = scope.inner()
            inner.line = rule.line
            var conditions: [Condition] = []
            for (parameter, argument) in zip(rule.parameters ?? [], arguments) {
                try requireFree(parameter, inner)
                let condition = try bind(parameter, to: argument, before: branch.body[...], &inner)
                conditions += condition.map { [$0] } ?? []
            }
            conditions.append(try condition(of: branch.body[...], in: inner))
            let (value, extra) = try truth(ofValue: branch.value, inner)
            conditions += extra.map { [$0] } ?? []
            let body = Condition.all(conditions)
            let others = earlier.filter { $0.value != value }.map(\.condition)
            result.append((value, .all([body] + others.map(Condition.negation))))
            earlier.append((value, body))
        }
        return result
    }

    /// Whether a branch gives true or false; a value that is a condition itself is one more condition.
    private func truth(
        ofValue value: RegoTerm?, _ scope: Scope
    ) throws(Untranslatable) -> (Bool, Condition?) {
        switch value {
        case nil, .bool(true)?, .string?, .number?, .null?: return (true, nil)
        case .bool(false)?: return (false, nil)
        case let term?:
            let condition = try condition(term, scope)
            guard !condition.walks else {
                throw Untranslatable(line: scope.line, what: "a value that may be both true and false")
            }
            return (true, condition)
        }
    }
}

extension RegoTerm {
    /// Whether it is a single value that is written out.
    var isScalar: Bool {
        switch self {
        case .null, .bool, .number, .string: true
        default: false
        }
    }

    /// Whether nothing in it has to be looked up, so that all of it is certainly there.
    var isWrittenOut: Bool {
        switch self {
        case .null, .bool, .number, .string: true
        case .list(let items), .set(let items): items.allSatisfy(\.isWrittenOut)
        case .object(let members): members.allSatisfy { $0.key.isWrittenOut && $0.value.isWrittenOut }
        default: false
        }
    }
}
