/// One document of a YAML stream, as text.
struct YAMLChunk: Sendable {
    /// The document with its leading `---`, if it has one.
    let text: String
    /// Line of the stream on which the text begins, counted from 1.
    let firstLine: Int
}

/// Splits a stream at its document markers, so that each document is judged (and stored) by itself.
enum YAMLStream {
    /// The documents of a stream; those with nothing but blank lines and comments are left out.
    static func chunks(of stream: String) -> [YAMLChunk] {
        var chunks: [YAMLChunk] = []
        var lines: [Substring.UTF8View] = []
        var firstLine = 1
        func finish(nextLine: Int) {
            if lines.contains(where: { !isBlank($0) }) {
                let text = lines.map { String(Substring($0)) }.joined(separator: "\n") + "\n"
                chunks.append(YAMLChunk(text: text, firstLine: firstLine))
            }
            lines = []
            firstLine = nextLine
        }
        let bytes = stream.utf8
        let allLines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in allLines.enumerated() {
            if isMarker(line, UInt8(ascii: "-")) { finish(nextLine: index + 1) }
            if isMarker(line, UInt8(ascii: ".")) {
                finish(nextLine: index + 2)
                continue
            }
            lines.append(Substring(line).utf8)
        }
        finish(nextLine: allLines.count + 1)
        return chunks
    }

    private static func isMarker(_ line: Substring.UTF8View, _ byte: UInt8) -> Bool {
        guard line.prefix(3).elementsEqual([byte, byte, byte]) else { return false }
        guard let next = line.dropFirst(3).first else { return true }
        return next == 0x20 || next == 0x09 || next == 0x0D
    }

    private static func isBlank(_ line: Substring.UTF8View) -> Bool {
        let content = line.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        if content.isEmpty || content.first == UInt8(ascii: "#") { return true }
        guard isMarker(line, UInt8(ascii: "-")) else { return false }
        let rest = line.dropFirst(3).drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        return rest.isEmpty || rest.first == UInt8(ascii: "#")
    }
}
