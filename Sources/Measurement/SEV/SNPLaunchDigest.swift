import Crypto

/// The chain of hashes over the pages of an SEV-SNP guest: each link covers the one before, the page's content, kind and
/// address (SEV Secure Nested Paging Firmware ABI, table 67).
struct SNPLaunchDigest {
    private enum PageKind: UInt8 {
        case normal = 1
        case registers = 2
        case zero = 3
        case unmeasured = 4
        case secrets = 5
        case processorFeatures = 6
    }

    private static let digestSize = 48
    /// Where pages with registers count as lying.
    private static let registersAddress: UInt64 = 0xFFFF_FFFF_F000

    private(set) var value = [UInt8](repeating: 0, count: digestSize)

    init() {}

    init(startingFrom value: [UInt8]) throws(MeasurementError) {
        guard value.count == Self.digestSize else {
            throw MeasurementError(.invalidInput, "The firmware's digest has \(value.count) bytes instead of 48.")
        }
        self.value = value
    }

    mutating func add(_ firmware: FirmwareImage) {
        for (address, page) in firmware.pages { add(page, .normal, at: address) }
    }

    mutating func add(registers page: [UInt8], count: Int) {
        let content = Array(SHA384.hash(data: page))
        for _ in 0..<count { update(.registers, content, at: Self.registersAddress) }
    }

    /// Adds the memory that the firmware asks for, in the order in which the hypervisor fills it.
    ///
    /// Throws `unsupported_firmware` for a kernel that the firmware would not check.
    mutating func addMetadata(
        of firmware: FirmwareImage, kernel: KernelHashes?, hypervisor: Hypervisor
    ) throws(MeasurementError) {
        guard let metadata = try SEVMetadata(of: firmware) else {
            throw MeasurementError(
                .unsupportedFirmware, "The firmware has no metadata for SEV-SNP: take an OVMF that was built with it.")
        }
        var late: [SEVMetadata.Section] = []
        for section in metadata.sections {
            switch section.kind {
            case .memory: add(section, hypervisor == .gce ? .unmeasured : .zero)
            case .secrets: add(section, .secrets)
            case .processorFeatures where hypervisor == .ec2: late.append(section)
            case .processorFeatures: add(section, .processorFeatures)
            case .callingArea: add(section, .zero)
            case .kernelHashes: try add(kernel, in: section, of: firmware)
            }
        }
        for section in late { add(section, .processorFeatures) }
        if kernel != nil, !metadata.sections.contains(where: { $0.kind == .kernelHashes }) {
            throw KernelHashes.unverifying
        }
    }

    private mutating func add(
        _ kernel: KernelHashes?, in section: SEVMetadata.Section, of firmware: FirmwareImage
    ) throws(MeasurementError) {
        guard let kernel else { return add(section, .zero) }
        let page = UInt64(FirmwareImage.pageSize)
        let address = try KernelHashes.address(in: firmware)
        let offset = Int(address % page)
        guard section.pageCount == 1, address - UInt64(offset) == section.address,
            offset + KernelHashes.tableSize <= FirmwareImage.pageSize
        else {
            throw MeasurementError(
                .malformedFirmware, "The firmware's place for kernel hashes is not in its page for them.")
        }
        let content = ([UInt8](repeating: 0, count: offset) + kernel.table).padded(to: FirmwareImage.pageSize)
        add(content[...], .normal, at: section.address)
    }

    private mutating func add(_ page: ArraySlice<UInt8>, _ kind: PageKind, at address: UInt64) {
        update(kind, Array(SHA384.hash(data: page)), at: address)
    }

    private mutating func add(_ section: SEVMetadata.Section, _ kind: PageKind) {
        let unseen = [UInt8](repeating: 0, count: Self.digestSize)
        for address in section.pages { update(kind, unseen, at: address) }
    }

    private mutating func update(_ kind: PageKind, _ content: [UInt8], at address: UInt64) {
        let length: UInt16 = 0x70
        // No page is part of a migration image, and none is for a lower privilege level.
        let flags: [UInt8] = [0, 0, 0, 0, 0]
        let record =
            value + content + length.littleEndianBytes + [kind.rawValue] + flags + address.littleEndianBytes
        value = Array(SHA384.hash(data: record))
    }
}
