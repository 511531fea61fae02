import Encodings

/// JSON values as YAML for people to read: block style, long texts folded.
enum SchemaYAML {
    private static let width = 110

    static func text(_ object: JSONObject) -> String {
        block(object, indent: 0)
    }

    private static func block(_ object: JSONObject, indent: Int) -> String {
        object.map { name, value in spaces(indent) + scalar(name) + ":" + member(value, indent: indent) }.joined()
    }

    /// What follows the colon of a member.
    private static func member(_ value: JSONValue, indent: Int) -> String {
        switch value {
        case .object(let inner) where !inner.isEmpty: return "\n" + block(inner, indent: indent + 2)
        case .array(let items) where !items.isEmpty:
            return "\n" + items.map { spaces(indent + 2) + "- " + item($0, indent: indent + 4) }.joined()
        case .string(let text) where text.count + indent > width && isFoldable(text):
            return " >-\n" + folded(text, indent: indent + 2)
        default: return " " + scalar(value) + "\n"
        }
    }

    /// What follows the dash of an item that stands at `indent`.
    private static func item(_ value: JSONValue, indent: Int) -> String {
        switch value {
        case .object(let inner) where !inner.isEmpty: String(block(inner, indent: indent).dropFirst(indent))
        default: scalar(value) + "\n"
        }
    }

    /// Folding turns single spaces into line breaks and back; nothing else survives it.
    private static func isFoldable(_ text: String) -> Bool {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        return words.allSatisfy { word in
            !word.isEmpty && word.unicodeScalars.allSatisfy { !$0.properties.isWhitespace }
        }
    }

    private static func folded(_ text: String, indent: Int) -> String {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let line = lines.last, indent + line.count + 1 + word.count <= width {
                lines[lines.count - 1] = line + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.map { spaces(indent) + $0 + "\n" }.joined()
    }

    private static func scalar(_ value: JSONValue) -> String {
        if case .string(let text) = value { return scalar(text) }
        return value.serializedString()
    }

    private static func scalar(_ text: String) -> String {
        if isPlain(text) { return text }
        let isPrintable = text.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) }
        // JSON strings are YAML's double-quoted strings.
        guard isPrintable, !text.contains("'") else { return JSONValue.string(text).serializedString() }
        return "'\(text)'"
    }

    /// Whether every reader of YAML takes the text without quotes for itself.
    private static func isPlain(_ text: String) -> Bool {
        let reserved: Set = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        guard let first = text.utf8.first, isLetter(first), !reserved.contains(text.lowercased()) else { return false }
        let isHarmless = text.utf8.allSatisfy { byte in
            isLetter(byte) || (0x30...0x39).contains(byte) || " _-./(),;".utf8.contains(byte)
        }
        return isHarmless && text.utf8.last != 0x20
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
}
