/// One thing that is wrong, or worth a look, in a policy text.
public struct PolicyDiagnostic: Sendable, Hashable {
    /// How bad it is.
    public enum Severity: String, Sendable, Hashable {
        /// The document cannot be applied.
        case error
        /// The document can be applied, but probably does not do what its author wants.
        case warning
        /// Worth knowing; nothing needs to be done about it.
        case note
    }

    /// How bad it is.
    public let severity: Severity
    /// A stable word for programs, such as `unknown_field`, `wrong_type`, `unknown_claim` or `yaml_syntax`.
    public let code: String
    /// Where the text came from: a file name, or a name that the caller chose.
    public let source: String
    /// Line in the source, counted from 1.
    public let line: Int
    /// Column in the source, counted from 1 in Unicode scalars.
    public let column: Int
    /// The field, such as `spec.validations[0].expression`; empty when the whole document is meant.
    public let path: String
    /// A sentence that says what is wrong.
    public let message: String
    /// What to do about it, where something sensible can be said.
    public let hint: String?

    /// A diagnostic at a place in a source.
    public init(
        severity: Severity = .error, code: String, source: String, line: Int, column: Int, path: String,
        message: String, hint: String? = nil
    ) {
        self.severity = severity
        self.code = code
        self.source = source
        self.line = line
        self.column = column
        self.path = path
        self.message = message
        self.hint = hint
    }
}

extension PolicyDiagnostic: CustomStringConvertible {
    /// One line in the form compilers use: `file:line:column: error: path: sentence (hint)`.
    public var description: String {
        let place = "\(source):\(line):\(column): \(severity.rawValue): "
        let field = path.isEmpty ? "" : "\(path): "
        return place + field + message + (hint.map { " (\($0))" } ?? "")
    }
}

/// Why policy texts were refused: every error found, in the order of the text.
public struct PolicyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong; never empty.
    public let diagnostics: [PolicyDiagnostic]

    /// An error made of what was found.
    public init(diagnostics: [PolicyDiagnostic]) {
        self.diagnostics = diagnostics
    }

    /// A stable word for programs: `policy_invalid`.
    public var code: String { "policy_invalid" }

    /// One line for each diagnostic.
    public var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}
