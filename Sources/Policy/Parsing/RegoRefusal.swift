/// Recognises Rego, which people bring from other key brokers, to say plainly what to do instead.
enum RegoRefusal {
    static let message = "This is Rego; policies here are YAML with CEL expressions."
    static let hint = "'claviger policy import rego FILE' translates it; see docs/policy.md, Coming from Rego"

    /// Line (counted from 1 within the text) of the first line that only Rego has, or `nil`.
    static func line(in text: String) -> Int? {
        let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, bytes) in lines.prefix(2000).enumerated() {
            let line = String(Substring(bytes))
            if line.hasPrefix("apiVersion:") || line.hasPrefix("kind:") { return nil }
            if isRego(line) { return index + 1 }
        }
        return nil
    }

    private static func isRego(_ line: String) -> Bool {
        let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
        guard let first = words.first else { return false }
        switch first {
        case "package": return words.count == 2 && !line.contains(":")
        case "import": return words.count >= 2 && (words[1].hasPrefix("rego.") || words[1].hasPrefix("future."))
        case "default": return words.count >= 3 && (words.contains("=") || words.contains(":="))
        case "allow": return words.count >= 2 && ["=", ":=", "{", "if"].contains(words[1])
        default: return line.hasPrefix("allow{") || line.hasPrefix("allow=")
        }
    }
}
