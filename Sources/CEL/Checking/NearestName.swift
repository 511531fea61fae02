/// Names that an author may have meant.
enum NearestName {
    /// The closest of the names, nearest first: those that a slip explains, at most a third of the name's length away.
    static func ranked(_ name: String, in names: some Sequence<String>, limit: Int = 3) -> [String] {
        guard name.utf8.count <= 128 else { return [] }
        let bound = Swift.max(1, name.utf8.count / 3)
        let written = Array(name.utf8)
        return names.map { (name: $0, distance: distance(written, Array($0.utf8))) }
            .filter { $0.distance <= bound }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
            .prefix(limit).map(\.name)
    }

    /// Insertions, deletions and replacements between two names (Levenshtein).
    private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (index, byte) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, candidate) in other.enumerated() {
                let replaced = diagonal + (byte == candidate ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = Swift.min(replaced, row[column] + 1, row[column + 1] + 1)
            }
        }
        return row[other.count]
    }
}
