/// Literals, names, parentheses and aggregates.
extension Parser {
    mutating func primary(negatedAt mark: Int?) throws(CELError) -> Expression {
        let found = token
        switch found.kind {
        case .int(let magnitude): return try integer(magnitude, negatedAt: mark)
        case .double(let value):
            advance()
            return try literal(.double(mark == nil ? value : -value), from: mark ?? found.start)
        case .uint(let value): return try constant(.uint(value))
        case .string(let value): return try constant(.string(value))
        case .bytes(let value): return try constant(.bytes(value))
        case .identifier(let name): return try word(name)
        case .symbol(.dot): return try absoluteName()
        case .symbol(.leftParenthesis):
            advance()
            let inner = try expression()
            try expect(.rightParenthesis)
            return inner
        case .symbol(.leftBracket): return try list()
        case .symbol(.leftBrace): return try map()
        default: throw CELError(.syntax, "an expression is missing before \(found.text)", at: found.start)
        }
    }

    private mutating func integer(_ magnitude: UInt64, negatedAt mark: Int?) throws(CELError) -> Expression {
        let start = token.start
        advance()
        let value = mark == nil ? Int64(exactly: magnitude) : Int64(exactly: -Int128(magnitude))
        guard let value else { throw CELError(.syntax, "the integer does not fit 64 bits", at: start) }
        return try literal(.int(value), from: mark ?? start)
    }

    private mutating func constant(_ value: CELValue) throws(CELError) -> Expression {
        let start = token.start
        advance()
        return try literal(value, from: start)
    }

    private mutating func literal(_ value: CELValue, from start: Int) throws(CELError) -> Expression {
        try make(.literal(value), at: start, from: start, [])
    }

    // MARK: names

    private mutating func word(_ name: String) throws(CELError) -> Expression {
        switch name {
        case "true": return try constant(.bool(true))
        case "false": return try constant(.bool(false))
        case "null": return try constant(.null)
        default: break
        }
        guard !Self.keywords.contains(name), !Self.reserved.contains(name) else {
            throw CELError(.syntax, "'\(name)' is a reserved word", at: token.start)
        }
        let start = token.start
        advance()
        return try nameOrCall(name, from: start)
    }

    private mutating func absoluteName() throws(CELError) -> Expression {
        let start = token.start
        advance()
        guard case .identifier(let name) = token.kind, !Self.keywords.contains(name), !Self.reserved.contains(name)
        else { throw CELError(.syntax, "a name is missing before \(token.text)", at: token.start) }
        advance()
        return try nameOrCall("." + name, from: start)
    }

    private mutating func nameOrCall(_ name: String, from start: Int) throws(CELError) -> Expression {
        guard accept(.leftParenthesis) else { return try make(.identifier(name), at: start, from: start, []) }
        let arguments = try self.arguments(closedBy: .rightParenthesis)
        return try expand(
            MacroCall(
                function: name, target: nil, arguments: arguments, position: start, range: start..<previous.end))
    }

    // MARK: aggregates

    private mutating func list() throws(CELError) -> Expression {
        let start = token.start
        advance()
        var elements: [Expression.Element] = []
        while token.kind != .symbol(.rightBracket) {
            let isOptional = accept(.question)
            elements.append(.init(value: try expression(), isOptional: isOptional))
            guard accept(.comma) else { break }
        }
        try expect(.rightBracket)
        return try make(.list(elements), at: start, from: start, elements.map(\.value))
    }

    private mutating func map() throws(CELError) -> Expression {
        let start = token.start
        advance()
        var entries: [Expression.Entry] = []
        while token.kind != .symbol(.rightBrace) {
            let isOptional = accept(.question)
            let key = try expression()
            try expect(.colon)
            entries.append(.init(key: key, value: try expression(), isOptional: isOptional))
            guard accept(.comma) else { break }
        }
        try expect(.rightBrace)
        return try make(.map(entries), at: start, from: start, entries.flatMap { [$0.key, $0.value] })
    }

    mutating func message(named name: String, from start: Int) throws(CELError) -> Expression {
        let position = token.start
        advance()
        var fields: [Expression.Field] = []
        while token.kind != .symbol(.rightBrace) {
            let isOptional = accept(.question)
            let mark = token.start
            let name: String
            switch token.kind {
            case .identifier(let text) where !Self.keywords.contains(text): name = text
            case .quotedIdentifier(let text): name = text
            default: throw CELError(.syntax, "a field name is missing before \(token.text)", at: mark)
            }
            advance()
            try expect(.colon)
            fields.append(.init(name: name, value: try expression(), isOptional: isOptional, position: mark))
            guard accept(.comma) else { break }
        }
        try expect(.rightBrace)
        return try make(.message(name, fields), at: position, from: start, fields.map(\.value))
    }
}
