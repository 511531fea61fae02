/// Names with explanations beside them, wrapped to a width; a name that is too long stands on a line of its own.
struct WrappedList {
    private let width: Int
    private let indent: Int
    private var text = ""

    /// A list as wide as `width` characters, whose explanations begin after `indent` of them.
    init(width: Int, indent: Int) {
        self.width = max(width, indent + 30)
        self.indent = indent
    }

    /// Adds a name and the paragraphs that belong to it.
    mutating func add(_ name: String, _ paragraphs: [String]) {
        let lines = paragraphs.flatMap { Self.wrap(Terminal.printable($0), width - indent) }
        let name = Terminal.printable(name)
        let fits = name.count + 2 <= indent
        text += fits ? Self.line(name, lines.first ?? "", indent) : name + "\n"
        for line in lines.dropFirst(fits ? 1 : 0) { text += Self.line("", line, indent) }
    }

    /// Everything that was added.
    func finished() -> String { text }

    private static func line(_ name: String, _ line: String, _ indent: Int) -> String {
        guard !line.isEmpty else { return name + "\n" }
        return name + String(repeating: " ", count: indent - name.count) + line + "\n"
    }

    /// Breaks a paragraph between words; a longer word stays whole.
    static func wrap(_ paragraph: String, _ width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in paragraph.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " " + word
        }
        return line.isEmpty ? lines : lines + [line]
    }
}
