/// Splits the source into tokens; white space and comments are dropped.
struct Lexer {
    private let source: SourceText
    private var position = 0
    private var scalars: [Unicode.Scalar] { source.scalars }

    static func tokens(of source: SourceText) throws(CELError) -> [Token] {
        var lexer = Lexer(source: source)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private init(source: SourceText) { self.source = source }

    private mutating func next() throws(CELError) -> Token {
        skipBlanks()
        let start = position
        guard let scalar = peek() else { return Token(kind: .end, start: start, end: start) }
        let kind: Token.Kind
        if let literal = try quotedLiteral() {
            kind = literal
        } else if Self.isDigit(scalar) || (scalar == "." && peek(1).map(Self.isDigit) == true) {
            kind = try number()
        } else if Self.isIdentifierStart(scalar) {
            kind = .identifier(identifier())
        } else if scalar == "`" {
            kind = .quotedIdentifier(try quotedIdentifier())
        } else {
            kind = .symbol(try symbol())
        }
        return Token(kind: kind, start: start, end: position)
    }

    private mutating func skipBlanks() {
        while let scalar = peek() {
            switch scalar {
            case " ", "\t", "\n", "\u{C}", "\r": position += 1
            case "/" where peek(1) == "/":
                while peek() != nil, peek() != "\n" { position += 1 }
            default: return
            }
        }
    }

    // MARK: names and operators

    private mutating func identifier() -> String {
        let start = position
        while let scalar = peek(), Self.isIdentifierStart(scalar) || Self.isDigit(scalar) { position += 1 }
        return source.text(start..<position)
    }

    private mutating func quotedIdentifier() throws(CELError) -> String {
        let start = position
        position += 1
        while let scalar = peek(), scalar != "`" {
            guard Self.isIdentifierStart(scalar) || Self.isDigit(scalar) || [".", "-", "/", " "].contains(scalar) else {
                throw CELError(.syntax, "a quoted field name holds letters, digits, _ . - / and blanks", at: position)
            }
            position += 1
        }
        guard peek() == "`", position > start + 1 else {
            throw CELError(.syntax, "the quoted field name is empty or never closed", at: start)
        }
        position += 1
        return source.text(start + 1..<position - 1)
    }

    /// Longer spellings first, as the cases are declared.
    private static let symbols = Token.Symbol.allCases.map { (Array($0.rawValue.unicodeScalars), $0) }

    private mutating func symbol() throws(CELError) -> Token.Symbol {
        for (spelling, symbol) in Self.symbols
        where peek() == spelling[0] && (spelling.count == 1 || peek(1) == spelling[1]) {
            position += spelling.count
            return symbol
        }
        let found = scalars[position]
        let hint = found == "=" ? "; equality is written ==" : (found == "&" || found == "|" ? "; write it twice" : "")
        let name =
            found.isASCII && found.value > 31 ? "'\(found)'" : "U+" + String(found.value, radix: 16, uppercase: true)
        throw CELError(.syntax, "unexpected character \(name)\(hint)", at: position)
    }

    // MARK: numbers

    private mutating func number() throws(CELError) -> Token.Kind {
        let start = position
        if peek() == "0", peek(1) == "x" || peek(1) == "X" { return try hexadecimal() }
        skipDigits()
        var isDouble = false
        if peek() == ".", peek(1).map(Self.isDigit) == true {
            isDouble = true
            position += 1
            skipDigits()
        }
        if skipExponent() { isDouble = true }
        let text = source.text(start..<position)
        guard !isDouble else {
            guard let value = Double(text), value.isFinite else {
                throw CELError(.syntax, "the number \(text.prefix(40)) is out of range", at: start)
            }
            try endOfNumber(start)
            return .double(value)
        }
        return try integer(UInt64(text), start: start)
    }

    private mutating func hexadecimal() throws(CELError) -> Token.Kind {
        let start = position
        position += 2
        let digits = position
        while let scalar = peek(), scalar.properties.isASCIIHexDigit { position += 1 }
        guard position > digits else { throw CELError(.syntax, "0x needs hexadecimal digits", at: start) }
        return try integer(UInt64(source.text(digits..<position), radix: 16), start: start)
    }

    private mutating func integer(_ value: UInt64?, start: Int) throws(CELError) -> Token.Kind {
        guard let value else { throw CELError(.syntax, "the integer does not fit 64 bits", at: start) }
        let isUnsigned = peek() == "u" || peek() == "U"
        if isUnsigned { position += 1 }
        try endOfNumber(start)
        return isUnsigned ? .uint(value) : .int(value)
    }

    private func endOfNumber(_ start: Int) throws(CELError) {
        if let next = peek(), Self.isIdentifierStart(next) || Self.isDigit(next) {
            throw CELError(.syntax, "the number runs into '\(next)'", at: start)
        }
    }

    private mutating func skipDigits() {
        while let scalar = peek(), Self.isDigit(scalar) { position += 1 }
    }

    private mutating func skipExponent() -> Bool {
        guard peek() == "e" || peek() == "E" else { return false }
        let signed = peek(1) == "+" || peek(1) == "-"
        guard let digit = peek(signed ? 2 : 1), Self.isDigit(digit) else { return false }
        position += signed ? 2 : 1
        skipDigits()
        return true
    }

    // MARK: strings

    /// A string or bytes literal with its prefixes, or nil when no such literal starts here.
    private mutating func quotedLiteral() throws(CELError) -> Token.Kind? {
        var isRaw = false
        var isBytes = false
        var length = 0
        while let scalar = peek(length) {
            if !isRaw, scalar == "r" || scalar == "R" {
                isRaw = true
            } else if !isBytes, scalar == "b" || scalar == "B" {
                isBytes = true
            } else {
                break
            }
            length += 1
        }
        guard let quote = peek(length), quote == "'" || quote == "\"" else { return nil }
        let start = position
        position += length
        let isTriple = peek(1) == quote && peek(2) == quote
        position += isTriple ? 3 : 1
        let body = try literalBody(quote: quote, isTriple: isTriple, isRaw: isRaw, start: start)
        let decoder = LiteralDecoder(scalars: scalars, isBytes: isBytes)
        let octets = isRaw ? decoder.raw(body) : try decoder.decode(body)
        return isBytes ? .bytes(octets) : .string(String(decoding: octets, as: UTF8.self))
    }

    private mutating func literalBody(
        quote: Unicode.Scalar, isTriple: Bool, isRaw: Bool, start: Int
    ) throws(CELError) -> Range<Int> {
        let first = position
        while let scalar = peek() {
            if scalar == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
                let body = first..<position
                position += isTriple ? 3 : 1
                return body
            }
            if !isTriple, scalar == "\n" || scalar == "\r" { break }
            position += !isRaw && scalar == "\\" ? 2 : 1
        }
        throw CELError(.syntax, "the string is never closed", at: start)
    }

    // MARK: cursor

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < scalars.count ? scalars[position + ahead] : nil
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isIdentifierStart(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }
}
