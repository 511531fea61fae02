import FoundationEssentials

/// A parameter of a statement, sent in PostgreSQL's binary format. The statement names the type (`$1::bytea`).
public enum SQLValue: Sendable {
    /// SQL NULL of any type.
    case null
    /// `boolean`.
    case bool(Bool)
    /// `int8`.
    case int(Int64)
    /// `text`; U+0000 cannot be stored and is refused.
    case text(String)
    /// `bytea`.
    case bytes([UInt8])
    /// `timestamptz`, microseconds.
    case date(Date)
    /// `jsonb` from JSON text.
    case json(String)
    /// A one-dimensional array of one element type.
    case array(SQLElementType, [SQLValue])

    /// A `text` parameter or NULL.
    public static func text(orNull value: String?) -> SQLValue { value.map { .text($0) } ?? .null }
    /// A `timestamptz` parameter or NULL.
    public static func date(orNull value: Date?) -> SQLValue { value.map { .date($0) } ?? .null }
    /// A `text[]` parameter.
    public static func texts(_ values: [String]) -> SQLValue { .array(.text, values.map { .text($0) }) }
}

/// The element type of an array parameter.
public enum SQLElementType: UInt32, Sendable {
    /// `bool[]`.
    case bool = 16
    /// `bytea[]`.
    case bytes = 17
    /// `int8[]`.
    case int = 20
    /// `text[]`.
    case text = 25
    /// `timestamptz[]`.
    case date = 1184
    /// `jsonb[]`.
    case json = 3802
}

/// Microseconds since 2000-01-01, PostgreSQL's own time scale.
enum PostgresTime {
    private static let epoch: Double = 946_684_800

    static func microseconds(_ date: Date) -> Int64? {
        Int64(exactly: ((date.timeIntervalSince1970 - epoch) * 1_000_000).rounded())
    }

    static func date(_ microseconds: Int64) -> Date {
        Date(timeIntervalSince1970: Double(microseconds) / 1_000_000 + epoch)
    }
}

/// Parameters of one execution, laid out as libpq takes them: one buffer, and per parameter an offset and a length
/// (-1 for NULL). Encoding happens in the caller's task, so the loop thread only hands pointers on.
struct EncodedParameters: Sendable {
    private(set) var buffer: [UInt8] = []
    private(set) var offsets: [Int] = []
    private(set) var lengths: [Int32] = []

    init(_ values: [SQLValue]) throws(StorageError) {
        offsets.reserveCapacity(values.count)
        lengths.reserveCapacity(values.count)
        for value in values {
            offsets.append(buffer.count)
            lengths.append(try Self.append(value, to: &buffer))
        }
        // An empty value at the end must still have an address: libpq takes a nil pointer for NULL.
        buffer.append(0)
    }

    private static func append(_ value: SQLValue, to buffer: inout [UInt8]) throws(StorageError) -> Int32 {
        let start = buffer.count
        switch value {
        case .null: return -1
        case .bool(let value): buffer.append(value ? 1 : 0)
        case .int(let value): appendBigEndian(value, to: &buffer)
        case .bytes(let value): buffer.append(contentsOf: value)
        case .text(let value): try appendText(value, to: &buffer)
        case .json(let value):
            buffer.append(1)
            try appendText(value, to: &buffer)
        case .date(let value):
            guard let microseconds = PostgresTime.microseconds(value) else {
                throw .invalid("a time is outside the range of the database")
            }
            appendBigEndian(microseconds, to: &buffer)
        case .array(let type, let elements): try append(elements, of: type, to: &buffer)
        }
        guard let length = Int32(exactly: buffer.count - start) else {
            throw .invalid("a value is too large for the database")
        }
        return length
    }

    private static func append(
        _ elements: [SQLValue], of type: SQLElementType, to buffer: inout [UInt8]
    ) throws(StorageError) {
        guard let count = Int32(exactly: elements.count) else {
            throw .invalid("a value is too large for the database")
        }
        appendBigEndian(Int32(count == 0 ? 0 : 1), to: &buffer)
        appendBigEndian(Int32(1), to: &buffer)
        appendBigEndian(type.rawValue, to: &buffer)
        guard count > 0 else { return }
        appendBigEndian(count, to: &buffer)
        appendBigEndian(Int32(1), to: &buffer)
        for element in elements {
            let lengthAt = buffer.count
            appendBigEndian(Int32(-1), to: &buffer)
            let length = try append(element, to: &buffer)
            withUnsafeBytes(of: length.bigEndian) { buffer.replaceSubrange(lengthAt..<lengthAt + 4, with: $0) }
        }
    }

    private static func appendText(_ text: String, to buffer: inout [UInt8]) throws(StorageError) {
        guard !text.containsUTF8(0) else {
            throw .invalid("a text holds the character U+0000, which cannot be stored")
        }
        buffer.append(contentsOf: text.utf8)
    }

    private static func appendBigEndian<Integer: FixedWidthInteger>(_ value: Integer, to buffer: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { buffer.append(contentsOf: $0) }
    }
}
