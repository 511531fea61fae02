/// Why a Rego text was not imported at all.
public struct RegoError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable word for programs: `rego_syntax`, `too_large`, `nothing_to_import`.
    public let code: String
    /// Where the text came from.
    public let source: String
    /// Line of the text, counted from 1.
    public let line: Int
    /// A sentence that says what is wrong.
    public let message: String

    init(_ code: String, source: String, line: Int, _ message: String) {
        self.code = code
        self.source = source
        self.line = line
        self.message = message
    }

    /// One line in the form compilers use.
    public var description: String { "\(source):\(line): error: \(message)" }
}

/// What is wrong at a line, before it is known which file it is.
struct RegoFault: Error {
    let line: Int
    let message: String
}
