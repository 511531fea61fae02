/// One step of the automaton.
enum RegexInstruction: Sendable {
    /// Consumes one code point of the set with this number, then goes to the next instruction.
    case characters(Int)
    /// Goes to both; the first has priority.
    case split(Int, Int)
    case jump(Int)
    /// Notes the position in a capture slot.
    case save(Int)
    case assertion(RegexAssertion)
    case match
}

/// A compiled pattern. Instructions are plain numbers, so that a search counts no references.
struct RegexProgram: Sendable {
    let instructions: [RegexInstruction]
    let sets: [ScalarSet]
    /// Whether a match can only begin where the text does.
    let isAnchored: Bool

    init(instructions: [RegexInstruction], sets: [ScalarSet]) {
        self.instructions = instructions
        self.sets = sets
        if instructions.count > 1, case .assertion(.beginText) = instructions[1] {
            isAnchored = true
        } else {
            isAnchored = false
        }
    }
}

/// Turns the tree into instructions; refuses a pattern whose repetitions unfold beyond the limit.
struct RegexCompiler {
    private let limit: Int
    private var instructions: [RegexInstruction] = []
    private var sets: [ScalarSet] = []
    /// Parts unfolded so far: repetitions of what emits nothing must end too.
    private var unfolded = 0

    static func compile(_ node: RegexNode, limits: RegexLimits) throws(RegexError) -> RegexProgram {
        var compiler = RegexCompiler(limit: limits.maximumProgramSize)
        try compiler.emit(.save(0))
        try compiler.append(node)
        try compiler.emit(.save(1))
        try compiler.emit(.match)
        return RegexProgram(instructions: compiler.instructions, sets: compiler.sets)
    }

    private init(limit: Int) { self.limit = limit }

    @discardableResult
    private mutating func emit(_ instruction: RegexInstruction) throws(RegexError) -> Int {
        guard instructions.count < limit else { throw tooLarge }
        instructions.append(instruction)
        return instructions.count - 1
    }

    private var tooLarge: RegexError {
        RegexError(.tooLarge, "the pattern unfolds to more than \(limit) steps", at: 0)
    }

    private mutating func append(_ node: RegexNode) throws(RegexError) {
        unfolded += 1
        guard unfolded <= 4 * limit else { throw tooLarge }
        switch node {
        case .empty: return
        case .characters(let set):
            try emit(.characters(sets.count))
            sets.append(set)
        case .assertion(let assertion): try emit(.assertion(assertion))
        case .capture(let inner, let index):
            try emit(.save(2 * index))
            try append(inner)
            try emit(.save(2 * index + 1))
        case .concatenation(let parts):
            for part in parts { try append(part) }
        case .alternation(let branches): try emitAlternation(branches)
        case .repetition(let inner, let minimum, let maximum, let greedy):
            try emitRepetition(inner, minimum, maximum, greedy)
        }
    }

    private mutating func emitAlternation(_ branches: [RegexNode]) throws(RegexError) {
        var exits: [Int] = []
        for (index, branch) in branches.enumerated() {
            guard index < branches.count - 1 else {
                try append(branch)
                break
            }
            let split = try emit(.split(0, 0))
            try append(branch)
            exits.append(try emit(.jump(0)))
            instructions[split] = .split(split + 1, instructions.count)
        }
        for exit in exits { instructions[exit] = .jump(instructions.count) }
    }

    private mutating func emitRepetition(
        _ inner: RegexNode, _ minimum: Int, _ maximum: Int?, _ greedy: Bool
    ) throws(RegexError) {
        guard let maximum else {
            for _ in 0..<max(minimum - 1, 0) { try append(inner) }
            if minimum > 0 {
                try emitPlus(inner, greedy)
            } else if inner.isNullable {
                // x* over an x that can be empty is (x+)?, so that the empty iteration keeps its priority.
                try emitOptional(greedy) { (compiler) throws(RegexError) in try compiler.emitPlus(inner, greedy) }
            } else {
                try emitStar(inner, greedy)
            }
            return
        }
        for _ in 0..<minimum { try append(inner) }
        var splits: [Int] = []
        for _ in minimum..<maximum {
            splits.append(try emit(.split(0, 0)))
            try append(inner)
        }
        for split in splits { instructions[split] = branch(split + 1, instructions.count, greedy) }
    }

    private mutating func emitPlus(_ inner: RegexNode, _ greedy: Bool) throws(RegexError) {
        let start = instructions.count
        try append(inner)
        let split = try emit(.split(0, 0))
        instructions[split] = branch(start, split + 1, greedy)
    }

    private mutating func emitStar(_ inner: RegexNode, _ greedy: Bool) throws(RegexError) {
        let split = try emit(.split(0, 0))
        try append(inner)
        try emit(.jump(split))
        instructions[split] = branch(split + 1, instructions.count, greedy)
    }

    private mutating func emitOptional(
        _ greedy: Bool, _ body: (inout RegexCompiler) throws(RegexError) -> Void
    ) throws(RegexError) {
        let split = try emit(.split(0, 0))
        try body(&self)
        instructions[split] = branch(split + 1, instructions.count, greedy)
    }

    private func branch(_ inside: Int, _ outside: Int, _ greedy: Bool) -> RegexInstruction {
        greedy ? .split(inside, outside) : .split(outside, inside)
    }
}
