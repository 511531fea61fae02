/// Keys that wait for their turn. Groups have their turns in rotation; within a group it is first in, first out.
struct LineOfKeys<Key: Sendable>: Sendable {
    private let group: @Sendable (Key) -> String
    private var lines: [String: FirstInFirstOut<Key>] = [:]
    /// The groups that have keys, in the order of their turns.
    private var turns = FirstInFirstOut<String>()

    private(set) var count = 0
    var isEmpty: Bool { count == 0 }

    /// - Parameter group: to whom a key belongs.
    init(group: @escaping @Sendable (Key) -> String) {
        self.group = group
    }

    mutating func append(_ key: Key) {
        let group = group(key)
        if lines[group] == nil { turns.append(group) }
        lines[group, default: FirstInFirstOut()].append(key)
        count += 1
    }

    mutating func popFirst() -> Key? {
        guard let group = turns.popFirst(), let key = lines[group]?.popFirst() else { return nil }
        count -= 1
        if lines[group]?.isEmpty == false { turns.append(group) } else { lines[group] = nil }
        return key
    }
}

private struct FirstInFirstOut<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            head += 1
            // Moving the rest down only when half is gone costs constant time for each element.
            if head * 2 > elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}
