/// The book-keeping of a work queue: what is to be done, what is being done, and what is to be done later.
///
/// A key is in the line at most once, and never handed out while it is being worked on: when it is added meanwhile, it goes
/// back into the line once that work is finished.
struct WorkQueueState<Key: Hashable & Sendable>: Sendable {
    private var line: LineOfKeys<Key>
    private var later = LaterKeys<Key>()
    /// What has to be looked at (again), with the time since when: all keys in the line and those added while in work.
    private var wanted: [Key: ContinuousClock.Instant] = [:]
    private var inWork: Set<Key> = []
    private var failures: [Key: Int] = [:]
    private(set) var isShutDown = false

    /// - Parameter group: to whom a key belongs; they have their turns in rotation.
    init(group: @escaping @Sendable (Key) -> String = { _ in "" }) {
        line = LineOfKeys(group: group)
    }

    /// How many keys wait in the line.
    var depth: Int { line.count }
    /// How many keys are being worked on.
    var busy: Int { inWork.count }
    /// Whether nothing is in the line or in work. What is due later does not count.
    var isDrained: Bool { line.isEmpty && inWork.isEmpty }
    /// When the next key is due that was added for later.
    var nextDue: ContinuousClock.Instant? { later.first }

    /// Puts a key in the line; answers whether that was news.
    mutating func add(_ key: Key, at now: ContinuousClock.Instant) -> Bool {
        guard !isShutDown, wanted[key] == nil else { return false }
        wanted[key] = now
        if !inWork.contains(key) { line.append(key) }
        return true
    }

    /// Puts a key in the line at `due`, or before if it is already noted for an earlier time.
    mutating func add(_ key: Key, due: ContinuousClock.Instant) {
        guard !isShutDown else { return }
        later.insert(key, due: due)
    }

    /// Moves what is due into the line; answers how many keys were news there.
    mutating func promote(at now: ContinuousClock.Instant) -> Int {
        var added = 0
        while let key = later.popFirst(dueAt: now) {
            if add(key, at: now) { added += 1 }
        }
        return added
    }

    /// Hands out the next key and the time it has waited since.
    mutating func takeNext() -> (key: Key, since: ContinuousClock.Instant)? {
        guard let key = line.popFirst(), let since = wanted.removeValue(forKey: key) else { return nil }
        inWork.insert(key)
        return (key, since)
    }

    /// Says that the work on a key has ended.
    mutating func finish(_ key: Key) {
        inWork.remove(key)
        if wanted[key] != nil { line.append(key) }
    }

    /// Counts one more failure in a row; answers how many that makes.
    mutating func countFailure(of key: Key) -> Int {
        let count = (failures[key] ?? 0) + 1
        failures[key] = count
        return count
    }

    /// Forgets the failures of a key.
    mutating func forget(_ key: Key) { failures[key] = nil }

    /// Takes nothing more, and drops what was to be done later.
    mutating func shutDown() {
        isShutDown = true
        later = LaterKeys()
    }
}
