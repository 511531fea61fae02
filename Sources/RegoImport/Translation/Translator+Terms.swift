import RATS

extension Translator {
    func generator(in term: RegoTerm, _ scope: Scope) throws(Untranslatable) -> Generator? {
        let element = Generator(in: term) { !scope.isBound($0) && !isGlobal($0) }
        guard element?.isAmbiguous != true else {
            throw Untranslatable(line: scope.line, what: "two '_' for the same list")
        }
        return element
    }

    // MARK: - Conditions

    /// The condition that a term is neither undefined nor false.
    func condition(_ term: RegoTerm, _ scope: Scope) throws(Untranslatable) -> Condition {
        let resolved = scope.resolve(term)
        if let element = try generator(in: resolved, scope) {
            guard element.name == "_" else {
                throw Untranslatable(line: scope.line, what: "'\(element.name)', which has no value there")
            }
            return try walk(element, scope) { inner, member throws(Untranslatable) in
                try condition(element.replaced(by: member), inner)
            }
        }
        try requireKnown(resolved, scope)
        switch resolved {
        case .bool(let value): return .constant(value)
        case .null, .number, .string: return .constant(true)
        case .binary(let sign, let left, let right):
            guard ["==", "!=", "<", "<=", ">", ">=", "in"].contains(sign) else { break }
            return try relation(sign, left, right, scope)
        case .call(let name, let arguments): return try call(name, arguments, scope)
        case .path(let root, let steps):
            if let rule = ruleName(root, steps) { return try self.rule(rule, [], scope) }
            return truth(of: try operand(resolved, scope))
        default: break
        }
        throw Untranslatable(line: scope.line, what: "a value that is no condition")
    }

    /// The name of the rule that a path leads to: `name`, or `data.policy.name`.
    private func ruleName(_ root: String, _ steps: [RegoTerm]) -> String? {
        if steps.isEmpty, !module.rules(named: root).isEmpty { return root }
        guard root == "data", steps.count == 2, steps[0] == .string(module.package), case .string(let name) = steps[1],
            !module.rules(named: name).isEmpty
        else { return nil }
        return name
    }

    private func truth(of operand: Operand) -> Condition {
        switch operand {
        case .bool(let value): return .constant(value)
        case .undefined: return .constant(false)
        case .null, .number, .string, .list, .map, .plugin, .resourcePath, .resourceText: return .constant(true)
        case .field(let path):
            if let tee = path.presentTEE { return tee }
            if let presence = path.unusualPresence { return presence }
            // These are always there, and never false.
            if path.steps.isEmpty, path.presence == nil, !path.root.isLocal { return .constant(true) }
            return .truth(operand)
        case .reference, .text, .resourceSegment: return .truth(operand)
        }
    }

    private func relation(
        _ sign: String, _ left: RegoTerm, _ right: RegoTerm, _ scope: Scope
    ) throws(Untranslatable) -> Condition {
        if let condition = try setSize(sign, left, right, scope) { return condition }
        if case .path(let root, let steps) = left, let name = ruleName(root, steps), !isConstant(name) {
            let values = module.rules(named: name).flatMap(\.branches).compactMap(\.value)
            guard sign == "==", right == .bool(true), values.allSatisfy({ [.bool(true), .bool(false)].contains($0) })
            else {
                throw Untranslatable(line: scope.line, what: "a comparison with the computed value '\(name)'")
            }
            return try rule(name, [], scope)
        }
        if sign == "in" { return try membership(left, right, scope) }
        var (first, second) = (try value(left, scope), try value(right, scope))
        guard first != .undefined, second != .undefined else { return .constant(false) }
        // A token without an issuer has an empty one here, which is different from any other.
        if sign != "==", [first, second].contains(.field(CELPath(root: "attestation.issuer"))) {
            throw Untranslatable(line: scope.line, what: "a comparison of the issuer by '\(sign)'")
        }
        // Older policies take the path for one text.
        if sign == "==" || sign == "!=" {
            if case .string = second, first == .resourcePath { first = .resourceText }
            if case .string = first, second == .resourcePath { second = .resourceText }
        }
        guard first.isLiteral, second.isLiteral else { return .relation(sign, first, second) }
        guard sign == "==" || sign == "!=", first.isWord, second.isWord else {
            throw Untranslatable(line: scope.line, what: "a comparison of values that are written out")
        }
        return .constant((first.text == second.text) == (sign == "=="))
    }

