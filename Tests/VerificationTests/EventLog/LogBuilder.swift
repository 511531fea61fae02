import Crypto
import Encodings
import RATS
import Verification

/// Writes event logs byte by byte, right ones and wrong ones.
struct LogBuilder {
    private(set) var bytes: [UInt8]

    /// A log that declares these algorithms (number and size of digests).
    init(algorithms: [(UInt16, UInt16)] = [(0x0C, 48)], vendor: [UInt8] = []) {
        var data = Array("Spec ID Event03\0".utf8) + [0, 0, 0, 0, 0, 2, 0, 2]
        data += Self.littleEndian(UInt32(algorithms.count))
        for (number, size) in algorithms { data += Self.littleEndian(number) + Self.littleEndian(size) }
        data += [UInt8(vendor.count)] + vendor
        bytes = Self.littleEndian(UInt32(0)) + Self.littleEndian(UInt32(3)) + [UInt8](repeating: 0, count: 20)
        bytes += Self.littleEndian(UInt32(data.count)) + data
    }

    /// Appends an event with any digests and a length that may be a lie.
    mutating func append(
        index: UInt32, type: UInt32, digests: [(UInt16, [UInt8])], data: [UInt8], size: UInt32? = nil
    ) {
        bytes += Self.littleEndian(index) + Self.littleEndian(type) + Self.littleEndian(UInt32(digests.count))
        for (number, digest) in digests { bytes += Self.littleEndian(number) + digest }
        bytes += Self.littleEndian(size ?? UInt32(data.count)) + data
    }

    /// Appends an event whose SHA-384 digest covers its data.
    mutating func append(index: UInt32, type: UInt32, data: [UInt8]) {
        append(index: index, type: type, digests: [(0x0C, Array(SHA384.hash(data: data)))], data: data)
    }

    /// The same log with more bytes at its end.
    func padded(_ padding: [UInt8]) -> [UInt8] { bytes + padding }

    static func agentEvent(_ text: String) -> [UInt8] {
        Array("LEAA".utf8) + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    static func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}

extension EventLog {
    /// The code of the error that parsing ends with.
    static func refusal(of bytes: [UInt8]) -> String? {
        refusalCode { () throws(VerificationError) in _ = try parse(bytes) }
    }
}
