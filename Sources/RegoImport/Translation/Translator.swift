import RATS

/// Translates the bodies of rules into conditions, with all rules that they use written out.
struct Translator {
    /// How much is written out before a policy counts as too complicated.
    final class Effort {
        private var left = 4_000

        func spend() -> Bool {
            left -= 1
            return left >= 0
        }
    }

    private static let maximumDepth = 16
    private static let maximumTerm = 20_000

    let module: RegoModule
    let inputs: Inputs
    private let effort: Effort
    private let depth: Int

    init(_ module: RegoModule, inputs: Inputs) {
        self.init(module, inputs: inputs, sharing: Effort(), depth: 0)
    }

    private init(_ module: RegoModule, inputs: Inputs, sharing effort: Effort, depth: Int) {
        self.module = module
        self.inputs = inputs
        self.effort = effort
        self.depth = depth
    }

    /// A condition with the line that it comes from.
    struct Line {
        let line: Int
        let condition: Condition
    }

    /// The conditions of a body, all of which must hold.
    func conditions(
        of literals: ArraySlice<RegoLiteral>, in scope: Scope = Scope()
    ) throws(Untranslatable) -> [Line] {
        var scope = scope
        var lines: [Line] = []
        for (index, literal) in zip(literals.indices, literals) {
            guard effort.spend() else { throw Untranslatable(line: literal.line, what: "its size once written out") }
            scope.line = literal.line
            let rest = literals[(index + 1)...]
            if let loop = try loop(around: literal, rest, scope) {
                return lines + [Line(line: literal.line, condition: loop)]
            }
            guard let condition = try condition(literal, before: rest, &scope) else { continue }
            lines.append(Line(line: literal.line, condition: condition))
        }
        return lines
    }

    func condition(
        of literals: ArraySlice<RegoLiteral>, in scope: Scope
    ) throws(Untranslatable) -> Condition {
        .all(try conditions(of: literals, in: scope).map(\.condition))
    }

    // MARK: - Loops

    /// A literal that stands for each element of something holds for the rest of the body, too.
    private func loop(
        around literal: RegoLiteral, _ rest: ArraySlice<RegoLiteral>, _ scope: Scope
    ) throws(Untranslatable) -> Condition? {
        switch literal.form {
        case .some(let key, let value, let domain):
            return try walk("exists", over: scope.resolve(domain), key, value, scope) { inner throws(Untranslatable) in
                try condition(of: rest, in: inner)
            }
        case .term(let term):
            guard let element = try generator(in: scope.resolve(term), scope) else { return nil }
            return try walk(element, scope) { inner, member throws(Untranslatable) in
                let same = RegoLiteral(form: .term(element.replaced(by: member)), line: literal.line)
                return try condition(of: [same] + rest, in: inner)
            }
        case .assign(let left, let right, isUnification: true) where newName(left, scope) == nil:
            let same: RegoLiteral.Form =
                newName(right, scope) == nil
                ? .term(.binary("==", left, right)) : .assign(right, left, isUnification: true)
            return try loop(around: RegoLiteral(form: same, line: literal.line), rest, scope)
        case .assign(let name, let value, let isUnification):
            guard let element = try generator(in: scope.resolve(value), scope) else { return nil }
            return try walk(element, named: newName(name, scope), scope) { inner, member throws(Untranslatable) in
                let same = RegoLiteral.Form.assign(name, element.replaced(by: member), isUnification: isUnification)
                return try condition(of: [RegoLiteral(form: same, line: literal.line)] + rest, in: inner)
            }
        default: return nil
        }
    }

    func walk(
        _ element: Generator, named word: String? = nil, _ scope: Scope,
        _ body: (Scope, RegoTerm) throws(Untranslatable) -> Condition
    ) throws(Untranslatable) -> Condition {
        let name = "%element"
        let key = element.name == "_" ? nil : element.name
        return try walk("exists", over: element.domain, key, name, word: word, scope) { inner throws(Untranslatable) in
            try body(inner, inner.resolve(.path(name, [])))
        }
    }