    /// `in` asks for the values of an object in Rego, and for the keys of a map in CEL; a walk over both is about values.
    private func membership(
        _ left: RegoTerm, _ right: RegoTerm, _ scope: Scope
    ) throws(Untranslatable) -> Condition {
        let (element, domain) = (try value(left, scope), try collection(right, scope).elements)
        guard element != .undefined, domain != .undefined else { return .constant(false) }
        switch domain {
        case .list, .resourcePath, .reference: return .relation("in", element, domain)
        case .field(let path) where path.presentTEE == nil && (!path.steps.isEmpty || path.root.isLocal): break
        case .text: break
        default: throw Untranslatable(line: scope.line, what: "'in' over what is no list")
        }
        var inner = scope
        let (index, item) = (inner.newMacroVariable("i"), inner.newMacroVariable("item"))
        return .test("\(domain.text).exists(\(index), \(item), \(item) == \(element.text))", [domain, element])
    }

    /// `count(violations) == 0` for a set that rules build: whether any of them adds something.
    private func setSize(
        _ sign: String, _ left: RegoTerm, _ right: RegoTerm, _ scope: Scope
    ) throws(Untranslatable) -> Condition? {
        guard case .call("count", let arguments) = left, case .path(let root, let steps)? = arguments.first,
            let name = ruleName(root, steps), module.rules(named: name).contains(where: \.isPartial)
        else { return nil }
        var bodies: [Condition] = []
        let inner = try deeper(name, scope)
        for rule in module.rules(named: name) {
            // A member without a value is none.
            guard rule.addsSomething else {
                throw Untranslatable(line: rule.line, what: "the set '\(name)', which has computed members")
            }
            for branch in rule.branches {
                bodies.append(try inner.condition(of: branch.body[...], in: scope.inner()))
            }
        }
        switch (sign, right) {
        case ("==", .number("0")), ("<", .number("1")): return .negation(of: .any(bodies))
        case (">", .number("0")), ("!=", .number("0")), (">=", .number("1")): return .any(bodies)
        default: throw Untranslatable(line: scope.line, what: "the size of the set '\(name)'")
        }
    }

    private func call(_ name: String, _ arguments: [RegoTerm], _ scope: Scope) throws(Untranslatable) -> Condition {
        if !module.rules(named: name).isEmpty { return try rule(name, arguments, scope) }
        func two(_ text: (String, String) -> String) throws(Untranslatable) -> Condition {
            guard arguments.count == 2 else { throw Untranslatable(line: scope.line, what: "the function \(name)") }
            let operands = try values(arguments, scope)
            guard !operands.contains(.undefined) else { return .constant(false) }
            let texts = operands.map { $0 == .resourcePath ? Operand.resourceText.text : $0.text }
            return .test(text(texts[0], texts[1]), operands)
        }
        switch name {
        case "startswith": return try two { "\($0).startsWith(\($1))" }
        case "endswith": return try two { "\($0).endsWith(\($1))" }
        case "contains": return try two { "\($0).contains(\($1))" }
        case "regex.match", "re_match": return try two { "\($1).matches(\($0))" }
        case "glob.match": return try glob(arguments, scope)
        case "print": return .constant(true)
        case "trace" where arguments.allSatisfy(\.isWrittenOut): return .constant(true)
        default: return truth(of: try operand(.call(name, arguments), scope))
        }
    }

    private func glob(_ arguments: [RegoTerm], _ scope: Scope) throws(Untranslatable) -> Condition {
        guard arguments.count == 3, case .string(let pattern) = arguments[0], arguments[1] == .list([.string("/")])
        else {
            throw Untranslatable(line: scope.line, what: "glob.match without a plain pattern over '/'")
        }
        guard let glob = GlobPattern(pattern) else {
            throw Untranslatable(line: scope.line, what: "the glob pattern '\(pattern)'")
        }
        var text = try value(arguments[2], scope)
        if text == .resourcePath { text = .resourceText }
        return text == .undefined ? .constant(false) : .relation("glob", text, .string(glob.text))
    }

