/// A regular expression in RE2 syntax that runs in time linear in the text, whatever the pattern.
///
/// Back-references and look-around do not exist here. Classes such as `\w` are ASCII, `\p{..}` takes Unicode general
/// categories, `(?i)` uses simple case folding.
public struct LinearRegex: Sendable {
    /// The pattern as given.
    public let pattern: String
    /// The names of the groups by index; index 0 is the whole match.
    public let captureNames: [String?]
    private let program: RegexProgram

    /// Compiles a pattern.
    /// - Throws: `RegexError` with the offset in code points when the pattern is malformed, asks for what cannot run in
    ///   linear time, or exceeds a limit.
    public init(_ pattern: String, limits: RegexLimits = RegexLimits()) throws(RegexError) {
        var parser = try RegexParser(pattern, limits: limits)
        let tree = try parser.parse()
        self.pattern = pattern
        captureNames = parser.captureNames
        program = try RegexCompiler.compile(tree, limits: limits)
    }

    /// The number of instructions: a search does at most a small multiple of this per code point of text.
    public var programSize: Int { program.instructions.count }

    /// Whether any part of the text matches (RE2 partial match).
    public func matches(_ text: String) -> Bool { measuredMatch(text).matched }

    /// Whether the text as a whole matches; anchored by construction, so no alternation can widen it.
    public func wholeMatch(_ text: String) -> Bool { run(text, goal: .whole).found != nil }

    /// The leftmost match at or after a place, alternatives in order of preference (leftmost-first).
    /// - Parameter offset: where to start, in UTF-8 bytes; what stands before it still counts for `\b` and `^`.
    public func firstMatch(in text: String, from offset: Int = 0) -> RegexMatch? {
        guard offset >= 0, offset <= text.utf8.count, let slots = run(text, goal: .captures, from: offset).found
        else { return nil }
        return RegexMatch(slots: slots, names: captureNames)
    }

    /// As `matches(_:)`, with a bound on the work.
    /// - Parameter steps: how many instructions the search may look at; what it did is taken off.
    /// - Throws: `RegexError` (`out_of_steps`) when it would take more.
    public func matches(_ text: String, steps: inout Int) throws(RegexError) -> Bool {
        try bounded(text, goal: .anywhere, from: 0, &steps) != nil
    }

    /// As `firstMatch(in:from:)`, with a bound on the work.
    /// - Parameter steps: how many instructions the search may look at; what it did is taken off.
    /// - Throws: `RegexError` (`out_of_steps`) when it would take more.
    public func firstMatch(
        in text: String, from offset: Int = 0, steps: inout Int
    ) throws(RegexError) -> RegexMatch? {
        guard offset >= 0, offset <= text.utf8.count,
            let slots = try bounded(text, goal: .captures, from: offset, &steps)
        else { return nil }
        return RegexMatch(slots: slots, names: captureNames)
    }

    /// A search together with the number of instructions that it looked at.
    func measuredMatch(_ text: String) -> (matched: Bool, steps: Int) {
        let machine = run(text, goal: .anywhere)
        return (machine.found != nil, machine.steps)
    }

    private func bounded(
        _ text: String, goal: RegexMachine.Goal, from offset: Int, _ steps: inout Int
    ) throws(RegexError) -> [Int]? {
        let machine = run(text, goal: goal, from: offset, maximumSteps: steps)
        steps = max(0, steps - machine.steps)
        guard !machine.isStopped else {
            throw RegexError(.outOfSteps, "the search took more steps than it may", at: 0)
        }
        return machine.found
    }

    private func run(
        _ text: String, goal: RegexMachine.Goal, from offset: Int = 0, maximumSteps: Int = .max
    ) -> RegexMachine {
        var machine = RegexMachine(
            program: program, slotCount: 2 * captureNames.count, goal: goal, maximumSteps: maximumSteps)
        var text = text
        text.withUTF8 { machine.run($0, from: offset) }
        return machine
    }
}

/// Where a pattern matched.
public struct RegexMatch: Sendable, Hashable {
    /// The ranges of the groups in UTF-8 bytes; index 0 is the whole match, nil a group that took no part.
    public let captures: [Range<Int>?]
    private let names: [String?]

    init(slots: [Int], names: [String?]) {
        captures = names.indices.map { index in
            let (start, end) = (slots[2 * index], slots[2 * index + 1])
            return start >= 0 && end >= start ? start..<end : nil
        }
        self.names = names
    }

    /// The whole match in UTF-8 bytes.
    public var range: Range<Int> { (captures.first ?? nil) ?? 0..<0 }

    /// The range of a named group; nil when there is none or it took no part.
    public subscript(_ name: String) -> Range<Int>? {
        names.firstIndex(of: name).flatMap { captures[$0] }
    }
}
