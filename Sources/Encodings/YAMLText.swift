/// JSON values as YAML in block style; every string that could be read as something else is quoted.
public struct YAMLText {
    /// Texts of several words that would pass this column are folded over lines; `nil` folds nothing.
    private let width: Int?

    /// The value as one YAML document that ends with a line feed and reads back as the same value.
    ///
    /// - Parameter width: the column, in characters, after which texts of several words continue on the next line
    ///   (YAML 1.2 section 8.1.3); other texts stay on one line, however long.
    public static func text(_ value: JSONValue, foldingAt width: Int? = nil) -> String {
        let writer = YAMLText(width: width)
        switch value {
        case .object(let object) where !object.isEmpty: return writer.block(object, indent: 0)
        case .array(let elements) where !elements.isEmpty: return writer.block(elements, indent: 0)
        default: return scalar(value) + "\n"
        }
    }

    private func block(_ object: JSONObject, indent: Int) -> String {
        object.map { name, value in
            let key = Self.spaces(indent) + Self.string(name) + ":"
            switch value {
            case .object(let inner) where !inner.isEmpty: return key + "\n" + block(inner, indent: indent + 2)
            case .array(let elements) where !elements.isEmpty: return key + "\n" + block(elements, indent: indent)
            case .string(let text) where mustFold(text, column: indent + name.count + 2):
                return key + " >-\n" + folded(text, indent: indent + 2)
            default: return key + " " + Self.scalar(value) + "\n"
            }
        }.joined()
    }

    private func block(_ elements: [JSONValue], indent: Int) -> String {
        elements.map { value in
            let dash = Self.spaces(indent) + "- "
            switch value {
            case .object(let inner) where !inner.isEmpty:
                return dash + block(inner, indent: indent + 2).dropFirst(indent + 2)
            case .array(let inner) where !inner.isEmpty:
                return dash + block(inner, indent: indent + 2).dropFirst(indent + 2)
            default: return dash + Self.scalar(value) + "\n"
            }
        }.joined()
    }

    /// Folding turns single spaces into line feeds and back; nothing else survives it.
    private func mustFold(_ text: String, column: Int) -> Bool {
        guard let width, column + text.count > width else { return false }
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        return words.count > 1
            && words.allSatisfy { word in !word.isEmpty && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
    }

    private func folded(_ text: String, indent: Int) -> String {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let line = lines.last, indent + line.count + 1 + word.count <= width ?? .max {
                lines[lines.count - 1] = line + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.map { Self.spaces(indent) + $0 + "\n" }.joined()
    }

    private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }

    private static func scalar(_ value: JSONValue) -> String {
        if case .string(let text) = value { return string(text) }
        return value.serializedString()
    }

    private static func string(_ text: String) -> String {
        let reserved: Set = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "~"]
        let plainCharacters = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "/"):
                true
            default: false
            }
        }
        let startsLikeAWord = text.first.map { $0.isLetter || $0 == "_" || $0 == "/" } ?? false
        let isPlain = plainCharacters && startsLikeAWord && !reserved.contains(text.lowercased())
        // JSON strings are YAML's double-quoted strings.
        return isPlain ? text : JSONValue.string(text).serializedString()
    }
}
