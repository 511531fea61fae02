import Encodings

/// The difference of two texts, line by line, with a few lines around each change.
struct LineDifference {
    let old: String
    let new: String
    let oldName: String
    let newName: String
    private static let context = 3
    /// Beyond this many lines the texts are shown one after the other: finding out what they share takes too long.
    private static let maximumLines = 10_000

    private enum Line {
        case same(String)
        case removed(String)
        case added(String)
    }

    func text() -> String {
        let lines = merged()
        var shown = Set<Int>()
        for (index, line) in lines.enumerated() {
            if case .same = line { continue }
            shown.formUnion(max(0, index - Self.context)...min(lines.count - 1, index + Self.context))
        }
        var output = "--- \(oldName.printable)\n+++ \(newName.printable)\n"
        var previous = -1
        for index in shown.sorted() {
            if index != previous + 1 { output += "@@\n" }
            previous = index
            switch lines[index] {
            case .same(let text): output += "  \(text.printable)\n"
            case .removed(let text): output += "- \(text.printable)\n"
            case .added(let text): output += "+ \(text.printable)\n"
            }
        }
        return output
    }

    private func merged() -> [Line] {
        let before = Self.lines(old)
        let after = Self.lines(new)
        guard before.count + after.count <= Self.maximumLines else {
            return before.map { .removed($0) } + after.map { .added($0) }
        }
        let difference = after.difference(from: before)
        var removed = Set<Int>()
        var added = Set<Int>()
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var lines: [Line] = []
        var position = 0
        for (index, line) in before.enumerated() {
            if removed.contains(index) {
                lines.append(.removed(line))
                continue
            }
            while added.contains(position) {
                lines.append(.added(after[position]))
                position += 1
            }
            lines.append(.same(line))
            position += 1
        }
        lines += after.dropFirst(position).map { .added($0) }
        return lines
    }

    private static func lines(_ text: String) -> [String] {
        text.isEmpty ? [] : text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
