/// How QEMU fills in a kernel's setup header before firmware sees it (hw/i386/x86-common.c, x86_load_linux): with addresses
/// that depend on the guest's memory.
public struct QEMUKernelPlacement: Sendable, Hashable {
    /// How much of the kernel is looked at.
    private static let headerSize = 4096
    private static let magic: UInt32 = 0x5372_6448  // "HdrS"
    /// What QEMU keeps free for ACPI tables below the end of memory.
    private static let tablesSize: UInt64 = 0x28000
    /// Where an initrd may end when the kernel does not say.
    private static let defaultLimit: UInt64 = 0x37FF_FFFF

    /// The guest's memory below 4 GiB, in bytes.
    private let lowMemory: UInt64

    /// The placement in a guest with so many bytes of memory, on a machine of QEMU's type `q35`.
    ///
    /// - Throws: `invalid_input` for less than 64 MiB or more than 64 TiB.
    public init(memory: UInt64) throws(MeasurementError) {
        guard memory >= 1 << 26, memory <= 1 << 46 else {
            throw MeasurementError(.invalidInput, "A guest with \(memory) bytes of memory is not to be expected.")
        }
        lowMemory = memory < 0xB000_0000 ? memory : 0x8000_0000
    }

    /// The kernel as firmware gets it. Throws `malformed_image` and `unsupported_image`.
    func patched<Kernel: Artifact>(
        _ kernel: Kernel, initrdSize: Int
    ) throws(MeasurementError) -> PatchedArtifact<Kernel> {
        var header = try kernel.read(at: 0, count: Self.headerSize, "The kernel")
        var reader = StructureReader(header, "The kernel's setup header")
        try reader.skip(0x202)
        let magic = try reader.u32LE()
        let protocolVersion = try reader.u16LE()
        guard magic == Self.magic else { throw reader.malformed("It is no Linux kernel for x86 (bzImage).") }
        guard protocolVersion >= 0x202, header[0x211] & 1 == 1 else {
            throw MeasurementError(
                .unsupportedImage, "The kernel has boot protocol \(protocolVersion); 0x202 or newer is supported.")
        }
        let (setup, commandLine): (UInt32, UInt32) = (0x10000, 0x20000)
        header[0x210] = 0xB0  // loaded by QEMU
        header[0x211] |= 0x80  // the heap can be used
        header.replaceSubrange(0x224..<0x226, with: UInt16(commandLine - setup - 0x200).littleEndianBytes)
        header.replaceSubrange(0x228..<0x22C, with: commandLine.littleEndianBytes)
        if initrdSize > 0 {
            let address = try initrdAddress(initrdSize, header, protocolVersion)
            header.replaceSubrange(0x218..<0x21C, with: address.littleEndianBytes)
            header.replaceSubrange(0x21C..<0x220, with: UInt32(truncatingIfNeeded: initrdSize).littleEndianBytes)
        }
        return PatchedArtifact(base: kernel, beginning: header)
    }

    private func initrdAddress(
        _ size: Int, _ header: [UInt8], _ protocolVersion: UInt16
    ) throws(MeasurementError) -> UInt32 {
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            header[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        var limit = Self.defaultLimit
        if protocolVersion >= 0x20C, number(0x236, 2) & 2 != 0 {
            limit = 0xFFFF_FFFF
        } else if protocolVersion >= 0x203 {
            limit = number(0x22C, 4)
        }
        if limit >= lowMemory - Self.tablesSize { limit = lowMemory - Self.tablesSize - 1 }
        guard UInt64(size) < limit else {
            throw MeasurementError(.invalidInput, "The initrd does not fit into the guest's memory below \(limit).")
        }
        return UInt32((limit - UInt64(size)) & ~4095)
    }
}
