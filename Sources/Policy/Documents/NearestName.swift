/// Finds the names that somebody probably meant.
package enum NearestName {
    /// Up to `limit` of `names` that are a slip of the keyboard away from `word`, best first.
    package static func candidates(for word: String, among names: some Sequence<String>, limit: Int = 3) -> [String] {
        let wanted = Array(word.lowercased().unicodeScalars.prefix(64))
        let allowed = max(2, wanted.count / 3)
        let scored = names.compactMap { name -> (name: String, distance: Int)? in
            let candidate = Array(name.lowercased().unicodeScalars.prefix(64))
            let distance = distance(wanted, candidate)
            let related = distance <= allowed || (wanted.count >= 4 && name.lowercased().contains(word.lowercased()))
            return related ? (name, distance) : nil
        }
        return scored.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(limit).map(\.name)
    }

    /// "did you mean 'a' or 'b'?", or the whole list when nothing is near.
    package static func hint(for word: String, among names: some Collection<String>) -> String {
        let near = candidates(for: word, among: names)
        if near.isEmpty { return "known here: " + names.sorted().joined(separator: ", ") }
        return "did you mean " + near.map { "'\($0)'" }.joined(separator: " or ") + "?"
    }

    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforePrevious = [Int](repeating: 0, count: right.count + 1)
        var previous = Array(0...right.count)
        for (row, scalar) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var best = min(
                    previous[column + 1] + 1, current[column] + 1, previous[column] + (scalar == other ? 0 : 1))
                if row > 0, column > 0, scalar == right[column - 1], left[row - 1] == other {
                    best = min(best, beforePrevious[column - 1] + 1)
                }
                current.append(best)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
