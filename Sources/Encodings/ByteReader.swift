/// Why bytes could not be read.
public struct ByteReaderError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable identifier: `unexpected_end` or `trailing_bytes`.
    public let code: String
    /// Where the reader stood, in bytes from the start.
    public let offset: Int
    /// A sentence for a human.
    public let message: String

    /// The message.
    public var description: String { message }
}

/// A cursor over bytes that never reads past their end.
public struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private let end: Int

    /// Bytes already read.
    public private(set) var position: Int

    /// A reader at the start of the bytes.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    /// The number of bytes still to read.
    public var remaining: Int { end - position }

    /// Whether everything has been read.
    public var isAtEnd: Bool { position == end }

    /// Throws `trailing_bytes` unless everything has been read.
    public func requireEnd() throws(ByteReaderError) {
        guard isAtEnd else {
            throw ByteReaderError(
                code: "trailing_bytes", offset: position, message: "\(remaining) unexpected bytes follow the structure")
        }
    }

    /// The next `count` bytes; a negative count is refused like one that is too large.
    public mutating func bytes(_ count: Int) throws(ByteReaderError) -> [UInt8] {
        let start = position
        try skip(count)
        return Array(bytes[start..<position])
    }

    /// All bytes that are left.
    public mutating func rest() -> [UInt8] {
        defer { position = end }
        return Array(bytes[position..<end])
    }

    /// Passes over `count` bytes.
    public mutating func skip(_ count: Int) throws(ByteReaderError) {
        guard count >= 0, count <= remaining else {
            throw ByteReaderError(
                code: "unexpected_end", offset: position,
                message: "\(count) bytes were expected at offset \(position), \(remaining) are left")
        }
        position += count
    }

    /// The next byte without passing over it, or `nil` at the end.
    public func peek() -> UInt8? { isAtEnd ? nil : bytes[position] }

    /// One byte.
    public mutating func u8() throws(ByteReaderError) -> UInt8 { try integer(bigEndian: true) }
    /// Two bytes, most significant first.
    public mutating func u16BE() throws(ByteReaderError) -> UInt16 { try integer(bigEndian: true) }
    /// Two bytes, least significant first.
    public mutating func u16LE() throws(ByteReaderError) -> UInt16 { try integer(bigEndian: false) }
    /// Four bytes, most significant first.
    public mutating func u32BE() throws(ByteReaderError) -> UInt32 { try integer(bigEndian: true) }
    /// Four bytes, least significant first.
    public mutating func u32LE() throws(ByteReaderError) -> UInt32 { try integer(bigEndian: false) }
    /// Eight bytes, most significant first.
    public mutating func u64BE() throws(ByteReaderError) -> UInt64 { try integer(bigEndian: true) }
    /// Eight bytes, least significant first.
    public mutating func u64LE() throws(ByteReaderError) -> UInt64 { try integer(bigEndian: false) }

    private mutating func integer<Number: FixedWidthInteger & UnsignedInteger>(
        bigEndian: Bool
    ) throws(ByteReaderError) -> Number {
        let start = position
        try skip(Number.bitWidth / 8)
        var number: Number = 0
        for offset in start..<position {
            let shift = 8 * (bigEndian ? position - 1 - offset : offset - start)
            number |= Number(bytes[offset]) << Number(shift)
        }
        return number
    }
}
