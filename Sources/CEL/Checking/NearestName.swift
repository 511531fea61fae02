/// The name that an author may have meant.
enum NearestName {
    /// The closest of the names, when it is close enough to be a slip: at most a third of its length away.
    static func of(_ name: String, in names: some Sequence<String>) -> String? {
        guard name.utf8.count <= 128 else { return nil }
        let ranked = names.map { (name: $0, distance: distance(Array(name.utf8), Array($0.utf8))) }
        let best = ranked.min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return best.flatMap { $0.distance <= Swift.max(1, name.utf8.count / 3) ? $0.name : nil }
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
