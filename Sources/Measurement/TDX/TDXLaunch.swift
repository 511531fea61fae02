import Crypto

/// The start of a trust domain, of which the TDX module makes MRTD (Intel TDX Module Base Architecture Specification,
/// section 12.2).
public struct TDXLaunch: Sendable {
    /// In which order a hypervisor adds and measures the pages of a section.
    public enum Order: String, Sendable, Hashable, CaseIterable {
        /// Each page is measured when it was added.
        case pageByPage = "page"
        /// All pages of a section are added before the first is measured.
        case sectionBySection = "section"
    }

    private let firmware: FirmwareImage
    private let order: Order

    /// A start with this firmware.
    public init(_ firmware: FirmwareImage, order: Order = .pageByPage) {
        self.firmware = firmware
        self.order = order
    }

    /// MRTD: 48 bytes.
    ///
    /// - Throws: `unsupported_firmware` for an image without TDX metadata, `malformed_firmware`.
    public func measurement() throws(MeasurementError) -> [UInt8] {
        guard let metadata = try TDXMetadata(of: firmware) else {
            throw MeasurementError(
                .unsupportedFirmware, "The firmware has no metadata for TDX: take an OVMF that was built with it.")
        }
        var hash = SHA384()
        for section in metadata.sections where !section.isAugmented {
            for page in 0..<section.pageCount {
                hash.update(data: Self.record("MEM.PAGE.ADD", at: address(of: page, in: section)))
                if section.isExtended, order == .pageByPage { hash.update(data: content(of: page, in: section)) }
            }
            if section.isExtended, order == .sectionBySection {
                for page in 0..<section.pageCount { hash.update(data: content(of: page, in: section)) }
            }
        }
        return Array(hash.finalize())
    }

    private func address(of page: Int, in section: TDXMetadata.Section) -> UInt64 {
        section.address + UInt64(page * FirmwareImage.pageSize)
    }

    /// A page in the chunks of 256 bytes in which it is measured, each behind its record.
    private func content(of page: Int, in section: TDXMetadata.Section) -> [UInt8] {
        let chunk = 256
        let start = section.content.lowerBound + page * FirmwareImage.pageSize
        let end = min(section.content.upperBound, start + FirmwareImage.pageSize)
        let memory = Array(start < end ? firmware.bytes[start..<end] : []).padded(to: FirmwareImage.pageSize)
        let address = address(of: page, in: section)
        var records: [UInt8] = []
        records.reserveCapacity(memory.count / 2 * 3)
        for offset in stride(from: 0, to: memory.count, by: chunk) {
            records += Self.record("MR.EXTEND", at: address + UInt64(offset))
            records += memory[offset..<offset + chunk]
        }
        return records
    }

    /// 128 bytes: the name of the operation, and the address.
    private static func record(_ name: String, at address: UInt64) -> [UInt8] {
        (Array(name.utf8).padded(to: 16) + address.littleEndianBytes).padded(to: 128)
    }
}
