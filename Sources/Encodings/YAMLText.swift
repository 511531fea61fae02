import Encodings

/// JSON values as YAML (block style); every string that could be read as something else is quoted.
enum YAMLText {
    static func text(_ value: JSONValue) -> String {
        switch value {
        case .object(let object) where !object.isEmpty: block(object, indent: 0)
        case .array(let elements) where !elements.isEmpty: block(elements, indent: 0)
        default: scalar(value) + "\n"
        }
    }

    private static func block(_ object: JSONObject, indent: Int) -> String {
        object.map { name, value in
            let key = String(repeating: " ", count: indent) + string(name) + ":"
            switch value {
            case .object(let inner) where !inner.isEmpty: return key + "\n" + block(inner, indent: indent + 2)
            case .array(let elements) where !elements.isEmpty: return key + "\n" + block(elements, indent: indent)
            default: return key + " " + scalar(value) + "\n"
            }
        }.joined()
    }

    private static func block(_ elements: [JSONValue], indent: Int) -> String {
        elements.map { value in
            let dash = String(repeating: " ", count: indent) + "- "
            switch value {
            case .object(let inner) where !inner.isEmpty:
                return dash + block(inner, indent: indent + 2).dropFirst(indent + 2)
            case .array(let inner) where !inner.isEmpty:
                return dash + block(inner, indent: indent + 2).dropFirst(indent + 2)
            default: return dash + scalar(value) + "\n"
            }
        }.joined()
    }

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
