/// Finds where in the source a character of a scalar's text stands, so that an error inside an expression is
/// reported where the author wrote it, whatever quoting or folding lies between.
struct ScalarLocator {
    private let lines: [[Unicode.Scalar]]
    private let firstLine: Int

    init(_ chunk: YAMLChunk) {
        lines = chunk.text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
        firstLine = chunk.firstLine
    }

    /// Position of the scalar at `offset` in `text`, whose YAML form begins at `start`.
    func position(of offset: Int, in scalar: YAMLScalar, startingAt start: SourcePosition) -> SourcePosition {
        var cursor = Cursor(lines: lines, line: start.line - firstLine, column: start.column - 1)
        switch scalar.style {
        case .singleQuoted, .doubleQuoted: cursor.advance()
        case .block: cursor.nextLine()
        case .plain: break
        }
        for character in scalar.text.unicodeScalars.prefix(offset) { cursor.pass(character, scalar.style) }
        cursor.settle(before: scalar.text.unicodeScalars.dropFirst(offset).first, scalar.style)
        return SourcePosition(line: cursor.line + firstLine, column: cursor.column + 1)
    }
}

/// A place in the raw lines that moves along with the characters of the decoded text.
///
/// Folding only ever changes white space, so white space of the text matches any run of it in the source.
private struct Cursor {
    let lines: [[Unicode.Scalar]]
    var line: Int
    var column: Int

    private var current: Unicode.Scalar? {
        guard lines.indices.contains(line) else { return nil }
        return lines[line].indices.contains(column) ? lines[line][column] : "\n"
    }

    private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
    }

    mutating func advance() {
        guard lines.indices.contains(line) else { return }
        if column < lines[line].count { column += 1 } else { nextLine() }
    }

    mutating func nextLine() {
        line += 1
        column = 0
    }

    mutating func settle(before next: Unicode.Scalar?, _ style: YAMLScalar.Style) {
        guard let next, !isSpace(next) else { return }
        while let current, isSpace(current) { advance() }
    }

    mutating func pass(_ character: Unicode.Scalar, _ style: YAMLScalar.Style) {
        if isSpace(character) {
            if style == .doubleQuoted, current == "\\" {
                passEscape()
            } else if let current, isSpace(current) {
                advance()
            }
            return
        }
        while let current, isSpace(current) { advance() }
        switch (style, current) {
        case (.doubleQuoted, "\\"): passEscape()
        case (.singleQuoted, "'"):
            advance()
            advance()
        default: advance()
        }
    }

    private mutating func passEscape() {
        advance()
        let digits = ["x": 2, "u": 4, "U": 8][current ?? " "] ?? 0
        for _ in 0...digits { advance() }
    }
}
