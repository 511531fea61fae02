/// Why a COSE message or key is refused.
public struct COSEError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable identifier: `malformed`, `unsupported_algorithm`, `unsupported_header` or `unsupported_key`.
    public let code: String
    /// A sentence for the operator.
    public let message: String

    init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    static func malformed(_ message: String) -> COSEError { COSEError("malformed", message) }
}
