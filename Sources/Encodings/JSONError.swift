/// Why a text is not acceptable JSON, and where.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable identifier: `too_large`, `too_deep`, `too_many_values`, `unexpected_end`, `unexpected_byte`,
    /// `invalid_number`, `number_out_of_range`, `invalid_escape`, `lone_surrogate`, `invalid_utf8`, `control_character`,
    /// `duplicate_name`, `trailing_bytes`, `wrong_type` or `not_canonicalizable`.
    public let code: String
    /// Byte offset from the start of the text.
    public let offset: Int
    /// Line, from 1.
    public let line: Int
    /// Column in bytes, from 1.
    public let column: Int
    /// A sentence for a human; holds no part of the text.
    public let message: String

    /// An error at a place that the caller has worked out.
    public init(code: String, offset: Int, line: Int, column: Int, message: String) {
        self.code = code
        self.offset = offset
        self.line = line
        self.column = column
        self.message = message
    }

    init(code: String, offset: Int, in bytes: [UInt8], message: String) {
        var line = 1
        var lineStart = 0
        for position in 0..<min(offset, bytes.count) where bytes[position] == UInt8(ascii: "\n") {
            line += 1
            lineStart = position + 1
        }
        self.init(code: code, offset: offset, line: line, column: offset - lineStart + 1, message: message)
    }

    /// The message with line and column.
    public var description: String { "\(message) (line \(line), column \(column))" }
}
