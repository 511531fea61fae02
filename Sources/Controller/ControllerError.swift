/// Why a reconciliation did not happen.
public struct ControllerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A stable name: `unreadable` (the folder or a file), `invalid` (a policy), `unavailable` (the broker or the API server
    /// cannot be reached; trying again may help), `refused` (the broker or the API server said no), `fenced` (another
    /// controller has taken over the source), `not_leading` (this controller may not write any more), `not_synced` (not
    /// everything was read yet), `stale` (an object changed while it was looked at), `source_missing` (a Secret that is referred
    /// to), `cannot_listen` (the address of a server) or `unexpected` (an answer that cannot be understood).
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

    static let fencedCode = "fenced"

    static let overtaken = ControllerError(
        code: fencedCode,
        message: "The broker knows of a later term than this process leads in, and takes nothing from it any more.")

    static let notLeading = ControllerError(
        code: "not_leading", message: "Another controller leads, or nobody; this one writes nothing.")
}
