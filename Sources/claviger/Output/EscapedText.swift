import Encodings

/// What JSON and YAML leave as it is and a terminal would obey, written as escapes of these formats. They mean the same,
/// so the text may go to a program as well.
enum EscapedText {
    /// JSON text: `\uXXXX`, by UTF-16 code unit (RFC 8259, section 7). Such characters stand only inside strings.
    static func json(_ text: String) -> String {
        escape(text) { scalar in
            String(scalar).utf16.map { "\\u" + hex(UInt32($0), digits: 4) }.joined()
        }
    }

    /// YAML text: `\UXXXXXXXX` (YAML 1.2, section 5.7). Such characters stand only inside double-quoted strings.
    static func yaml(_ text: String) -> String {
        escape(text) { "\\U" + hex($0.value, digits: 8) }
    }

    private static func escape(_ text: String, as code: (Unicode.Scalar) -> String) -> String {
        guard text.unicodeScalars.contains(where: { !$0.isPrintable && $0 != "\n" }) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            if scalar.isPrintable || scalar == "\n" {
                escaped.unicodeScalars.append(scalar)
            } else {
                escaped += code(scalar)
            }
        }
        return escaped
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
