/// What an evaluation found, condition by condition.
public struct CELTrace: Sendable {
    /// The value of the whole expression, or why there is none.
    public let result: Result<CELValue, CELError>
    /// The conditions that `&&`, `||`, `!` and `?:` combine, in the order of the source.
    public let conditions: [CELCondition]
}

/// One condition of an expression, with what it saw.
public struct CELCondition: Sendable {
    /// How a condition came out.
    public enum Outcome: Sendable {
        /// A value, for a condition true or false.
        case value(CELValue)
        /// An error.
        case failed(CELError)
        /// Not evaluated, because an earlier condition had decided.
        case skipped
    }

    /// A side of a comparison.
    public struct Operand: Sendable {
        /// The source text.
        public let text: String
        /// Its value; nil when it could not be evaluated.
        public let value: CELValue?
        /// Whether the source spells it as a constant, so that it is what is required and not what was measured.
        public let isConstant: Bool
    }

    /// The source text.
    public let text: String
    /// Where it starts in the source, in code points.
    public let offset: Int
    /// The line of that place, from 1.
    public let line: Int
    /// The column of that place, from 1.
    public let column: Int
    /// How it came out.
    public let outcome: Outcome
    /// False under an odd number of `!`: then the whole is helped by false.
    public let isWanted: Bool
    /// The comparison (`==`, `<`, `in`, …); nil for any other condition.
    public let comparison: String?
    /// The left side of the comparison.
    public let left: Operand?
    /// The right side of the comparison.
    public let right: Operand?

    /// Whether the condition came out true.
    public var isTrue: Bool {
        if case .value(.bool(true)) = outcome { true } else { false }
    }
}
