/// Why a reconciliation did not happen.
public struct ControllerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable name: `unreadable` (the folder or a file), `invalid` (a policy), `unavailable` (the broker cannot be
    /// reached; trying again may help) or `refused` (the broker said no).
    public let code: String
    /// A sentence for the operator.
    public let message: String

    /// Makes an error.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}
