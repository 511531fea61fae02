/// Looks for aliases before the text is composed: a few lines of nested aliases can stand for more nodes than memory
/// holds, and comparing keys made of them takes just as long.
enum AnchorScan {
    static func refuseAliases(in chunk: YAMLChunk) throws(YAMLRefusal) {
        var anchors: Set<String> = []
        var aliases: [(name: String, position: SourcePosition)] = []
        for (index, line) in chunk.text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            for (kind, name, column) in indicators(in: Array(line)) {
                let position = SourcePosition(line: chunk.firstLine + index, column: column)
                if kind == UInt8(ascii: "&") { anchors.insert(name) } else { aliases.append((name, position)) }
            }
        }
        guard let alias = aliases.first(where: { anchors.contains($0.name) }) else { return }
        throw YAMLRefusal(alias.position, "Anchors and aliases are not accepted.", hint: "write the value out")
    }

    private static func indicators(in line: [UInt8]) -> [(kind: UInt8, name: String, column: Int)] {
        var found: [(kind: UInt8, name: String, column: Int)] = []
        for (index, byte) in line.enumerated() where byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") {
            guard index == 0 || Self.mayPrecede.contains(line[index - 1]) else { continue }
            let name = line[(index + 1)...].prefix(while: isNameByte)
            if !name.isEmpty { found.append((byte, String(decoding: name, as: UTF8.self), index + 1)) }
        }
        return found
    }

    /// What may stand before an anchor or alias; in an expression such as `a&&b` or `2*b` something else does.
    private static let mayPrecede = Set(" \t[{,:?-".utf8)

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