    // MARK: - Values

    func operand(_ term: RegoTerm, _ scope: Scope) throws(Untranslatable) -> Operand {
        switch scope.resolve(term) {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .number(let text): return .number(text)
        case .string(let text): return .string(text)
        case .list(let items):
            let values = try values(items, scope)
            return values.contains(.undefined) ? .undefined : .list(values)
        case .set: throw Untranslatable(line: scope.line, what: "a set that is not only looked into")
        case .object(let members):
            let values = try values(members.flatMap { [$0.key, $0.value] }, scope)
            guard !values.contains(.undefined) else { return .undefined }
            return .map(members.indices.map { OperandMember(key: values[2 * $0], value: values[2 * $0 + 1]) })
        case .path(let root, let steps): return try path(root, steps, scope)
        case .member: throw Untranslatable(line: scope.line, what: "a part of a computed value")
        case .call(let name, let arguments): return try result(of: name, arguments, scope)
        case .binary(let sign, let left, let right) where ["+", "-", "*"].contains(sign):
            let values = try values([left, right], scope)
            // Without a number it may be about texts or sets, for which the signs mean different things.
            guard values.contains(where: \.isNumber) else {
                throw Untranslatable(line: scope.line, what: "'\(sign)' without a number")
            }
            return values.contains(.undefined) ? .undefined : .text("(\(values[0].text) \(sign) \(values[1].text))")
        case .binary(let sign, _, _): throw Untranslatable(line: scope.line, what: "'\(sign)' as a value")
        case .unsupported(let what): throw Untranslatable(line: scope.line, what: what)
        }
    }

    /// A value that something is done with, other than to ask whether it is there.
    private func value(_ term: RegoTerm, _ scope: Scope) throws(Untranslatable) -> Operand {
        let found = try operand(term, scope)
        guard !found.isSubmodule, !found.isVector else {
            throw Untranslatable(line: scope.line, what: "a submodule or trust vector as a whole")
        }
        return found
    }

    private func values(_ terms: [RegoTerm], _ scope: Scope) throws(Untranslatable) -> [Operand] {
        var result: [Operand] = []
        for term in terms { result.append(try value(term, scope)) }
        return result
    }

    /// What is walked over or searched. Only here a set is as good as a list, since nothing asks for its order.
    func collection(_ term: RegoTerm, _ scope: Scope) throws(Untranslatable) -> (elements: Operand, isSet: Bool) {
        let resolved = scope.resolve(term)
        switch resolved {
        case .set(let items):
            let values = try values(items, scope)
            return (values.contains(.undefined) ? .undefined : .list(values), true)
        case .path(let name, []):
            if case .set? = constant(name), let set = constant(name) { return try collection(set, scope.inner()) }
        default: break
        }
        let found = try operand(resolved, scope)
        return (found.isVector ? found : try value(resolved, scope), false)
    }

    private func path(_ root: String, _ steps: [RegoTerm], _ scope: Scope) throws(Untranslatable) -> Operand {
        if let name = ruleName(root, steps) ?? (module.rules(named: root).isEmpty ? nil : root) {
            guard let constant = constant(name) else {
                throw Untranslatable(line: scope.line, what: "the computed value '\(name)'")
            }
            var inner = scope.inner()
            inner.bind("%value", to: constant)
            return try operand(inner.resolve(.path("%value", root == "data" ? [] : steps)), inner)
        }
        var parts: [CELPath.Step] = []
        for step in steps { parts.append(try self.step(step, scope)) }
        if root.hasPrefix("%") { return .field(CELPath(root: String(root.dropFirst()), steps: parts)) }
        if let found = inputs.operand(root, parts) { return found }
        let name = ([root] + steps.compactMap(\.word)).joined(separator: ".")
        throw Untranslatable(line: scope.line, what: "'\(name)', which is not known here")
    }

    private func step(_ term: RegoTerm, _ scope: Scope) throws(Untranslatable) -> CELPath.Step {
        switch term {
        case .string(let name): return .name(name)
        case .number(let text):
            guard let index = Int(text), index >= 0 else {
                throw Untranslatable(line: scope.line, what: "the index \(text)")
            }
            return .element(text)
        default: return .element(try value(term, scope).text)
        }
    }

