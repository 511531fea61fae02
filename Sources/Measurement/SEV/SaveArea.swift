/// A processor's registers before its first instruction, as the page in which SEV-ES and SEV-SNP keep and measure them
/// (AMD64 Architecture Programmer's Manual, volume 2, table B-4).
struct SaveArea: Sendable, Hashable {
    /// Where the first processor begins.
    static let resetAddress: UInt32 = 0xFFFF_FFF0
    /// What the page attribute table is after reset.
    private static let resetPAT: UInt64 = 0x0007_0406_0007_0406

    /// The page.
    private(set) var page = [UInt8](repeating: 0, count: FirmwareImage.pageSize)

    private struct Segment {
        var selector: UInt16 = 0
        var attributes: UInt16
        var limit: UInt32 = 0xFFFF
        var base: UInt64 = 0

        var bytes: [UInt8] {
            selector.littleEndianBytes + attributes.littleEndianBytes + limit.littleEndianBytes + base.littleEndianBytes
        }
    }

    /// A processor in real mode that begins at `entry`.
    static func realMode(
        entry: UInt32, features: UInt64, hypervisor: Hypervisor, model: ProcessorModel?
    ) -> SaveArea {
        var area = SaveArea()
        let isFirst = entry == resetAddress
        let code = Segment(
            selector: 0xF000, attributes: hypervisor == .ec2 && isFirst ? 0x9A : 0x9B, base: UInt64(entry & 0xFFFF_0000)
        )
        let data = Segment(attributes: 0x93)
        let stack = Segment(attributes: hypervisor == .ec2 ? 0x92 : 0x93)
        let task = Segment(attributes: hypervisor == .ec2 ? 0x83 : 0x8B)
        area.put(segments: [data, code, stack, data, data, data], task: task)
        area.putControl(cr0: 0x10, instruction: UInt64(entry & 0xFFFF), features: features)
        area.put(hypervisor == .gce ? 0x0007_0106 : resetPAT, at: 0x268)
        switch hypervisor {
        case .qemu:
            area.put(UInt64(model?.signature ?? 0), at: 0x310)
            area.put(UInt32(0x1F80), at: 0x408)
            area.put(UInt16(0x37F), at: 0x410)
        case .ec2, .gce:
            area.put(UInt64(0x600), at: 0x310)
        }
        return area
    }

    /// A processor in flat protected mode that begins in a service module, as QEMU starts these.
    static func serviceModule(entry: UInt64, features: UInt64, model: ProcessorModel) -> SaveArea {
        var area = SaveArea()
        let code = Segment(selector: 8, attributes: 0xC9B, limit: .max)
        let data = Segment(selector: 16, attributes: 0xC93, limit: .max)
        area.put(
            segments: [data, code, data, data, data, Segment(attributes: 0x93)], task: Segment(attributes: 0x8B))
        area.putControl(cr0: 0x11, instruction: entry, features: features)
        area.put(resetPAT, at: 0x268)
        area.put(UInt64(model.signature), at: 0x310)
        area.put(UInt32(0x1F80), at: 0x408)
        return area
    }

    /// ES, CS, SS, DS, FS and GS, then the tables.
    private mutating func put(segments: [Segment], task: Segment) {
        let tables = [Segment(attributes: 0), Segment(attributes: 0x82), Segment(attributes: 0), task]
        put((segments + tables).flatMap(\.bytes), at: 0)
    }

    private mutating func putControl(cr0: UInt64, instruction: UInt64, features: UInt64) {
        put(UInt64(0x1000), at: 0xD0)  // EFER: secure virtual machine
        put(UInt64(0x40), at: 0x148)  // CR4: machine check
        put(cr0, at: 0x158)
        put(UInt64(0x400), at: 0x160)  // DR7
        put(UInt64(0xFFFF_0FF0), at: 0x168)  // DR6
        put(UInt64(2), at: 0x170)  // RFLAGS
        put(instruction, at: 0x178)
        put(features, at: 0x3B0)
        put(UInt64(1), at: 0x3E8)  // XCR0
    }

    private mutating func put(_ number: some FixedWidthInteger, at offset: Int) {
        put(number.littleEndianBytes, at: offset)
    }

    private mutating func put(_ bytes: [UInt8], at offset: Int) {
        page.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
}
