import CEL
import Encodings

/// What can be said of an expression without any input.
package struct ExpressionFacts: Sendable {
    /// The text as it was written.
    package let source: String
    /// The reference values that it asks for.
    package let referenceNames: [String]
    /// The names `x` of `variables.x` that it uses.
    package let variables: [String]
    /// Whether it uses `variables` in another way.
    package let usesAnyVariable: Bool
    private let program: CELProgram?

    /// Reads what can be told of an expression.
    package init(_ source: String) {
        self.source = source
        let calls = try? ReferenceCalls(source)
        referenceNames = calls?.names ?? []
        // Names are not looked up: an input that is not there is an error when it is needed, and only then.
        program = calls.flatMap { try? CELProgram($0.expression, environment: CELEnvironment(isChecked: false)) }
        let paths = (program?.references ?? []).map(\.path).filter { $0.first == "variables" }
        variables = paths.compactMap { $0.count > 1 ? $0[1] : nil }
        usesAnyVariable = paths.contains { $0.count == 1 }
    }

    /// The truth value that the expression has whatever the other inputs are; `nil` when it depends on them.
    ///
    /// `a || true` is true for any `a`, as `||` absorbs what cannot be evaluated.
    package func constant(_ inputs: [String: CELValue] = [:]) -> Bool? {
        guard case .bool(let value) = try? program?.evaluate(inputs, costLimit: 10_000) else { return nil }
        return value
    }
}

extension JSONValue {
    /// All expressions of a document's content, with their paths: whatever stands in a field that holds expressions.
    package func expressions(at path: String) -> [(path: String, facts: ExpressionFacts)] {
        guard path == "spec" else { return [] }
        return (self["spec"] ?? .null).expressionTexts(at: path).map { ($0.path, ExpressionFacts($0.text)) }
    }

    private func expressionTexts(at path: String) -> [(path: String, text: String)] {
        switch self {
        case .object(let members):
            members.flatMap { name, value -> [(path: String, text: String)] in
                let inner = "\(path).\(name)"
                switch (name, value) {
                case ("expression", .string(let text)), ("messageExpression", .string(let text)): return [(inner, text)]
                case ("when", .array(let items)):
                    return items.enumerated().compactMap { index, item in
                        item.stringValue.map { ("\(inner)[\(index)]", $0) }
                    }
                default: return value.expressionTexts(at: inner)
                }
            }
        case .array(let items): items.enumerated().flatMap { $1.expressionTexts(at: "\(path)[\($0)]") }
        default: []
        }
    }
}
