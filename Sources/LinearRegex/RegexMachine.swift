/// Simulates the automaton over a text, all alternatives side by side: the work is at most
/// the length of the text times the size of the program, whatever the pattern (Pike's construction).
struct RegexMachine {
    enum Goal {
        /// Whether there is a match anywhere.
        case anywhere
        /// Whether the whole text is a match.
        case whole
        /// Where the leftmost match is, with its groups.
        case captures
    }

    private enum Pending {
        case visit(Int)
        case restore(slot: Int, value: Int)
    }

    private let program: RegexProgram
    private let goal: Goal
    private let slotCount: Int
    /// Whether only the place where the search begins can begin a match.
    private let isBoundToStart: Bool
    private var current: ThreadList
    private var next: ThreadList
    private var pending: [Pending] = []
    private var slots: [Int]
    private let maximumSteps: Int
    /// The capture slots of the match (empty unless asked for), or nil.
    private(set) var found: [Int]?
    /// Whether the search ended for want of steps, without an answer.
    private(set) var isStopped = false
    /// Instructions looked at so far: the measure of the work done.
    private(set) var steps = 0

    init(program: RegexProgram, slotCount: Int, goal: Goal, maximumSteps: Int) {
        self.program = program
        self.maximumSteps = maximumSteps
        self.goal = goal
        isBoundToStart = goal == .whole || program.isAnchored
        self.slotCount = goal == .captures ? slotCount : 0
        current = ThreadList(capacity: program.instructions.count)
        next = ThreadList(capacity: program.instructions.count)
        slots = Array(repeating: -1, count: self.slotCount)
    }

    mutating func run(_ text: UnsafeBufferPointer<UInt8>, from start: Int) {
        var cursor = TextCursor(text, at: start)
        while true {
            let mayStart = found == nil && (cursor.position == start || !isBoundToStart)
            if mayStart { add(thread: 0, at: cursor) }
            if current.isEmpty && (!mayStart || isBoundToStart) { break }
            step(cursor)
            if found != nil && goal != .captures { break }
            swap(&current, &next)
            next.removeAll()
            // One position takes at most twice the size of the program, so that looking here is often enough.
            isStopped = steps > maximumSteps
            guard !isStopped, cursor.advance() else { break }
        }
    }

    /// Moves every thread over the code point at the cursor.
    private mutating func step(_ cursor: TextCursor) {
        var following = cursor
        let hasNext = following.advance()
        for index in 0..<current.count {
            steps += 1
            let pc = current.instruction(at: index)
            switch program.instructions[pc] {
            case .match:
                guard goal != .whole || cursor.after == nil else { continue }
                found = current.slots(at: index, count: slotCount)
                return  // threads of lower priority lose
            case .characters(let set):
                guard hasNext, let scalar = cursor.after, program.sets[set].contains(scalar) else { continue }
                if slotCount > 0 { slots = current.slots(at: index, count: slotCount) }
                follow(pc + 1, at: following)
            case .split, .jump, .save, .assertion: continue
            }
        }
    }

    private mutating func add(thread pc: Int, at cursor: TextCursor) {
        for slot in slots.indices { slots[slot] = -1 }
        swap(&current, &next)
        follow(pc, at: cursor)
        swap(&current, &next)
    }

    /// Adds to `next` what can be reached from an instruction without consuming, in order of priority.
    private mutating func follow(_ pc: Int, at cursor: TextCursor) {
        pending.append(.visit(pc))
        while let task = pending.popLast() {
            switch task {
            case .restore(let slot, let value): slots[slot] = value
            case .visit(let pc):
                steps += 1
                guard next.insert(pc) else { continue }
                visit(pc, at: cursor)
            }
        }
    }

    private mutating func visit(_ pc: Int, at cursor: TextCursor) {
        switch program.instructions[pc] {
        case .jump(let target): pending.append(.visit(target))
        case .split(let first, let second):
            pending.append(.visit(second))
            pending.append(.visit(first))
        case .save(let slot):
            if slot < slotCount {
                pending.append(.restore(slot: slot, value: slots[slot]))
                slots[slot] = cursor.position
            }
            pending.append(.visit(pc + 1))
        case .assertion(let assertion):
            if assertion.holds(before: cursor.before, after: cursor.after) { pending.append(.visit(pc + 1)) }
        case .characters, .match:
            // Each thread carries its groups along, which many groups make the larger part of the work.
            steps += slotCount / 4
            next.keep(pc)
            if slotCount > 0 { next.keep(slots: slots) }
        }
    }
}

/// The threads of one position in order of priority, each instruction at most once (a sparse set).
private struct ThreadList {
    private var sparse: [Int32]
    private var visited: [Int32] = []
    private var threads: [Int32] = []
    private var slots: [Int] = []

    init(capacity: Int) { sparse = Array(repeating: 0, count: capacity) }

    var isEmpty: Bool { threads.isEmpty }
    var count: Int { threads.count }
    func instruction(at index: Int) -> Int { Int(threads[index]) }
    func slots(at index: Int, count: Int) -> [Int] { Array(slots[index * count..<(index + 1) * count]) }

    /// False when the instruction was reached before.
    mutating func insert(_ pc: Int) -> Bool {
        let place = Int(sparse[pc])
        if place < visited.count, visited[place] == Int32(pc) { return false }
        sparse[pc] = Int32(visited.count)
        visited.append(Int32(pc))
        return true
    }

    mutating func keep(_ pc: Int) { threads.append(Int32(truncatingIfNeeded: pc)) }

    mutating func keep(slots captured: [Int]) { slots += captured }

    mutating func removeAll() {
        visited.removeAll(keepingCapacity: true)
        threads.removeAll(keepingCapacity: true)
        slots.removeAll(keepingCapacity: true)
    }
}

/// A place between two code points of a UTF-8 text.
struct TextCursor {
    private let text: UnsafeBufferPointer<UInt8>
    private(set) var position: Int
    private(set) var before: UInt32?
    private(set) var after: UInt32?
    private var width = 0

    init(_ text: UnsafeBufferPointer<UInt8>, at position: Int) {
        self.text = text
        self.position = position
        var start = position - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        before = start >= 0 ? Self.decode(text, at: start).scalar : nil
        read()
    }

    /// False at the end of the text.
    mutating func advance() -> Bool {
        guard let scalar = after else { return false }
        before = scalar
        position += width
        read()
        return true
    }

    private mutating func read() {
        guard position < text.count else {
            after = nil
            width = 0
            return
        }
        let (scalar, length) = Self.decode(text, at: position)
        after = scalar
        width = length
    }

    /// Swift strings are always well-formed UTF-8; the bounds are checked all the same.
    private static func decode(_ text: UnsafeBufferPointer<UInt8>, at start: Int) -> (scalar: UInt32, length: Int) {
        let first = text[start]
        let length = first < 0x80 ? 1 : (first < 0xE0 ? 2 : (first < 0xF0 ? 3 : 4))
        guard length > 1, start + length <= text.count else { return (UInt32(first), 1) }
        var scalar = UInt32(first) & (0xFF >> UInt32(length + 1))
        for offset in 1..<length { scalar = scalar << 6 | UInt32(text[start + offset] & 0x3F) }
        return (scalar, length)
    }
}
