/// Reads RE2 syntax into a tree (github.com/google/re2/wiki/Syntax).
struct RegexParser {
    struct Flags {
        var ignoreCase = false
        var multiLine = false
        var dotMatchesNewline = false
        var ungreedy = false
    }

    let limits: RegexLimits
    let scalars: [Unicode.Scalar]
    var position = 0
    var flags = Flags()
    var depth = 0
    private(set) var captureNames: [String?] = [nil]

    init(_ pattern: String, limits: RegexLimits) throws(RegexError) {
        // One byte is at most one code point, so this bounds the copy before it is made.
        guard pattern.utf8.count <= 4 * limits.maximumPatternLength else {
            throw RegexError(.tooLarge, "the pattern is too long", at: 0)
        }
        scalars = Array(pattern.unicodeScalars)
        self.limits = limits
        guard scalars.count <= limits.maximumPatternLength else {
            throw RegexError(.tooLarge, "the pattern is longer than \(limits.maximumPatternLength) characters", at: 0)
        }
    }

    mutating func parse() throws(RegexError) -> RegexNode {
        let node = try alternation()
        guard position == scalars.count else {
            throw failure(.unexpectedParenthesis, "this ) closes nothing")
        }
        return node
    }

    // MARK: structure

    private mutating func alternation() throws(RegexError) -> RegexNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.maximumDepth else { throw failure(.tooDeep, "groups are nested too deeply") }
        var branches = [try concatenation()]
        while accept("|") { branches.append(try concatenation()) }
        return branches.count == 1 ? branches[0] : .alternation(branches)
    }

    private mutating func concatenation() throws(RegexError) -> RegexNode {
        var parts: [RegexNode] = []
        while let next = peek(), next != "|", next != ")" {
            if acceptAll("\\Q") {
                parts += quotedLiterals()
                // A repetition after \E binds to the last literal alone.
                if let last = parts.popLast() { parts.append(try repetition(of: last)) }
                continue
            }
            guard let atom = try atom() else { continue }
            parts.append(try repetition(of: atom))
        }
        return parts.count == 1 ? parts[0] : (parts.isEmpty ? .empty : .concatenation(parts))
    }

    private mutating func quotedLiterals() -> [RegexNode] {
        var literals: [RegexNode] = []
        while let scalar = peek(), !acceptAll("\\E") {
            position += 1
            literals.append(literal(scalar))
        }
        return literals
    }

    private mutating func repetition(of operand: RegexNode) throws(RegexError) -> RegexNode {
        guard let bounds = try repetitionOperator() else { return operand }
        var greedy = !flags.ungreedy
        if accept("?") { greedy.toggle() }
        let start = position
        if try repetitionOperator() != nil {
            position = start
            throw failure(.invalidRepetition, "a repetition cannot follow a repetition")
        }
        return .repetition(operand, minimum: bounds.minimum, maximum: bounds.maximum, greedy: greedy)
    }

    private mutating func repetitionOperator() throws(RegexError) -> (minimum: Int, maximum: Int?)? {
        if accept("*") { return (0, nil) }
        if accept("+") { return (1, nil) }
        if accept("?") { return (0, 1) }
        return try boundedRepetition()
    }

    /// `{n}`, `{n,}` or `{n,m}`; anything else that starts with a brace is a literal, as in RE2.
    private mutating func boundedRepetition() throws(RegexError) -> (minimum: Int, maximum: Int?)? {
        let start = position
        guard accept("{"), let minimum = number() else {
            position = start
            return nil
        }
        var maximum: Int? = minimum
        if accept(",") { maximum = peek() == "}" ? nil : number() ?? -1 }
        guard accept("}"), maximum != -1 else {
            position = start
            return nil
        }
        guard minimum <= limits.maximumRepetition, maximum ?? 0 <= limits.maximumRepetition,
            minimum <= maximum ?? minimum
        else {
            position = start
            throw failure(.invalidRepetition, "repetition bounds are out of order or above \(limits.maximumRepetition)")
        }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = peek(), ("0"..."9").contains(scalar) {
            position += 1
            value = min((value ?? 0) * 10 + Int(scalar.value - 48), 1_000_000)
        }
        return value
    }

    // MARK: atoms

    /// One atom, or nil for a flag group, which matches nothing itself.
    private mutating func atom() throws(RegexError) -> RegexNode? {
        guard let scalar = peek() else { return nil }
        switch scalar {
        case "(": return try group()
        case "[": return .characters(try bracketClass())
        case ".":
            position += 1
            return .characters(flags.dotMatchesNewline ? .all : .allButNewline)
        case "^":
            position += 1
            return .assertion(flags.multiLine ? .beginLine : .beginText)
        case "$":
            position += 1
            return .assertion(flags.multiLine ? .endLine : .endText)
        case "\\": return try escape()
        case "*", "+", "?": throw failure(.missingOperand, "there is nothing to repeat before \(scalar)")
        default:
            if try boundedRepetition() != nil {
                throw failure(.missingOperand, "there is nothing to repeat before this bound")
            }
            position += 1
            return literal(scalar)
        }
    }

    private mutating func group() throws(RegexError) -> RegexNode? {
        let start = position
        position += 1
        let outer = flags
        var index: Int?
        if accept("?") {
            if acceptAll("P<") || (peek() == "<" && !["=", "!"].contains(peek(ahead: 1)) && accept("<")) {
                index = try namedCapture()
            } else if try flagGroup() {
                return nil
            }
        } else {
            index = try capture(named: nil)
        }
        let body = try alternation()
        flags = outer
        guard accept(")") else { throw RegexError(.missingParenthesis, "this group is never closed", at: start) }
        return index.map { .capture(body, index: $0) } ?? body
    }

    private mutating func namedCapture() throws(RegexError) -> Int {
        var name = ""
        while let scalar = peek(), scalar != ">" {
            guard scalar.value < 128, ScalarSet.word.contains(scalar.value) else {
                throw failure(.invalidName, "a group name holds letters, digits and _")
            }
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard accept(">"), !name.isEmpty, !captureNames.contains(name) else {
            throw failure(.invalidName, "a group name must be closed by >, not empty, and used once")
        }
        return try capture(named: name)
    }

    private mutating func capture(named name: String?) throws(RegexError) -> Int {
        guard captureNames.count <= limits.maximumCaptures else {
            throw failure(.tooLarge, "there are more than \(limits.maximumCaptures) capturing groups")
        }
        captureNames.append(name)
        return captureNames.count - 1
    }

    /// Reads `flags)` (true) or `flags:` (false).
    private mutating func flagGroup() throws(RegexError) -> Bool {
        var negative = false
        while let scalar = peek() {
            position += 1
            switch scalar {
            case ")": return true
            case ":": return false
            case "-" where !negative: negative = true
            case "i": flags.ignoreCase = !negative
            case "m": flags.multiLine = !negative
            case "s": flags.dotMatchesNewline = !negative
            case "U": flags.ungreedy = !negative
            case "=", "!", "<", ">":
                position -= 1
                throw failure(.unsupported, "look-around and atomic groups cannot run in linear time")
            default:
                position -= 1
                throw failure(.invalidFlag, "(?\(scalar) is not a known group")
            }
        }
        throw failure(.invalidGroup, "the pattern ends inside a group's flags")
    }

    func literal(_ scalar: Unicode.Scalar) -> RegexNode {
        let set = ScalarSet([scalar.value...scalar.value])
        return .characters(flags.ignoreCase ? set.caseFolded : set)
    }

    // MARK: cursor

    func peek(ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < scalars.count ? scalars[position + ahead] : nil
    }

    mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        position += 1
        return true
    }

    mutating func acceptAll(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars.count - position >= wanted.count, Array(scalars[position..<position + wanted.count]) == wanted
        else { return false }
        position += wanted.count
        return true
    }

    func failure(_ kind: RegexError.Code, _ message: String) -> RegexError {
        RegexError(kind, message, at: position)
    }
}