    /// The value of a rule that has no conditions.
    private func constant(_ name: String) -> RegoTerm? {
        let rules = module.rules(named: name)
        guard rules.count == 1, let rule = rules.first, rule.parameters == nil, !rule.isPartial, !rule.isDefault,
            rule.branches.count == 1, let branch = rule.branches.first, branch.body.isEmpty
        else { return nil }
        return branch.value
    }

    private func isConstant(_ name: String) -> Bool { constant(name) != nil }

    private func result(of name: String, _ arguments: [RegoTerm], _ scope: Scope) throws(Untranslatable) -> Operand {
        let unknown = Untranslatable(line: scope.line, what: "the function \(name)")
        if name == "query_reference_value" {
            guard case .string(let id)? = arguments.first, arguments.count == 1, !id.isEmpty,
                !id.contains(where: { "'\\\n".contains($0) })
            else { throw Untranslatable(line: scope.line, what: "a reference value whose name is not written out") }
            return .reference(id)
        }
        guard module.rules(named: name).isEmpty else { throw unknown }
        let values = try values(arguments, scope)
        guard !values.contains(.undefined) else { return .undefined }
        switch (name, values.count) {
        case ("count", 1): return .text("size(\(values[0].text))")
        case ("split", 2):
            return values == [.resourcePath, .string("/")]
                ? .resourcePath : .text("\(values[0].text).split(\(values[1].text))")
        case ("concat", 2):
            return values == [.string("/"), .resourcePath]
                ? .resourceText : .text("\(values[1].text).join(\(values[0].text))")
        case ("object.get", 3):
            // What stands beside the claims has other names here than in the token.
            guard case .field(let object) = values[0], case .string = values[1], values[0].hasOwnMembers else {
                throw unknown
            }
            return .text("\(object.text)[?\(values[1].text)].orValue(\(values[2].text))")
        default: throw unknown
        }
    }
}

extension RegoTerm {
    fileprivate var word: String? {
        if case .string(let text) = self { return text }
        return nil
    }
}

extension RegoRule {
    /// Whether what it adds to a set is there whenever a body holds; a member without a value is none.
    fileprivate var addsSomething: Bool {
        guard case .path(let name, [])? = member else { return member?.isScalar == true }
        return branches.allSatisfy { branch in
            branch.body.contains { literal in
                guard case .assign(.path(name, []), let value, _) = literal.form else { return false }
                return value.isScalar
            }
        }
    }
}

extension Operand {
    /// Whether it is a literal that is equal to another one when both are written the same.
    fileprivate var isWord: Bool {
        switch self {
        case .null, .bool, .string: true
        default: false
        }
    }

    fileprivate var isNumber: Bool {
        if case .number = self { return true }
        return false
    }

    /// Whether it is an object whose members are called the same in Rego.
    fileprivate var hasOwnMembers: Bool {
        guard case .field(let path) = self, path.presentTEE == nil else { return false }
        return path.root == "request.query" || path.root.isLocal || !path.steps.isEmpty
    }
}

extension String {
    /// Whether it is a variable of a macro, whose value may be anything.
    fileprivate var isLocal: Bool {
        !["submods", "status", "trust", "claims"].contains(self) && !contains(where: { ".[".contains($0) })
    }
}

extension CELPath {
    /// The condition that something is there which is always there here, though not in every token.
    var unusualPresence: Condition? {
        guard steps.isEmpty else { return nil }
        if root == "attestation.issuer" { return .test("attestation.issuer != ''", []) }
        if isVector { return .test("size(\(text)) > 0", []) }
        return root.hasPrefix("submods.") || root.hasPrefix("submods[") ? .truth(.field(self)) : nil
    }

    /// For a TEE's claims as a whole: that the attester is of this kind.
    var presentTEE: Condition? {
        guard root == "claims" || root.hasSuffix("].claims"), steps.count == 1, case .name(let name)? = steps.first,
            let tee = TEE(rawValue: name)
        else { return nil }
        let kind = CELPath(root: String(root.dropLast("claims".count)) + "tee")
        return .relation("==", .field(kind), .string(tee.rawValue))
    }
}
