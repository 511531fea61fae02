/// Why a program or a thread could not be started.
public struct ProcessError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Always `cannot_start`.
    public let code = "cannot_start"
    /// A sentence for the operator.
    public let message: String

    /// The sentence.
    public var description: String { message }

    init(_ message: String) { self.message = message }
}
