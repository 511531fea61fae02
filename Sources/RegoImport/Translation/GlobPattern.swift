/// A glob over paths: `*` for part of a segment, `**` for anything.
struct GlobPattern {
    let text: String

    /// Nothing for patterns with brackets, braces, question marks or escapes.
    init?(_ text: String) {
        guard text.utf8.count <= 1024, !text.contains(where: { "?[]{}\\!".contains($0) }) else { return nil }
        self.text = text
    }

    /// The segments, when each is either a wildcard or literal as a whole, and '**' only the last; as this product's
    /// patterns are.
    var segments: [String]? {
        let segments = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        for (index, segment) in segments.enumerated() {
            if segment == "**", index < segments.count - 1 { return nil }
            if segment.isEmpty || (segment.contains("*") && segment != "*" && segment != "**") { return nil }
        }
        return segments
    }

    /// The same as a regular expression (RE2).
    var regularExpression: String {
        var result = "^"
        var rest = Substring(text)
        while let character = rest.first {
            if rest.hasPrefix("**") {
                result += "(?s:.*)"
                rest = rest.dropFirst(2)
                continue
            }
            if character == "*" {
                result += "[^/]*"
            } else if ".+()|^$".contains(character) {
                result += "\\" + String(character)
            } else {
                result.append(character)
            }
            rest = rest.dropFirst()
        }
        return result + "$"
    }
}
