import Encodings

/// What is written down before a register is extended, so that an interrupted recording can be finished or dropped:
/// where the entry goes, what the register becomes, and the event's text.
///
/// The format is the reference's. It does not say which register; where that is not the configured one, a line with its
/// number follows the text, which itself has no line breaks.
struct WriteAheadRecord: Sendable, Hashable {
    /// Where the entry begins in the log.
    let offset: UInt64
    /// The register's value once it is extended.
    let expected: [UInt8]
    /// The event's text.
    let text: String
    /// The register's number in the log; nil for the configured one.
    let register: UInt32?

    init(offset: UInt64, expected: [UInt8], text: String, register: UInt32? = nil) {
        self.offset = offset
        self.expected = expected
        self.text = text
        self.register = register
    }

    var bytes: [UInt8] {
        BigEndian.bytes(offset) + expected + Array(text.utf8) + (register.map { Array("\n\($0)".utf8) } ?? [])
    }

    /// Reads a record; nil when it was cut while it was written.
    init?(parsing bytes: [UInt8], digestBytes: Int) {
        var reader = ByteReader(bytes)
        guard let offset = try? reader.u64BE(), let expected = try? reader.bytes(digestBytes),
            let rest = String(validating: reader.rest(), as: UTF8.self)
        else { return nil }
        self.offset = offset
        self.expected = expected
        let parts = rest.split(separator: "\n", omittingEmptySubsequences: false)
        switch parts.count {
        case 1:
            register = nil
        case 2:
            guard let number = UInt32(parts[1]) else { return nil }
            register = number
        default:
            return nil
        }
        text = String(parts[0])
    }
}
