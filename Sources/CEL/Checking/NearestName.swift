/// Names that an author may have meant.
enum NearestName {
    /// The closest of the names, nearest first: those that a slip explains, at most a third of the name's length away,
    /// and never all of a short one.
    static func ranked(_ name: String, in names: some Sequence<String>, limit: Int = 3) -> [String] {
        guard name.utf8.count <= 128 else { return [] }
        let bound = Swift.max(1, name.utf8.count / 3)
        let written = Array(name.utf8)
        return names.map { (name: $0, distance: distance(written, Array($0.utf8))) }
            .filter { $0.distance <= bound && 2 * $0.distance <= Swift.max(written.count, $0.name.utf8.count) }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .prefix(limit).map(\.name)
    }

    /// Insertions, deletions, replacements and exchanges of neighbours between two names (optimal string alignment).
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...other.count)
        for (index, byte) in one.enumerated() {
            var row = [index + 1]
            for (column, candidate) in other.enumerated() {
                let replaced = last[column] + (byte == candidate ? 0 : 1)
                var best = Swift.min(replaced, last[column + 1] + 1, row[column] + 1)
                if index > 0, column > 0, byte == other[column - 1], candidate == one[index - 1] {
                    best = Swift.min(best, beforeLast[column - 1] + 1)
                }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[other.count]
    }
}