    /// Binds `key` and `value` for each element of `domain`.
    func walk(
        _ macro: String, over domain: RegoTerm, _ key: String?, _ value: String, word: String? = nil, _ scope: Scope,
        _ body: (Scope) throws(Untranslatable) -> Condition
    ) throws(Untranslatable) -> Condition {
        try requireFree(value, scope)
        if let key { try requireFree(key, scope) }
        let (elements, isSet) = try collection(domain, scope)
        guard elements != .undefined else { return .constant(false) }
        let key = key == "_" ? nil : key
        guard !isSet || key == nil else {
            throw Untranslatable(line: scope.line, what: "the keys of a set")
        }
        guard macro == "exists" || !elements.isVector else {
            throw Untranslatable(line: scope.line, what: "'every' over a trust vector, which a token may not have")
        }
        var inner = scope
        let variables: [String]
        let word = word ?? (value.hasPrefix("%") ? "item" : value)
        if elements == .field(CELPath(root: "submods")) {
            // Macros over a map walk over its keys.
            let name = inner.newMacroVariable(key ?? "name")
            inner.bind(value, to: .path("input", [.string("submods"), .path("%" + name, [])]))
            variables = [name]
            if let key { inner.bind(key, to: .path("%" + name, [])) }
        } else if case .list = elements, key == nil {
            variables = [inner.newMacroVariable(word)]
            inner.bind(value, to: .path("%" + variables[0], []))
        } else {
            let name = inner.newMacroVariable(key ?? "i")
            let element = inner.newMacroVariable(word)
            inner.bind(value, to: .path("%" + element, []))
            variables = [name, element]
            if let key { inner.bind(key, to: .path("%" + name, [])) }
        }
        let condition = try body(inner)
        if condition == .constant(false), macro == "exists" { return condition }
        return .walk(macro, domain: elements, variables: variables, condition)
    }

    // MARK: - Literals

    private func condition(
        _ literal: RegoLiteral, before rest: ArraySlice<RegoLiteral>, _ scope: inout Scope
    ) throws(Untranslatable) -> Condition? {
        switch literal.form {
        case .declare(let names):
            for name in names {
                try requireFree(name, scope)
                scope.forget(name)
            }
            return nil
        case .unsupported(let text):
            throw Untranslatable(line: literal.line, what: "'\(text)', which is not understood")
        case .not(let term): return .negation(of: try condition(term, scope))
        case .term(let term): return try condition(term, scope)
        case .every(let key, let value, let domain, let body):
            return try walk("all", over: scope.resolve(domain), key, value, scope) { inner throws(Untranslatable) in
                try condition(of: body[...], in: inner)
            }
        case .assign(let left, let right, let isUnification):
            if let name = newName(left, scope) { return try bind(name, to: right, before: rest, &scope) }
            guard isUnification else { throw Untranslatable(line: literal.line, what: "an assignment to a pattern") }
            if let name = newName(right, scope) { return try bind(name, to: left, before: rest, &scope) }
            return try condition(.binary("==", left, right), scope)
        case .some: return nil
        }
    }

    private func newName(_ term: RegoTerm, _ scope: Scope) -> String? {
        guard case .path(let name, []) = term, name != "_", !scope.isBound(name), !isGlobal(name) else { return nil }
        return name
    }

    func isGlobal(_ name: String) -> Bool {
        name == "input" || name == "data" || name.hasPrefix("%") || module.imports.contains(name)
            || !module.rules(named: name).isEmpty
    }

    /// A local name that is also a rule's would be taken for the rule in one place or another.
    func requireFree(_ name: String, _ scope: Scope) throws(Untranslatable) {
        guard name.hasPrefix("%") || !isGlobal(name) else {
            throw Untranslatable(line: scope.line, what: "the local name '\(name)', which is also one of the policy")
        }
    }

    /// Names stand for terms. One without a value yet would be taken for whatever has that name where the term is used.
    func requireKnown(_ term: RegoTerm, _ scope: Scope) throws(Untranslatable) {
        guard let name = term.firstRoot(where: { !isGlobal($0) }) else { return }
        throw Untranslatable(line: scope.line, what: "'\(name)', which has no value there")
    }

    /// Binds a name. A value that is not there makes the whole body false, even if nothing looks at it afterwards.
    func bind(
        _ name: String, to term: RegoTerm, before rest: ArraySlice<RegoLiteral>, _ scope: inout Scope
    ) throws(Untranslatable) -> Condition? {
        let value = scope.resolve(term)
        guard value.hasSize(atMost: Self.maximumTerm) else {
            throw Untranslatable(line: scope.line, what: "the size of '\(name)' once written out")
        }
        try requireKnown(value, scope)
        scope.bind(name, to: value)
        if rest.contains(where: { $0.needs(name) }) { return nil }
        let found = try operand(value, scope)
        if found == .undefined { return .constant(false) }
        if case .field(let path) = found, let presence = path.unusualPresence { return presence }
        return found.mayBeAbsent ? .defined(found) : nil
    }

    /// What translates the rule in the place where it is used.
    func deeper(_ name: String, _ scope: Scope) throws(Untranslatable) -> Translator {
        guard depth < Self.maximumDepth else {
            throw Untranslatable(line: scope.line, what: "the rule '\(name)', which goes too deep")
        }
        return Translator(module, inputs: inputs, sharing: effort, depth: depth + 1)
    }
}
