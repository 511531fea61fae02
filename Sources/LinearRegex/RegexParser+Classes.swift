/// Escapes and character classes.
extension RegexParser {
    /// An escape outside brackets.
    mutating func escape() throws(RegexError) -> RegexNode {
        switch peek(ahead: 1) {
        case "A": return assertion(.beginText)
        case "z": return assertion(.endText)
        case "b": return assertion(.wordBoundary)
        case "B": return assertion(.notWordBoundary)
        default: break
        }
        if let set = try classEscape() { return .characters(set) }
        return literal(try scalarEscape())
    }

    private mutating func assertion(_ assertion: RegexAssertion) -> RegexNode {
        position += 2
        return .assertion(assertion)
    }

    /// `\d`, `\pL` and their like; nil when the escape stands for one code point.
    private mutating func classEscape() throws(RegexError) -> ScalarSet? {
        guard let letter = peek(ahead: 1) else { return nil }
        let set: ScalarSet
        switch letter {
        case "d", "D": set = .digit
        case "s", "S": set = .space
        case "w", "W": set = .word
        case "p", "P": return try categoryEscape(negated: letter == "P")
        default: return nil
        }
        position += 2
        let isNegated = ("A"..."Z").contains(letter)
        let folded = flags.ignoreCase ? set.caseFolded : set
        return isNegated ? folded.negated : folded
    }

    private mutating func categoryEscape(negated: Bool) throws(RegexError) -> ScalarSet {
        let start = position
        position += 2
        var isNegated = negated
        var name = ""
        if accept("{") {
            if accept("^") { isNegated.toggle() }
            while let scalar = peek(), scalar != "}", name.utf8.count < 32 {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            guard accept("}") else { throw RegexError(.invalidClass, "\\p{ is never closed", at: start) }
        } else if let scalar = peek() {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard let mask = GeneralCategoryMask(named: name) else {
            throw RegexError(.invalidClass, "\"\(name)\" is not a Unicode general category", at: start)
        }
        let folded = flags.ignoreCase ? mask.ignoringCase : mask
        return ScalarSet([], categories: isNegated ? folded.complement : folded)
    }

    /// An escape that stands for one code point.
    private mutating func scalarEscape() throws(RegexError) -> Unicode.Scalar {
        let start = position
        position += 1
        guard let scalar = peek() else {
            throw RegexError(.invalidEscape, "the pattern ends in a backslash", at: start)
        }
        position += 1
        switch scalar {
        case "a": return "\u{7}"
        case "f": return "\u{C}"
        case "t": return "\t"
        case "n": return "\n"
        case "r": return "\r"
        case "v": return "\u{B}"
        case "x": return try hexadecimalEscape(start: start)
        case "0"..."7": return try octalEscape(first: scalar, start: start)
        default:
            guard scalar.value < 128, !ScalarSet.word.contains(scalar.value) || scalar == "_" else {
                throw RegexError(.invalidEscape, "\\\(scalar) is not a known escape", at: start)
            }
            return scalar
        }
    }

    private mutating func octalEscape(first: Unicode.Scalar, start: Int) throws(RegexError) -> Unicode.Scalar {
        var value = first.value - 48
        var digits = 1
        while digits < 3, let next = peek(), ("0"..."7").contains(next) {
            value = value * 8 + next.value - 48
            digits += 1
            position += 1
        }
        guard first == "0" || digits > 1, let scalar = Unicode.Scalar(value) else {
            throw RegexError(.unsupported, "back-references cannot run in linear time", at: start)
        }
        return scalar
    }

    private mutating func hexadecimalEscape(start: Int) throws(RegexError) -> Unicode.Scalar {
        var value: UInt32 = 0
        var digits = 0
        let isBraced = accept("{")
        let most = isBraced ? 8 : 2
        while digits < most, let next = peek(), let digit = Self.hexadecimalDigit(next) {
            value = value * 16 + digit
            digits += 1
            position += 1
        }
        guard digits > 0, isBraced ? accept("}") : digits == 2, let scalar = Unicode.Scalar(value) else {
            throw RegexError(.invalidEscape, "\\x needs two hexadecimal digits or {..} with a code point", at: start)
        }
        return scalar
    }

    private static func hexadecimalDigit(_ scalar: Unicode.Scalar) -> UInt32? {
        switch scalar {
        case "0"..."9": scalar.value - 48
        case "a"..."f": scalar.value - 87
        case "A"..."F": scalar.value - 55
        default: nil
        }
    }

    // MARK: brackets

    mutating func bracketClass() throws(RegexError) -> ScalarSet {
        let start = position
        position += 1
        let isNegated = accept("^")
        var ranges: [ClosedRange<UInt32>] = []
        var sets: [ScalarSet] = []
        var isFirst = true
        while let next = peek(), next != "]" || isFirst {
            isFirst = false
            if next == "[", peek(ahead: 1) == ":", let set = try posixClass() {
                sets.append(set)
            } else if next == "\\", let set = try classEscape() {
                sets.append(set)
            } else {
                ranges.append(try bracketRange())
            }
        }
        guard accept("]") else { throw RegexError(.missingBracket, "this class is never closed", at: start) }
        var set = ScalarSet(ranges)
        if flags.ignoreCase { set = set.caseFolded }
        for other in sets { set = set.union(other) }
        return isNegated ? set.negated : set
    }

    private mutating func bracketRange() throws(RegexError) -> ClosedRange<UInt32> {
        let start = position
        let low = try bracketScalar()
        guard peek() == "-", let after = peek(ahead: 1), after != "]" else { return low.value...low.value }
        position += 1
        let high = try bracketScalar()
        guard low.value <= high.value else {
            throw RegexError(.invalidRange, "the range \(low)-\(high) is empty", at: start)
        }
        return low.value...high.value
    }

    private mutating func bracketScalar() throws(RegexError) -> Unicode.Scalar {
        guard let scalar = peek() else { throw failure(.missingBracket, "the pattern ends inside a class") }
        if scalar == "\\" { return try scalarEscape() }
        position += 1
        return scalar
    }

    /// `[:alpha:]` and its like (ASCII only, as in RE2); nil when this is no such class.
    private mutating func posixClass() throws(RegexError) -> ScalarSet? {
        let start = position
        position += 2
        let isNegated = accept("^")
        var name = ""
        while let scalar = peek(), ("a"..."z").contains(scalar) {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard acceptAll(":]") else {
            position = start
            return nil
        }
        guard let ranges = Self.posixRanges[name] else {
            throw RegexError(.invalidClass, "[:\(name):] is not a known class", at: start)
        }
        let set = ScalarSet(ranges)
        let folded = flags.ignoreCase ? set.caseFolded : set
        return isNegated ? folded.negated : folded
    }

    private static let posixRanges: [String: [ClosedRange<UInt32>]] = [
        "alnum": [48...57, 65...90, 97...122], "alpha": [65...90, 97...122], "ascii": [0...127],
        "blank": [9...9, 32...32], "cntrl": [0...31, 127...127], "digit": [48...57], "graph": [33...126],
        "lower": [97...122], "print": [32...126], "punct": [33...47, 58...64, 91...96, 123...126],
        "space": [9...13, 32...32], "upper": [65...90], "word": [48...57, 65...90, 95...95, 97...122],
        "xdigit": [48...57, 65...70, 97...102],
    ]
}
