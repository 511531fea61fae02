/// Finds characters that make a text read differently for people, editors and YAML: whoever reviews a policy must see
/// what it says.
enum HiddenCharacters {
    static let hint = "in a text in double quotes, write an escape such as \\u2028"

    struct Finding {
        let line: Int
        let message: String
    }

    /// The first such character of a text, with its line counted from 1.
    static func first(in text: String) -> Finding? {
        var line = 1
        var afterReturn = false
        for scalar in text.unicodeScalars {
            if afterReturn, scalar != "\n" { return loneReturn(line) }
            afterReturn = scalar == "\r"
            if scalar == "\n" { line += 1 }
            if let what = name(of: scalar) {
                let code = String(scalar.value, radix: 16, uppercase: true)
                return Finding(line: line, message: "The character U+\(code) (\(what)) is not accepted.")
            }
        }
        return afterReturn ? loneReturn(line) : nil
    }

    private static func loneReturn(_ line: Int) -> Finding {
        Finding(line: line, message: "A carriage return without a line feed is not accepted.")
    }

    /// YAML 1.1 ends a line, and with it a comment, at the first three; the last turn the order of text around.
    private static func name(of scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0x85, 0x2028, 0x2029: "a line break that few programs show"
        case 0xFEFF: "a byte order mark that is not at the beginning"
        case 0x202A...0x202E, 0x2066...0x2069: "a change of the direction of text"
        default: nil
        }
    }
}
