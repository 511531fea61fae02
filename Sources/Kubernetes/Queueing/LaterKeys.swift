/// Keys with the times at which they are due, earliest first (a binary heap).
///
/// A key has one time: the earliest that was asked for. Superseded entries stay in the heap until they surface or until they
/// are the greater part of it.
struct LaterKeys<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Sendable {
        let due: ContinuousClock.Instant
        let key: Key
    }

    private var heap: [Entry] = []
    private var times: [Key: ContinuousClock.Instant] = [:]

    /// The earliest time at which a key is due.
    var first: ContinuousClock.Instant? { heap.first?.due }

    /// How many keys are noted.
    var count: Int { times.count }

    /// Notes a key, unless it is already noted for that time or an earlier one.
    mutating func insert(_ key: Key, due: ContinuousClock.Instant) {
        if let noted = times[key], noted <= due { return }
        times[key] = due
        heap.append(Entry(due: due, key: key))
        siftUp(heap.count - 1)
        if heap.count > 2 * times.count + 16 { rebuild() }
    }

    /// Removes and answers a key that is due at `now`.
    mutating func popFirst(dueAt now: ContinuousClock.Instant) -> Key? {
        while let first = heap.first, first.due <= now {
            removeFirst()
            if times[first.key] == first.due {
                times[first.key] = nil
                return first.key
            }
        }
        return nil
    }

    private mutating func rebuild() {
        heap = times.map { Entry(due: $0.value, key: $0.key) }.sorted { $0.due < $1.due }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].due < heap[parent].due else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].due < heap[smallest].due { smallest = child }
            guard smallest != parent else { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
