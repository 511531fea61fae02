/// A YAML scalar, read the way YAML 1.2 reads it, and refusing what YAML 1.1 and 1.2 read differently.
struct YAMLScalar: Sendable {
    enum Style: Sendable { case plain, singleQuoted, doubleQuoted, block }

    enum Meaning: Sendable, Hashable {
        case null
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case string
        /// Readers disagree about what it is; the text says what they take it for.
        case ambiguous(String)
    }

    let text: String
    let style: Style
    let meaning: Meaning

    init(text: String, style: Style) {
        self.text = text
        self.style = style
        meaning = style == .plain ? YAMLScalar.meaning(ofPlain: text) : .string
    }

    var kindName: String {
        switch meaning {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .double: "a number"
        case .string: "text"
        case .ambiguous(let what): what
        }
    }

    private static let yaml11Booleans: Set<String> = ["yes", "no", "on", "off", "y", "n"]

    static func meaning(ofPlain text: String) -> Meaning {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        if yaml11Booleans.contains(text.lowercased()) { return .ambiguous("a boolean in YAML 1.1") }
        guard let first = text.utf8.first, first < 0x3A, first >= 0x2B || text.hasPrefix(".") else { return .string }
        return number(text)
    }

    private static func number(_ text: String) -> Meaning {
        let unsigned = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
        let digits = unsigned.allSatisfy { $0.isASCII && $0.isNumber }
        if !unsigned.isEmpty, digits {
            if unsigned.count > 1, unsigned.first == "0" { return .ambiguous("an octal number in YAML 1.1") }
            return Int64(text).map(Meaning.int) ?? .ambiguous("a number that is too large")
        }
        if isPrefixedNumber(unsigned) { return .ambiguous("a hexadecimal, octal or binary number") }
        if isSexagesimal(unsigned) { return .ambiguous("a base-60 number in YAML 1.1") }
        if isGroupedNumber(unsigned) { return .ambiguous("a number in YAML 1.1") }
        guard isDecimal(unsigned), let value = Double(text), value.isFinite else { return .string }
        return .double(value)
    }

    private static func isDecimal(_ text: Substring) -> Bool {
        guard text.contains(where: { $0.isASCII && $0.isNumber }) else { return false }
        return text.allSatisfy { ($0.isASCII && $0.isNumber) || ".eE+-".contains($0) }
    }

    private static func isPrefixedNumber(_ text: Substring) -> Bool {
        guard text.count > 2, text.hasPrefix("0x") || text.hasPrefix("0o") || text.hasPrefix("0b") else { return false }
        return text.dropFirst(2).allSatisfy { $0.isHexDigit || $0 == "_" }
    }

    private static func isSexagesimal(_ text: Substring) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return false }
        return parts.allSatisfy { !$0.isEmpty && $0.count <= 2 && $0.allSatisfy { $0.isASCII && $0.isNumber } }
    }

    private static func isGroupedNumber(_ text: Substring) -> Bool {
        text.contains("_") && text.first?.isNumber == true
            && text.allSatisfy { ($0.isASCII && $0.isNumber) || $0 == "_" || $0 == "." }
    }
}
