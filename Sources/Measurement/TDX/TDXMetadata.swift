/// The memory that a firmware image wants to find when a trust domain starts (Intel TDX Virtual Firmware Design Guide,
/// section 11.2).
struct TDXMetadata: Sendable, Hashable {
    /// A range of the domain's memory and what of the image goes there.
    struct Section: Sendable, Hashable {
        /// Where its content stands in the image; the memory behind it is zero.
        let content: Range<Int>
        let address: UInt64
        let pageCount: Int
        /// Whether the content is measured, beside the address.
        let isExtended: Bool
        /// Whether the domain gets the memory after its measurement is complete.
        let isAugmented: Bool
    }

    static let maximumSections = 64
    /// The most memory that is added before the start: 1 GiB. Each page costs a record of the measurement.
    static let maximumPages = 262_144
    /// The most memory whose content is measured: as much as an image can have.
    static let maximumMeasuredPages = FirmwareImage.maximumSize / FirmwareImage.pageSize

    /// In the order of the image, which is the order of adding.
    let sections: [Section]

    /// Reads the list of an image; `nil` when it has none. Throws `malformed_firmware`.
    init?(of firmware: FirmwareImage) throws(MeasurementError) {
        guard let tail = try firmware.tail(.tdxMetadata, "TDX metadata") else { return nil }
        var reader = StructureReader(tail, "The firmware's TDX metadata", .malformedFirmware)
        guard try reader.bytes(4) == Array("TDVF".utf8) else { throw reader.malformed("The signature is missing.") }
        let length = try reader.u32LE()
        let version = try reader.u32LE()
        let count = try reader.u32LE()
        guard version == 1 else { throw reader.malformed("It has version \(version).") }
        guard count <= Self.maximumSections, Int(length) <= tail.count, Int(length) >= 16 + 32 * Int(count) else {
            throw reader.malformed("It has \(count) sections in \(length) bytes.")
        }
        var sections: [Section] = []
        var (added, measured) = (0, 0)
        for _ in 0..<count {
            let section = try Self.section(&reader, imageSize: firmware.bytes.count)
            if !section.isAugmented {
                added += section.pageCount
                measured += section.isExtended ? section.pageCount : 0
            }
            guard added <= Self.maximumPages, measured <= Self.maximumMeasuredPages else {
                throw reader.malformed("It adds \(added) pages and measures the content of \(measured) of them.")
            }
            sections.append(section)
        }
        self.sections = sections
    }

    private static func section(
        _ reader: inout StructureReader, imageSize: Int
    ) throws(MeasurementError) -> Section {
        let offset = Int(try reader.u32LE())
        let rawSize = Int(try reader.u32LE())
        let address = try reader.u64LE()
        let memorySize = try reader.u64LE()
        try reader.skip(4)  // the kind, which the measurement does not cover
        let attributes = try reader.u32LE()
        let page = UInt64(FirmwareImage.pageSize)
        guard attributes & ~3 == 0 else { throw reader.malformed("A section has unknown attributes.") }
        guard offset <= imageSize, rawSize <= imageSize - offset else {
            throw reader.malformed(
                "A section has \(rawSize) bytes at \(offset), behind the end of the image: is this the whole image?")
        }
        guard address % page == 0, memorySize % page == 0, memorySize <= 1 << 40, address <= 1 << 52,
            UInt64(rawSize) <= memorySize
        else { throw reader.malformed("A section is not in whole pages, or is larger than its memory.") }
        return Section(
            content: offset..<offset + rawSize, address: address, pageCount: Int(memorySize / page),
            isExtended: attributes & 1 == 1, isAugmented: attributes & 2 == 2)
    }
}
