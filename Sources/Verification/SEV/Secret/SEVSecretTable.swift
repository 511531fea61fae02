import Encodings

/// A name in a table of launch secrets: a GUID, which stands in memory with its first three parts least significant byte
/// first (UEFI, appendix A).
public struct SEVSecretGUID: Sendable, Hashable {
    /// The 16 bytes as they stand in memory.
    public let bytes: [UInt8]

    /// Reads the usual text, such as `736869e5-84f0-4973-92ec-06879ce3da0b`; `nil` for every other.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12], let digits = try? Hex.decode(parts.joined()) else {
            return nil
        }
        bytes = digits[0..<4].reversed() + digits[4..<6].reversed() + digits[6..<8].reversed() + digits[8...]
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    private init(memory: [UInt8]) { bytes = memory }

    /// Begins a table: 1e74f542-71dd-4d66-963e-ef4287ff173b.
    static let table = SEVSecretGUID(memory: [
        0x42, 0xf5, 0x74, 0x1e, 0xdd, 0x71, 0x66, 0x4d, 0x96, 0x3e, 0xef, 0x42, 0x87, 0xff, 0x17, 0x3b,
    ])
    /// The password of an encrypted disk, which GRUB looks for: 736869e5-84f0-4973-92ec-06879ce3da0b.
    public static let diskPassword = SEVSecretGUID(memory: [
        0xe5, 0x69, 0x68, 0x73, 0xf0, 0x84, 0x73, 0x49, 0x92, 0xec, 0x06, 0x87, 0x9c, 0xe3, 0xda, 0x0b,
    ])
}

/// A table of launch secrets as firmware hands it to a guest: GUID and total length, then entries of GUID, length and data.
/// Lengths count what stands before them too.
package enum SEVSecretTable {
    /// The largest table that a platform takes, and its padding.
    package static let maximumByteCount = 16_384
    private static let headByteCount = 20

    /// The most bytes that one entry alone may have.
    package static let maximumEntryByteCount = maximumByteCount - 2 * headByteCount

    /// The table, with zeros up to a whole number of 16 bytes; `nil` for one that is larger than a platform takes.
    package static func bytes(_ entries: [(guid: SEVSecretGUID, data: [UInt8])]) -> [UInt8]? {
        let total = entries.reduce(headByteCount) { $0 + headByteCount + $1.data.count }
        guard total <= maximumByteCount else { return nil }
        var table: [UInt8] = []
        table.reserveCapacity(maximumByteCount)
        table += SEVSecretGUID.table.bytes + SEVNumbers.littleEndian(UInt32(total))
        for entry in entries {
            table += entry.guid.bytes + SEVNumbers.littleEndian(UInt32(headByteCount + entry.data.count)) + entry.data
        }
        return table + [UInt8](repeating: 0, count: (16 - table.count % 16) % 16)
    }
}
