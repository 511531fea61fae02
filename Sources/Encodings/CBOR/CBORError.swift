/// Why bytes are not acceptable CBOR, and where.
public struct CBORError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable identifier: `too_large`, `too_deep`, `too_many_items`, `unexpected_end`, `trailing_bytes`, `reserved_head`,
    /// `indefinite_length`, `not_shortest`, `invalid_utf8`, `duplicate_key` or `unsorted_keys`.
    public let code: String
    /// Byte offset from the start of the item that was to be read.
    public let offset: Int
    /// A sentence for a human; holds no part of the bytes.
    public let message: String

    init(_ code: String, at offset: Int, _ message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }

    /// The message with the offset.
    public var description: String { "\(message) (byte \(offset))" }
}
