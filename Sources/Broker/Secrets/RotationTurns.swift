/// In which order secrets are rotated: it is always the namespace's turn on which the least time was spent, so that nobody waits
/// for the keys of others, however many there are and however long each takes.
struct RotationTurns {
    private struct Line {
        let namespace: String
        /// The next one last.
        var names: [String]
        var spent: Duration = .zero
    }

    /// The line whose turn it is last.
    private var lines: [Line]

    /// - Parameter names: Those of one namespace in the order in which they are to be taken.
    init(_ names: [(namespace: String, name: String)]) {
        let waiting = Dictionary(grouping: names, by: \.namespace)
        var seen: Set<String> = []
        let order = names.map(\.namespace).filter { seen.insert($0).inserted }
        lines = order.reversed().map { namespace in
            Line(namespace: namespace, names: (waiting[namespace] ?? []).map(\.name).reversed())
        }
    }

    /// The next secret; nil when there is none.
    mutating func next() -> (namespace: String, name: String)? {
        guard let place = lines.indices.last, let name = lines[place].names.popLast() else { return nil }
        return (lines[place].namespace, name)
    }

    /// Notes how long the one that ``next()`` gave took.
    mutating func note(_ time: Duration) {
        guard var line = lines.popLast(), !line.names.isEmpty else { return }
        line.spent += time
        let place = lines.partitioningIndex { $0.spent <= line.spent }
        lines.insert(line, at: place)
    }
}

extension Array {
    /// The first place from which on all elements are as asked for, in an array where no others come after those.
    fileprivate func partitioningIndex(_ isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
