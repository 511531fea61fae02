/// Something in a Rego text that has no counterpart here.
struct Untranslatable: Error {
    let line: Int
    /// What it is, to stand after "because of": "the function time.now_ns".
    let what: String
}

/// What an import could not carry over.
public struct RegoLoss: Sendable, Hashable, CustomStringConvertible {
    /// Line of the Rego text, counted from 1.
    public let line: Int
    /// What was left out, and why.
    public let message: String

    /// One line for people.
    public var description: String { "line \(line): \(message)" }
}
