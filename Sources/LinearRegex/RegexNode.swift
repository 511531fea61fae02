/// The parsed form of a pattern.
indirect enum RegexNode {
    case empty
    case characters(ScalarSet)
    case assertion(RegexAssertion)
    case capture(RegexNode, index: Int)
    case concatenation([RegexNode])
    case alternation([RegexNode])
    case repetition(RegexNode, minimum: Int, maximum: Int?, greedy: Bool)

    /// Whether the node can match the empty string.
    var isNullable: Bool {
        switch self {
        case .empty, .assertion: true
        case .characters: false
        case .capture(let inner, _): inner.isNullable
        case .concatenation(let parts): parts.allSatisfy(\.isNullable)
        case .alternation(let parts): parts.contains(where: \.isNullable)
        case .repetition(let inner, let minimum, _, _): minimum == 0 || inner.isNullable
        }
    }
}

/// Conditions on a position that consume nothing.
enum RegexAssertion: Sendable {
    case beginText, endText, beginLine, endLine, wordBoundary, notWordBoundary

    /// Whether the assertion holds between two neighbouring code points (nil: edge of the text).
    func holds(before: UInt32?, after: UInt32?) -> Bool {
        switch self {
        case .beginText: before == nil
        case .endText: after == nil
        case .beginLine: before == nil || before == 10
        case .endLine: after == nil || after == 10
        case .wordBoundary: Self.isWord(before) != Self.isWord(after)
        case .notWordBoundary: Self.isWord(before) == Self.isWord(after)
        }
    }

    private static func isWord(_ scalar: UInt32?) -> Bool {
        guard let scalar, scalar < 128 else { return false }
        return ScalarSet.word.contains(scalar)
    }
}
