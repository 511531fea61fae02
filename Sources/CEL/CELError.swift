/// Why an expression was refused or its evaluation ended without a value.
public struct CELError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stable reasons.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        // When compiled
        case syntax = "syntax_error"
        case tooDeep = "nesting_too_deep"
        case tooLarge = "expression_too_large"
        case typeMismatch = "type_mismatch"
        case unknownField = "unknown_field"
        // When compiled or evaluated
        case undeclaredReference = "undeclared_reference"
        case noSuchOverload = "no_such_overload"
        // When evaluated
        case noSuchField = "no_such_field"
        case noSuchKey = "no_such_key"
        case duplicateKey = "duplicate_key"
        case overflow = "overflow"
        case divideByZero = "divide_by_zero"
        case invalidArgument = "invalid_argument"
        case costExceeded = "cost_exceeded"
    }

    /// The reason as a type.
    public let kind: Code
    /// A sentence for the author of the expression.
    public let message: String
    /// Where in the source, in code points from its start; 0 when the whole expression is meant.
    public private(set) var offset: Int
    /// The line of that place, from 1.
    public private(set) var line: Int
    /// The column of that place in code points, from 1.
    public private(set) var column: Int

    /// The name that nothing answers to, for `unknown_field` and `undeclared_reference` found when compiled.
    public let unknownName: CELUnknownName?

    /// The reason as a stable string such as `no_such_key`.
    public var code: String { kind.rawValue }

    /// Place, reason and sentence on one line.
    public var description: String { "\(line):\(column): \(code): \(message)" }

    /// Marks an error that no place is known for yet.
    private static let unplaced = -1

    init(_ kind: Code, _ message: String, at offset: Int? = nil, unknown name: CELUnknownName? = nil) {
        self.kind = kind
        self.message = (message + (name?.nearest.first.map { "; did you mean '\($0)'?" } ?? "")).legible
        unknownName = name
        self.offset = offset ?? Self.unplaced
        line = 1
        column = 1
    }

    /// The same error at a place, unless it has one already.
    func placed(at offset: Int) -> CELError {
        guard self.offset == Self.unplaced else { return self }
        var copy = self
        copy.offset = offset
        return copy
    }

    /// The same error with line and column filled in.
    func located(in source: SourceText) -> CELError {
        var copy = placed(at: 0)
        (copy.line, copy.column) = source.position(of: copy.offset)
        return copy
    }

    static func noSuchOverload(_ function: String, _ arguments: CELValue...) -> CELError {
        noSuchOverload(function, arguments)
    }

    static func noSuchOverload(_ function: String, _ arguments: [CELValue]) -> CELError {
        let types = arguments.map(\.typeName).joined(separator: ", ")
        return CELError(.noSuchOverload, "'\(function)' cannot be applied to (\(types))")
    }
}

/// A name that is not declared, and what may have been meant.
public struct CELUnknownName: Sendable, Hashable {
    /// The name as written.
    public let name: String
    /// The object type that lacks the field; nil for a variable or function.
    public let owner: String?
    /// Declared names that resemble it, nearest first, at most three.
    public let nearest: [String]

    init(_ name: String, owner: String? = nil, among known: some Sequence<String>) {
        self.name = name
        self.owner = owner
        nearest = NearestName.ranked(name, in: known)
    }
}
