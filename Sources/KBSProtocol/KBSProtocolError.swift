/// Why a message of the KBS protocol is refused.
public struct KBSProtocolError: Error, Sendable, Hashable {
    /// A stable word for programs, such as `version_mismatch`.
    public let code: String
    /// A sentence for the operator; it never quotes keys, nonces or evidence.
    public let message: String

    /// An error with a stable code and a sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    static func malformed(_ message: String) -> KBSProtocolError {
        KBSProtocolError(code: "malformed_message", message: message)
    }
}
