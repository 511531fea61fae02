/// What is wrong with a configuration, and where.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable word for programs, such as `unknown_key`.
    public let code: String
    /// A sentence for the operator, with the setting's place in the document.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}
