extension RegoParser {
    static let keywords: Set<String> = [
        "as", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package", "some", "true",
        "with",
    ]
    static let tooDeep = "The text is nested too deep."

    // MARK: - Operators, from the loosest to the tightest

    mutating func term() throws(RegoFault) -> RegoTerm { try relation() }

    mutating func relation() throws(RegoFault) -> RegoTerm {
        let left = try additive()
        for sign in ["==", "!=", "<=", ">=", "<", ">"] where accept(sign) {
            skipNewlines()
            return .binary(sign, left, try additive())
        }
        if accept(name: "in") {
            skipNewlines()
            return .binary("in", left, try additive())
        }
        return left
    }

    mutating func additive() throws(RegoFault) -> RegoTerm {
        var left = try factor()
        while true {
            if accept("+") {
                left = .binary("+", left, try factor())
            } else if accept("-") {
                left = .binary("-", left, try factor())
            } else {
                return left
            }
        }
    }

    private mutating func factor() throws(RegoFault) -> RegoTerm {
        var left = try primary()
        while let sign = ["*", "/", "%"].first(where: { current == .sign($0) }) {
            advance()
            left = .binary(sign, left, try primary())
        }
        return left
    }

    // MARK: - Values

    private mutating func primary() throws(RegoFault) -> RegoTerm {
        try descend()
        defer { depth -= 1 }
        let kind = current
        switch kind {
        case .string(let text):
            advance()
            return .string(text)
        case .number(let text):
            advance()
            return .number(text)
        case .sign("-"):
            advance()
            guard case .number(let text) = current else { throw fault("A number is expected after '-'.") }
            advance()
            return .number("-" + text)
        case .sign("("):
            advance()
            skipNewlines()
            let inner = try term()
            skipNewlines()
            try expect(")")
            return inner
        case .sign("["): return try listTerm()
        case .sign("{"): return try braceTerm()
        case .name(let name): return try named(name)
        default: throw fault("A value is expected here, not '\(kind.text)'.")
        }
    }

    private mutating func named(_ first: String) throws(RegoFault) -> RegoTerm {
        advance()
        switch first {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default: break
        }
        guard !Self.keywords.contains(first) else { throw fault("'\(first)' cannot stand here.") }
        if first == "set", current == .sign("("), !isSpaced {
            advance()
            try expect(")")
            return .set([])
        }
        var name = first
        var steps: [RegoTerm] = []
        var isPlain = true
        while !isSpaced {
            if current == .sign("."), case .name(let member) = next {
                advance()
                advance()
                steps.append(.string(member))
                name += "." + member
            } else if current == .sign("[") {
                advance()
                skipNewlines()
                steps.append(try term())
                skipNewlines()
                try expect("]")
                isPlain = false
            } else if current == .sign("("), isPlain {
                advance()
                let call = RegoTerm.call(name, try list(until: ")") { parser throws(RegoFault) in try parser.term() })
                let parts = try self.steps()
                return parts.isEmpty ? call : .member(call, parts)
            } else {
                break
            }
        }
        return .path(first, steps)
    }

    /// `.name` and `[term]` behind a value.
    private mutating func steps() throws(RegoFault) -> [RegoTerm] {
        var steps: [RegoTerm] = []
        while !isSpaced {
            if current == .sign("."), case .name(let member) = next {
                advance()
                advance()
                steps.append(.string(member))
            } else if current == .sign("[") {
                advance()
                skipNewlines()
                steps.append(try term())
                skipNewlines()
                try expect("]")
            } else {
                break
            }
        }
        return steps
    }

    private mutating func listTerm() throws(RegoFault) -> RegoTerm {
        try expect("[")
        skipNewlines()
        if accept("]") { return .list([]) }
        let first = try term()
        skipNewlines()
        guard current != .sign("|") else { return try comprehension(closing: "]") }
        return .list([first] + (try rest(until: "]") { parser throws(RegoFault) in try parser.term() }))
    }

    private mutating func braceTerm() throws(RegoFault) -> RegoTerm {
        try expect("{")
        skipNewlines()
        if accept("}") { return .object([]) }
        let first = try term()
        skipNewlines()
        if current == .sign("|") { return try comprehension(closing: "}") }
        guard accept(":") else {
            return .set([first] + (try rest(until: "}") { parser throws(RegoFault) in try parser.term() }))
        }
        skipNewlines()
        let value = try term()
        skipNewlines()
        if current == .sign("|") { return try comprehension(closing: "}") }
        let others = try rest(until: "}") { parser throws(RegoFault) in try parser.member() }
        return .object([RegoMember(key: first, value: value)] + others)
    }

    private mutating func member() throws(RegoFault) -> RegoMember {
        let key = try term()
        skipNewlines()
        try expect(":")
        skipNewlines()
        return RegoMember(key: key, value: try term())
    }

    /// Comprehensions are passed over as a whole.
    private mutating func comprehension(closing: String) throws(RegoFault) -> RegoTerm {
        var open = 0
        while current != .end {
            if open == 0, accept(closing) { return .unsupported("a comprehension") }
            if case .sign(let sign) = current {
                if "([{".contains(sign) { open += 1 }
                if ")]}".contains(sign) { open -= 1 }
            }
            advance()
        }
        throw fault("A '\(closing)' is missing.")
    }

    // MARK: - Lists

    mutating func list<Item>(
        until closing: String, _ item: (inout RegoParser) throws(RegoFault) -> Item
    ) throws(RegoFault) -> [Item] {
        skipNewlines()
        if accept(closing) { return [] }
        let first = try item(&self)
        skipNewlines()
        return [first] + (try rest(until: closing, item))
    }

    private mutating func rest<Item>(
        until closing: String, _ item: (inout RegoParser) throws(RegoFault) -> Item
    ) throws(RegoFault) -> [Item] {
        var items: [Item] = []
        while !accept(closing) {
            guard accept(",") else { throw fault("A ',' or '\(closing)' is expected, not '\(current.text)'.") }
            skipNewlines()
            if accept(closing) { break }
            items.append(try item(&self))
            skipNewlines()
        }
        return items
    }

    // MARK: - Tokens

    var current: RegoToken.Kind { tokens[place].kind }
    var next: RegoToken.Kind { place + 1 < tokens.count ? tokens[place + 1].kind : .end }
    var line: Int { tokens[place].line }
    var isSpaced: Bool { tokens[place].isSpaced }

    mutating func advance() {
        if place + 1 < tokens.count { place += 1 }
    }

    mutating func skipNewlines() {
        while current == .newline { advance() }
    }

    mutating func accept(_ sign: String) -> Bool {
        guard current == .sign(sign) else { return false }
        advance()
        return true
    }

    mutating func accept(name: String) -> Bool {
        guard current == .name(name) else { return false }
        advance()
        return true
    }

    mutating func acceptName() -> String? {
        guard case .name(let name) = current else { return nil }
        advance()
        return name
    }

    mutating func expect(_ sign: String) throws(RegoFault) {
        guard accept(sign) else { throw fault("A '\(sign)' is expected, not '\(current.text)'.") }
    }

    mutating func dottedName() throws(RegoFault) -> String {
        guard var name = acceptName() else { throw fault("A name is expected here.") }
        while accept(".") {
            guard let part = acceptName() else { throw fault("A name is expected after '.'.") }
            name += "." + part
        }
        return name
    }

    mutating func descend() throws(RegoFault) {
        depth += 1
        guard depth <= Self.maximumDepth else { throw fault(Self.tooDeep) }
    }

    func fault(_ message: String) -> RegoFault { RegoFault(line: line, message: message) }
}
