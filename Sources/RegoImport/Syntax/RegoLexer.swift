/// Cuts a Rego text into tokens. Comments are left out.
struct RegoLexer {
    static let maximumBytes = 262_144

    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var line = 1

    static func tokens(of text: String) throws(RegoFault) -> [RegoToken] {
        guard text.utf8.count <= maximumBytes else {
            throw RegoFault(line: 1, message: "The text is longer than \(maximumBytes) bytes.")
        }
        var lexer = RegoLexer(scalars: Array(text.unicodeScalars))
        return try lexer.run()
    }

    private init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    private var current: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    private mutating func run() throws(RegoFault) -> [RegoToken] {
        var tokens: [RegoToken] = []
        var isSpaced = true
        while let scalar = current {
            let start = line
            switch scalar {
            case "\n":
                place += 1
                line += 1
                if tokens.last?.kind != .newline {
                    tokens.append(RegoToken(kind: .newline, line: start, isSpaced: false))
                }
                isSpaced = true
                continue
            case " ", "\t", "\r":
                place += 1
                isSpaced = true
                continue
            case "#":
                while let next = current, next != "\n" { place += 1 }
                continue
            default: break
            }
            tokens.append(RegoToken(kind: try token(scalar), line: start, isSpaced: isSpaced))
            isSpaced = false
        }
        tokens.append(RegoToken(kind: .end, line: line, isSpaced: true))
        return tokens
    }

    private mutating func token(_ scalar: Unicode.Scalar) throws(RegoFault) -> RegoToken.Kind {
        if scalar == "\"" { return .string(try quoted()) }
        if scalar == "`" { return .string(try raw()) }
        if Self.isDigit(scalar) {
            return .number(text(while: { Self.isDigit($0) || ".eE".unicodeScalars.contains($0) }))
        }
        if Self.isNameStart(scalar) { return .name(text(while: { Self.isNameStart($0) || Self.isDigit($0) })) }
        for sign in [":=", "==", "!=", "<=", ">="] where scalars[place...].starts(with: sign.unicodeScalars) {
            place += 2
            return .sign(sign)
        }
        guard "{}[]()<>=,;:.|&+-*/%".unicodeScalars.contains(scalar) else {
            throw RegoFault(line: line, message: "The character '\(scalar)' has no meaning in Rego.")
        }
        place += 1
        return .sign(String(scalar))
    }

    private mutating func text(while condition: (Unicode.Scalar) -> Bool) -> String {
        let start = place
        while let next = current, condition(next) { place += 1 }
        return String(String.UnicodeScalarView(scalars[start..<place]))
    }

    private mutating func raw() throws(RegoFault) -> String {
        let start = line
        place += 1
        let begin = place
        while let next = current, next != "`" {
            if next == "\n" { line += 1 }
            place += 1
        }
        guard current == "`" else { throw RegoFault(line: start, message: "A raw string does not end.") }
        defer { place += 1 }
        return String(String.UnicodeScalarView(scalars[begin..<place]))
    }

    private mutating func quoted() throws(RegoFault) -> String {
        place += 1
        var result = String.UnicodeScalarView()
        while let next = current, next != "\n" {
            place += 1
            if next == "\"" { return String(result) }
            result.append(next == "\\" ? try escape() : next)
        }
        throw RegoFault(line: line, message: "A string does not end.")
    }

    private mutating func escape() throws(RegoFault) -> Unicode.Scalar {
        let simple: [Unicode.Scalar: Unicode.Scalar] = [
            "\"": "\"", "\\": "\\", "/": "/", "n": "\n", "t": "\t", "r": "\r", "b": "\u{8}", "f": "\u{C}",
        ]
        let fault = RegoFault(line: line, message: "A string has an escape that is not known.")
        guard let next = current else { throw fault }
        place += 1
        if let scalar = simple[next] { return scalar }
        guard next == "u", place + 4 <= scalars.count else { throw fault }
        let digits = String(String.UnicodeScalarView(scalars[place..<(place + 4)]))
        guard let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else { throw fault }
        place += 4
        return scalar
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
    }
}
