/// Reads Rego, in the form of version 1 and in the older one without `if`.
///
/// What stands in a body and is not understood becomes `unsupported` there; a rule whose head cannot be read fails the
/// whole text, since nobody could say what else depends on it.
struct RegoParser {
    static let maximumDepth = 48
    static let maximumRules = 2_000

    var tokens: [RegoToken]
    var place = 0
    var depth = 0

    static func parse(_ text: String) throws(RegoFault) -> RegoModule {
        var parser = RegoParser(tokens: try RegoLexer.tokens(of: text))
        return try parser.module()
    }

    private mutating func module() throws(RegoFault) -> RegoModule {
        skipNewlines()
        guard accept(name: "package") else { throw fault("A policy begins with 'package policy'.") }
        let package = try dottedName()
        var imports: Set<String> = []
        var rules: [RegoRule] = []
        skipNewlines()
        while current != .end {
            if accept(name: "import") {
                let parts = try dottedName().split(separator: ".")
                if parts.first == "input" || parts.first == "data" {
                    imports.formUnion(parts.suffix(1).map(String.init))
                }
                if accept(name: "as") { throw fault("Imports under another name are not understood.") }
            } else {
                rules.append(try rule())
            }
            guard rules.count <= Self.maximumRules else {
                throw fault("There are more than \(Self.maximumRules) rules.")
            }
            guard current == .newline || current == .end || accept(";") else {
                throw fault("After a rule a new line is expected.")
            }
            skipNewlines()
        }
        return RegoModule(package: package, imports: imports, rules: rules)
    }

    // MARK: - Rules

    private mutating func rule() throws(RegoFault) -> RegoRule {
        let line = line
        let isDefault = accept(name: "default")
        guard let name = acceptName(), !Self.keywords.contains(name) else { throw fault("A rule is expected here.") }
        var parameters: [String]?
        var member: RegoTerm?
        if current == .sign("("), !isSpaced {
            advance()
            parameters = try list(until: ")") { parser throws(RegoFault) in
                guard let parameter = parser.acceptName() else {
                    throw parser.fault("Parameters that are no plain names are not understood.")
                }
                return parameter
            }
        } else if current == .sign("["), !isSpaced {
            advance()
            member = try term()
            try expect("]")
        }
        if accept(name: "contains") {
            member = try term()
        }
        guard current != .sign(".") else { throw fault("Rules with dots in their names are not understood.") }
        let first = try branch()
        var branches = [first]
        while let next = try elseBranch() { branches.append(next) }
        if member != nil, first.value != nil { throw fault("Rules that build an object are not understood.") }
        if isDefault, first.value == nil || branches.count > 1 || !first.body.isEmpty {
            throw fault("A default has a value and no conditions.")
        }
        return RegoRule(
            name: name, line: line, isDefault: isDefault, parameters: parameters, member: member,
            branches: branches)
    }

    /// `:= value if { … }`, each part of which may be missing.
    private mutating func branch() throws(RegoFault) -> RegoRule.Branch {
        var value: RegoTerm?
        if accept(":=") || accept("=") {
            skipNewlines()
            value = try term()
        }
        if accept(name: "if") {
            skipNewlines()
            if current == .sign("{"), !isSetOrObject() { return RegoRule.Branch(value: value, body: try body()) }
            return RegoRule.Branch(value: value, body: [try literal()])
        }
        if current == .sign("{") { return RegoRule.Branch(value: value, body: try body()) }
        return RegoRule.Branch(value: value, body: [])
    }

    private mutating func elseBranch() throws(RegoFault) -> RegoRule.Branch? {
        let start = place
        skipNewlines()
        guard accept(name: "else") else {
            place = start
            return nil
        }
        return try branch()
    }

    /// After `if`, a brace is nearly always a body; `{"a", "b"} == x` is not.
    private func isSetOrObject() -> Bool {
        guard place + 2 < tokens.count, case .string = tokens[place + 1].kind else { return false }
        return tokens[place + 2].kind == .sign(",") || tokens[place + 2].kind == .sign(":")
    }

    // MARK: - Bodies

    mutating func body() throws(RegoFault) -> [RegoLiteral] {
        try expect("{")
        try descend()
        defer { depth -= 1 }
        var literals: [RegoLiteral] = []
        while true {
            while current == .newline || current == .sign(";") { advance() }
            if current == .sign("}"), literals.isEmpty { throw fault("A body without conditions has no meaning.") }
            if accept("}") { return literals }
            guard current != .end else { throw fault("A '}' is missing.") }
            literals.append(try literal())
        }
    }

    private mutating func literal() throws(RegoFault) -> RegoLiteral {
        let line = line
        let start = place
        do throws(RegoFault) {
            let form = try literalForm()
            if [.newline, .end, .sign(";"), .sign("}")].contains(current) {
                return RegoLiteral(form: form, line: line)
            }
        } catch {
            guard error.message != Self.tooDeep else { throw error }
        }
        place = start
        return RegoLiteral(form: .unsupported(try skipLiteral()), line: line)
    }

    private mutating func literalForm() throws(RegoFault) -> RegoLiteral.Form {
        if accept(name: "not") { return .not(try relation()) }
        if accept(name: "some") { return try some() }
        if accept(name: "every") {
            let (key, value) = try names()
            let domain = try additive()
            return .every(key: key, value: value, domain, try body())
        }
        let left = try relation()
        if accept(":=") {
            skipNewlines()
            return .assign(left, try relation(), isUnification: false)
        }
        if accept("=") {
            skipNewlines()
            return .assign(left, try relation(), isUnification: true)
        }
        return .term(left)
    }

    private mutating func some() throws(RegoFault) -> RegoLiteral.Form {
        let start = place
        var declared: [String] = []
        repeat {
            guard let name = acceptName() else { throw fault("A name is expected after 'some'.") }
            declared.append(name)
        } while accept(",")
        guard current == .name("in") else { return .declare(declared) }
        place = start
        let (key, value) = try names()
        return .some(key: key, value: value, try additive())
    }

    /// `x in` or `k, x in`.
    private mutating func names() throws(RegoFault) -> (key: String?, value: String) {
        guard let first = acceptName() else { throw fault("A name is expected here.") }
        var second: String?
        if accept(",") { second = acceptName() }
        guard accept(name: "in") else { throw fault("'in' is expected here.") }
        return second.map { (first, $0) } ?? (nil, first)
    }

    /// Passes the rest of a literal that is not understood, and returns its text.
    private mutating func skipLiteral() throws(RegoFault) -> String {
        var open = 0
        var words: [String] = []
        while current != .end {
            if open == 0, [.newline, .sign(";"), .sign("}")].contains(current) { break }
            if case .sign(let sign) = current {
                if "([{".contains(sign) { open += 1 }
                if ")]}".contains(sign) { open -= 1 }
            }
            words.append(current.text)
            advance()
        }
        guard open <= 0 else { throw fault("A bracket is not closed.") }
        return words.prefix(40).joined(separator: " ")
    }
}

extension RegoToken.Kind {
    var text: String {
        switch self {
        case .name(let text), .number(let text), .sign(let text): text
        case .string(let text): "\"\(text)\""
        case .newline, .end: ""
        }
    }
}
