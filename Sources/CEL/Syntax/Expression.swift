/// A parsed expression; macros are already forms of their own.
final class Expression: Sendable {
    indirect enum Form: Sendable {
        case literal(CELValue)
        /// A name; with a leading dot it is resolved in the root scope alone.
        case identifier(String)
        case select(Expression, field: String, mode: SelectMode)
        case index(Expression, Expression, isOptional: Bool)
        case not(Expression)
        case negate(Expression)
        case binary(BinaryOperator, Expression, Expression)
        case and([Expression])
        case or([Expression])
        case conditional(Expression, Expression, Expression)
        case call(String, target: Expression?, [Expression])
        case list([Element])
        case map([Entry])
        case message(String, [Field])
        case comprehension(Comprehension)
        /// Names bound one after the other, each evaluated when first used.
        case bindings([(name: String, value: Expression)], Expression)
        case optionalMap(Expression, variable: String, Expression, isFlat: Bool)
    }

    enum SelectMode: Sendable {
        case value
        /// `has(e.f)`
        case presence
        /// `e.?f`
        case optional
    }

    struct Element: Sendable {
        let value: Expression
        let isOptional: Bool
    }

    struct Entry: Sendable {
        let key: Expression
        let value: Expression
        let isOptional: Bool
    }

    struct Field: Sendable {
        let name: String
        let value: Expression
        let isOptional: Bool
        let position: Int
    }

    let form: Form
    /// Where errors of this expression point: the operator of an operation, else its start.
    let position: Int
    /// The source text, in code points.
    let range: Range<Int>
    /// The number of nested forms, this one included.
    let depth: Int

    init(_ form: Form, at position: Int, range: Range<Int>, depth: Int) {
        self.form = form
        self.position = position
        self.range = range
        self.depth = depth
    }
}

enum BinaryOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case contained = "in"

    var isRelation: Bool {
        switch self {
        case .add, .subtract, .multiply, .divide, .modulo: false
        default: true
        }
    }

    /// The name of the operator's function in the type environment.
    var functionName: String { self == .contained ? "@in" : "_\(rawValue)_" }
}

/// A macro that walks over a list or map.
struct Comprehension: Sendable {
    enum Kind: Sendable {
        case all, exists, existsOne, filter, map
        case transformList, transformMap, transformMapEntry
        /// The transform gives the key that orders the elements.
        case sortBy
    }

    let kind: Kind
    let range: Expression
    /// The element or key; with a second variable the index or key.
    let variable: String
    /// The element or value, in the forms with two variables.
    let secondVariable: String?
    /// What elements must satisfy; nil where every element counts.
    let condition: Expression?
    /// What elements become; nil in the quantifiers and `filter`.
    let transform: Expression?
}
