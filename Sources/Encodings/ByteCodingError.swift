/// Why a text is not base64, hexadecimal or percent-encoded.
public struct ByteCodingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable identifier: `invalid_character`, `invalid_length`, `invalid_padding`, `trailing_bits` or `invalid_escape`.
    public let code: String
    /// A sentence for a human; holds no part of the text.
    public let message: String

    /// An error with its code and sentence.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    static let character = ByteCodingError(
        code: "invalid_character", message: "The text has a character outside of its alphabet")
    static let length = ByteCodingError(
        code: "invalid_length", message: "The text's length does not fit its encoding")
    static let padding = ByteCodingError(
        code: "invalid_padding", message: "The text's base64 padding is missing, superfluous or misplaced")
    static let trailingBits = ByteCodingError(
        code: "trailing_bits", message: "The text's last base64 character carries bits that must be zero")
}
