/// Reads tokens into an expression by precedence (language definition, section Syntax).
struct Parser {
    let limits: CELLimits
    let macros: MacroSet
    private let tokens: [Token]
    private var cursor = 0
    private var nesting = 0
    private var count = 0

    static func parse(_ source: SourceText, limits: CELLimits, macros: MacroSet) throws(CELError) -> Expression {
        guard source.scalars.count <= limits.maximumSourceLength else {
            throw CELError(
                .tooLarge, "the expression is longer than \(limits.maximumSourceLength) characters", at: 0)
        }
        var parser = Parser(limits: limits, macros: macros, tokens: try Lexer.tokens(of: source))
        let expression = try parser.expression()
        guard parser.token.kind == .end else {
            throw CELError(.syntax, "unexpected \(parser.token.text)", at: parser.token.start)
        }
        return expression
    }

    private init(limits: CELLimits, macros: MacroSet, tokens: [Token]) {
        self.limits = limits
        self.macros = macros
        self.tokens = tokens
    }

    // MARK: operators

    mutating func expression() throws(CELError) -> Expression {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= limits.maximumDepth else { throw tooDeep(at: token.start) }
        let start = token.start
        let condition = try disjunction()
        guard accept(.question) else { return condition }
        let mark = previous.start
        let whenTrue = try disjunction()
        try expect(.colon)
        let whenFalse = try expression()
        return try make(
            .conditional(condition, whenTrue, whenFalse), at: mark, from: start, [condition, whenTrue, whenFalse])
    }

    private mutating func disjunction() throws(CELError) -> Expression {
        let start = token.start
        var operands = [try conjunction()]
        while accept(.or) { operands.append(try conjunction()) }
        return operands.count == 1 ? operands[0] : try make(.or(operands), at: start, from: start, operands)
    }

    private mutating func conjunction() throws(CELError) -> Expression {
        let start = token.start
        var operands = [try binary(minimumPrecedence: 1)]
        while accept(.and) { operands.append(try binary(minimumPrecedence: 1)) }
        return operands.count == 1 ? operands[0] : try make(.and(operands), at: start, from: start, operands)
    }

    private mutating func binary(minimumPrecedence: Int) throws(CELError) -> Expression {
        let start = token.start
        var left = try unary()
        while let (symbol, precedence) = binaryOperator(), precedence >= minimumPrecedence {
            let mark = token.start
            advance()
            let right = try binary(minimumPrecedence: precedence + 1)
            left = try make(.binary(symbol, left, right), at: mark, from: start, [left, right])
        }
        return left
    }

    private func binaryOperator() -> (BinaryOperator, precedence: Int)? {
        if case .identifier("in") = token.kind { return (.contained, 1) }
        guard case .symbol(let symbol) = token.kind, let binary = BinaryOperator(rawValue: symbol.rawValue) else {
            return nil
        }
        switch binary {
        case .multiply, .divide, .modulo: return (binary, 3)
        case .add, .subtract: return (binary, 2)
        default: return (binary, 1)
        }
    }

    private mutating func unary() throws(CELError) -> Expression {
        guard token.kind == .symbol(.not) || token.kind == .symbol(.minus) else { return try member() }
        let isNot = token.kind == .symbol(.not)
        var marks: [Int] = []
        while accept(isNot ? .not : .minus) { marks.append(previous.start) }
        var operand = try member(negatedAt: isNot ? nil : marks.last)
        if !isNot, case .literal(let value) = operand.form, operand.range.lowerBound == marks.last, value.isNumber {
            marks.removeLast()
        }
        for mark in marks.reversed() {
            operand = try make(isNot ? .not(operand) : .negate(operand), at: mark, from: mark, [operand])
        }
        return operand
    }

    // MARK: members

    /// A primary with its selections; a minus before a number literal belongs to the literal.
    private mutating func member(negatedAt mark: Int? = nil) throws(CELError) -> Expression {
        let start = mark ?? token.start
        var operand = try primary(negatedAt: mark)
        while true {
            let position = token.start
            if accept(.dot) {
                operand = try selection(of: operand, at: position, from: start)
            } else if accept(.leftBracket) {
                let isOptional = accept(.question)
                let index = try expression()
                try expect(.rightBracket)
                operand = try make(
                    .index(operand, index, isOptional: isOptional), at: position, from: start, [operand, index])
            } else if token.kind == .symbol(.leftBrace), let name = operand.qualifiedName {
                operand = try message(named: name, from: start)
            } else {
                return operand
            }
        }
    }

