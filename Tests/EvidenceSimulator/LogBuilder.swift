import Crypto

/// Writes event logs byte by byte, right ones and wrong ones.
package struct LogBuilder: Sendable {
    /// The log so far.
    package private(set) var bytes: [UInt8]

    /// A log that declares these algorithms (number and size of digests).
    package init(algorithms: [(UInt16, UInt16)] = [(0x0C, 48)], vendor: [UInt8] = []) {
        var data = Array("Spec ID Event03\0".utf8) + [0, 0, 0, 0, 0, 2, 0, 2]
        data += Self.littleEndian(UInt32(algorithms.count))
        for (number, size) in algorithms { data += Self.littleEndian(number) + Self.littleEndian(size) }
        data += [UInt8(vendor.count)] + vendor
        bytes = Self.littleEndian(UInt32(0)) + Self.littleEndian(UInt32(3)) + [UInt8](repeating: 0, count: 20)
        bytes += Self.littleEndian(UInt32(data.count)) + data
    }

    /// Appends an event with any digests and a length that may be a lie.
    package mutating func append(
        index: UInt32, type: UInt32, digests: [(UInt16, [UInt8])], data: [UInt8], size: UInt32? = nil
    ) {
        bytes += Self.littleEndian(index) + Self.littleEndian(type) + Self.littleEndian(UInt32(digests.count))
        for (number, digest) in digests { bytes += Self.littleEndian(number) + digest }
        bytes += Self.littleEndian(size ?? UInt32(data.count)) + data
    }

    /// Appends an event whose SHA-384 digest covers its data.
    package mutating func append(index: UInt32, type: UInt32, data: [UInt8]) {
        append(index: index, type: type, digests: [(0x0C, Array(SHA384.hash(data: data)))], data: data)
    }

    /// The same log with more bytes at its end.
    package func padded(_ padding: [UInt8]) -> [UInt8] { bytes + padding }

    /// The description of an event that the guest's agent records: tag, length and text.
    package static func agentEvent(_ text: String) -> [UInt8] {
        Array("LEAA".utf8) + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    /// The bytes of a number, the least significant first.
    package static func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        EvidenceSimulator.littleEndian(number)
    }
}
