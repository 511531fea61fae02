/// Why a pattern was refused, with the place in it.
public struct RegexError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stable reasons.
    public enum Code: String, Sendable, Hashable {
        case missingParenthesis = "missing_parenthesis"
        case unexpectedParenthesis = "unexpected_parenthesis"
        case missingBracket = "missing_bracket"
        case invalidEscape = "invalid_escape"
        case invalidClass = "invalid_class"
        case invalidRange = "invalid_range"
        case invalidFlag = "invalid_flag"
        case invalidGroup = "invalid_group"
        case invalidName = "invalid_name"
        case invalidRepetition = "invalid_repetition"
        case missingOperand = "missing_operand"
        case unsupported = "unsupported"
        case tooLarge = "too_large"
        case tooDeep = "too_deep"
        /// Of a search, not of the pattern.
        case outOfSteps = "out_of_steps"
    }

    /// The reason as a type.
    public let kind: Code
    /// A sentence for the author of the pattern.
    public let message: String
    /// Where in the pattern, in code points from its start.
    public let offset: Int

    /// The reason as a stable string such as `missing_parenthesis`.
    public var code: String { kind.rawValue }

    /// Reason, place and sentence on one line.
    public var description: String { "\(code) at \(offset): \(message)" }

    init(_ kind: Code, _ message: String, at offset: Int) {
        self.kind = kind
        self.message = message
        self.offset = offset
    }
}

/// What a pattern may cost at most; every limit is checked before the memory is taken.
public struct RegexLimits: Sendable, Hashable {
    /// The longest pattern, in code points.
    public var maximumPatternLength: Int
    /// The largest compiled program, in instructions; bounds the work per code point of text.
    public var maximumProgramSize: Int
    /// The largest bound in `{n,m}` (RE2 allows 1000).
    public var maximumRepetition: Int
    /// The deepest nesting of groups.
    public var maximumDepth: Int
    /// The largest number of capturing groups; bounds the memory of a search for them.
    public var maximumCaptures: Int

    /// RE2's bound on repetitions, 10,000 instructions, 100 capturing groups.
    public init(
        maximumPatternLength: Int = 8192, maximumProgramSize: Int = 10_000, maximumRepetition: Int = 1000,
        maximumDepth: Int = 200, maximumCaptures: Int = 100
    ) {
        self.maximumPatternLength = maximumPatternLength
        self.maximumProgramSize = maximumProgramSize
        self.maximumRepetition = maximumRepetition
        self.maximumDepth = maximumDepth
        self.maximumCaptures = maximumCaptures
    }
}