    private mutating func selection(
        of operand: Expression, at position: Int, from start: Int
    ) throws(CELError) -> Expression {
        let isOptional = accept(.question)
        let nameToken = token
        let (name, isQuoted) = try fieldName()
        guard !isOptional, !isQuoted, token.kind == .symbol(.leftParenthesis) else {
            return try make(
                .select(operand, field: name, mode: isOptional ? .optional : .value), at: position, from: start,
                [operand])
        }
        advance()
        let arguments = try self.arguments(closedBy: .rightParenthesis)
        let call = MacroCall(
            function: name, target: operand, arguments: arguments, position: nameToken.start,
            range: start..<previous.end)
        return try expand(call)
    }

    private mutating func fieldName() throws(CELError) -> (name: String, isQuoted: Bool) {
        let found = token
        switch found.kind {
        case .identifier(let name) where !Self.keywords.contains(name):
            advance()
            return (name, false)
        case .quotedIdentifier(let name):
            advance()
            return (name, true)
        default: throw CELError(.syntax, "a field name is missing before \(found.text)", at: found.start)
        }
    }

    mutating func arguments(closedBy symbol: Token.Symbol) throws(CELError) -> [Expression] {
        var arguments: [Expression] = []
        if accept(symbol) { return arguments }
        repeat { arguments.append(try expression()) } while accept(.comma)
        try expect(symbol)
        return arguments
    }

    /// A macro in its own form, any other call as it is.
    mutating func expand(_ call: MacroCall) throws(CELError) -> Expression {
        if let (form, children, position) = try macros.expand(call) {
            return try make(form, at: position, from: call.range.lowerBound, children)
        }
        let children = call.arguments + (call.target.map { [$0] } ?? [])
        return try make(
            .call(call.function, target: call.target, call.arguments), at: call.position,
            from: call.range.lowerBound, children)
    }

    // MARK: building

    /// Every form is made here, so that depth and number are bounded whatever way they nest.
    mutating func make(
        _ form: Expression.Form, at position: Int, from start: Int, _ children: [Expression]
    ) throws(CELError) -> Expression {
        count += 1
        guard count <= limits.maximumNodes else {
            throw CELError(.tooLarge, "the expression has more than \(limits.maximumNodes) parts", at: position)
        }
        let depth = 1 + (children.lazy.map(\.depth).max() ?? 0)
        guard depth <= limits.maximumDepth else { throw tooDeep(at: position) }
        return Expression(form, at: position, range: start..<Swift.max(start, previous.end), depth: depth)
    }

    private func tooDeep(at position: Int) -> CELError {
        CELError(.tooDeep, "the expression nests deeper than \(limits.maximumDepth) levels", at: position)
    }

    // MARK: cursor

    static let keywords: Set<String> = ["true", "false", "null", "in"]
    static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]

    var token: Token { tokens[cursor] }
    var previous: Token { tokens[Swift.max(cursor - 1, 0)] }

    mutating func advance() { if cursor < tokens.count - 1 { cursor += 1 } }

    mutating func accept(_ symbol: Token.Symbol) -> Bool {
        guard token.kind == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: Token.Symbol) throws(CELError) {
        guard accept(symbol) else {
            throw CELError(.syntax, "'\(symbol.rawValue)' is missing before \(token.text)", at: token.start)
        }
    }
}

extension CELValue {
    fileprivate var isNumber: Bool {
        switch self {
        case .int, .double: true
        default: false
        }
    }
}

extension Expression {
    /// `a.b.c` as one name, or nil when this is not a chain of plain names.
    var qualifiedName: String? {
        switch form {
        case .identifier(let name): name
        case .select(let operand, let field, .value): operand.qualifiedName.map { "\($0).\(field)" }
        default: nil
        }
    }
}
