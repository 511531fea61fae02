/// The memory that a firmware image wants to find when an SEV-SNP guest starts (EDK II,
/// OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm).
struct SEVMetadata: Sendable, Hashable {
    /// What a section of memory is for.
    enum Kind: UInt32, Sendable, Hashable {
        /// Memory that the firmware uses before it can accept any.
        case memory = 1
        /// The page with the keys for talking to the processor.
        case secrets = 2
        /// The page with the processor's features.
        case processorFeatures = 3
        /// The page for calling a service module.
        case callingArea = 4
        /// The page with the hashes of kernel, initrd and command line.
        case kernelHashes = 0x10
    }

    /// A range of guest memory, in whole pages.
    struct Section: Sendable, Hashable {
        let kind: Kind
        let address: UInt64
        let pageCount: Int

        /// The addresses of its pages.
        var pages: some Sequence<UInt64> {
            (0..<pageCount).lazy.map { address + UInt64($0 * FirmwareImage.pageSize) }
        }
    }

    /// More sections than any firmware has.
    static let maximumSections = 64
    /// More memory than any firmware asks for: 256 MiB. Each page costs a hash.
    static let maximumPages = 65_536

    /// In the order of the image, which is the order of measuring.
    let sections: [Section]

    /// Reads the list of an image; `nil` when it has none. Throws `malformed_firmware`.
    init?(of firmware: FirmwareImage) throws(MeasurementError) {
        guard let tail = try firmware.tail(.sevMetadata, "SEV metadata") else { return nil }
        var reader = StructureReader(tail, "The firmware's SEV metadata", .malformedFirmware)
        guard try reader.bytes(4) == Array("ASEV".utf8) else { throw reader.malformed("The signature is missing.") }
        let size = try reader.u32LE()
        let version = try reader.u32LE()
        let count = try reader.u32LE()
        guard version == 1 else { throw reader.malformed("It has version \(version).") }
        guard count <= Self.maximumSections, Int(size) <= tail.count, Int(size) >= 16 + 12 * Int(count) else {
            throw reader.malformed("It has \(count) sections in \(size) bytes.")
        }
        var sections: [Section] = []
        var pages = 0
        for _ in 0..<count {
            let section = try Self.section(&reader)
            pages += section.pageCount
            guard pages <= Self.maximumPages else {
                throw reader.malformed("It asks for more than \(Self.maximumPages) pages.")
            }
            sections.append(section)
        }
        self.sections = sections
    }

    private static func section(_ reader: inout StructureReader) throws(MeasurementError) -> Section {
        let address = try reader.u32LE()
        let size = try reader.u32LE()
        let type = try reader.u32LE()
        guard let kind = Kind(rawValue: type) else { throw reader.malformed("A section has the unknown type \(type).") }
        let page = UInt32(FirmwareImage.pageSize)
        guard address % page == 0, size % page == 0 else {
            throw reader.malformed("The section at \(address) with \(size) bytes is not in whole pages.")
        }
        return Section(kind: kind, address: UInt64(address), pageCount: Int(size / page))
    }
}
