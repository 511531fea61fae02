/// A firmware image for confidential VMs: OVMF, TDVF, or a service module of the same form.
///
/// Behind its code such an image has a table of entries, each named by a GUID, that ends 32 bytes before the end of the
/// image (EDK II, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm).
public struct FirmwareImage: Sendable, Hashable {
    /// The greatest size of an image: 64 MiB, several times that of the largest in use.
    public static let maximumSize = 67_108_864
    /// The size of a page of guest memory in bytes.
    static let pageSize = 4096

    /// The whole image.
    public let bytes: [UInt8]
    /// The guest's physical address of the first byte.
    public let base: UInt64
    private let table: [FirmwareGUID: [UInt8]]

    /// Reads an image and its table; an image without a table is one without entries.
    ///
    /// - Parameter end: the guest's physical address behind the last byte: 4 GiB for firmware.
    /// - Throws: `malformed_firmware` for an empty image, one that has not whole pages, and a damaged table; `too_large`.
    public init(_ bytes: [UInt8], endingAt end: UInt64 = 1 << 32) throws(MeasurementError) {
        guard bytes.count <= Self.maximumSize, UInt64(bytes.count) <= end else {
            throw MeasurementError(
                .tooLarge, "The firmware has \(bytes.count) bytes; no firmware has more than \(Self.maximumSize).")
        }
        guard !bytes.isEmpty, bytes.count % Self.pageSize == 0 else {
            throw MeasurementError(
                .malformedFirmware,
                "The firmware has \(bytes.count) bytes, which are not whole pages of \(Self.pageSize).")
        }
        self.bytes = bytes
        base = end - UInt64(bytes.count)
        table = try Self.table(of: bytes)
    }

    /// What an entry of the table holds; `nil` when there is none.
    func entry(_ name: FirmwareGUID) -> [UInt8]? { table[name] }

    /// The number in an entry that holds one of 32 bits.
    func number(_ name: FirmwareGUID, _ meaning: String) throws(MeasurementError) -> UInt32? {
        guard let entry = table[name] else { return nil }
        var reader = StructureReader(entry, "The firmware's entry for \(meaning)", .malformedFirmware)
        return try reader.u32LE()
    }

    /// The bytes from a place that an entry names, counted from the image's end, to that end.
    func tail(_ name: FirmwareGUID, _ meaning: String) throws(MeasurementError) -> [UInt8]? {
        guard let offset = try number(name, meaning) else { return nil }
        guard offset > 0, Int(offset) <= bytes.count else {
            throw MeasurementError(
                .malformedFirmware, "The firmware's entry for \(meaning) leads out of the image, by \(offset) bytes.")
        }
        return Array(bytes.suffix(Int(offset)))
    }

    /// The pages of the image with their addresses, in order.
    var pages: some Sequence<(address: UInt64, bytes: ArraySlice<UInt8>)> {
        stride(from: 0, to: bytes.count, by: Self.pageSize).lazy.map { start in
            (base + UInt64(start), bytes[start..<start + Self.pageSize])
        }
    }
}

extension FirmwareImage {
    /// GUID and length behind an entry's data.
    private static let entryTailSize = 18
    /// What stands behind the table: the reset vector.
    private static let resetVectorSize = 32

    /// Reads the table from its last entry, which holds its length, to its first.
    private static func table(of bytes: [UInt8]) throws(MeasurementError) -> [FirmwareGUID: [UInt8]] {
        let end = bytes.count - resetVectorSize
        guard end >= entryTailSize, FirmwareGUID(bytes[(end - 16)..<end]) == .tableFooter else { return [:] }
        let total = length(before: end - 16, in: bytes)
        guard total >= entryTailSize, total <= end else {
            throw MeasurementError(.malformedFirmware, "The firmware's table says that it has \(total) bytes.")
        }
        var table: [FirmwareGUID: [UInt8]] = [:]
        var position = end - entryTailSize
        let start = end - total
        while position > start {
            // Every step goes back by at least an entry's tail, so that no table makes this loop longer than itself.
            guard position - start >= entryTailSize else { throw damaged(position) }
            let length = length(before: position - 16, in: bytes)
            guard length >= entryTailSize, length <= position - start else { throw damaged(position) }
            let data = Array(bytes[(position - length)..<(position - entryTailSize)])
            guard table.updateValue(data, forKey: FirmwareGUID(bytes[(position - 16)..<position])) == nil else {
                throw MeasurementError(
                    .malformedFirmware, "The firmware's table has the entry that ends at \(position) twice.")
            }
            position -= length
        }
        return table
    }

    private static func length(before position: Int, in bytes: [UInt8]) -> Int {
        Int(bytes[position - 2]) | Int(bytes[position - 1]) << 8
    }

    private static func damaged(_ position: Int) -> MeasurementError {
        MeasurementError(.malformedFirmware, "The firmware's table has a damaged entry that ends at \(position).")
    }
}
