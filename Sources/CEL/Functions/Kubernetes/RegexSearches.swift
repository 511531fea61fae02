import LinearRegex

/// Kubernetes' regex library: `find` and `findAll`.
enum RegexSearches {
    static let library = FunctionLibrary(
        functions: [
            .receiver("find", 2...2) { (a, meter) throws(CELError) in
                let text = try a.string(0, of: "find")
                let pattern = try CompiledPattern(a.string(1, of: "find"), &meter)
                let match = try pattern.firstMatch(in: text, from: 0, &meter)
                return .string(match.map { string(text, $0.range) } ?? "")
            },
            .receiver("findAll", 2...3) { (a, meter) throws(CELError) in
                let text = try a.string(0, of: "findAll")
                let limit = a.count > 2 ? try a.int(2, of: "findAll") : -1
                return .list(
                    try all(of: try CompiledPattern(a.string(1, of: "findAll"), &meter), in: text, limit, &meter))
            },
        ],
        declarations: [
            "find": [.receiver(.string, .string, to: .string)],
            "findAll": [
                .receiver(.string, .string, to: .list(.string)), .receiver(.string, .string, .int, to: .list(.string)),
            ],
        ])

    /// Every match in order, none overlapping; an empty one does not count right behind the match before it.
    /// - Parameter limit: how many at most; negative for all.
    private static func all(
        of pattern: CompiledPattern, in text: String, _ limit: Int64, _ meter: inout CostMeter
    ) throws(CELError) -> [CELValue] {
        var found: [CELValue] = []
        var position = 0
        var previousEnd = -1
        while limit < 0 || found.count < limit {
            guard let match = try pattern.firstMatch(in: text, from: position, &meter) else { break }
            try meter.charge(2)
            if !match.range.isEmpty || match.range.lowerBound != previousEnd {
                try meter.charge(bytes: match.range.count)
                found.append(.string(string(text, match.range)))
            }
            previousEnd = match.range.upperBound
            guard match.range.isEmpty else {
                position = match.range.upperBound
                continue
            }
            guard let next = scalarEnd(text, previousEnd) else { break }
            position = next
        }
        return found
    }

    /// Where the code point at a place ends; nil at the end of the text.
    private static func scalarEnd(_ text: String, _ offset: Int) -> Int? {
        let place = text.utf8.index(text.utf8.startIndex, offsetBy: offset)
        guard place < text.endIndex else { return nil }
        return offset + UTF8.width(text.unicodeScalars[place])
    }

    private static func string(_ text: String, _ range: Range<Int>) -> String {
        let start = text.utf8.index(text.utf8.startIndex, offsetBy: range.lowerBound)
        let end = text.utf8.index(start, offsetBy: range.count)
        return String(text[start..<end])
    }
}
