/// A GUID as firmware stores it: the first three parts least significant byte first, the rest as written.
struct FirmwareGUID: Sendable, Hashable {
    let bytes: [UInt8]

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }

    /// - Parameter rest: the last two groups as one number.
    private init(_ first: UInt32, _ second: UInt16, _ third: UInt16, _ rest: UInt64) {
        bytes =
            first.littleEndianBytes + second.littleEndianBytes + third.littleEndianBytes
            + rest.littleEndianBytes.reversed()
    }
}

extension FirmwareGUID {
    /// The last entry of the table.
    static let tableFooter = FirmwareGUID(0x96b5_82de, 0x1fb2, 0x45f7, 0xbaea_a366_c55a_082d)
    /// Where the list of memory for SEV-SNP stands.
    static let sevMetadata = FirmwareGUID(0xdc88_6566, 0x984a, 0x4798, 0xa75e_5585_a7bf_67cc)
    /// Where the hashes of kernel, initrd and command line go.
    static let hashTableArea = FirmwareGUID(0x7255_371f, 0x3a3b, 0x4b04, 0x927b_1da6_efa8_d454)
    /// Where all processors but the first begin.
    static let resetVector = FirmwareGUID(0x00f7_71de, 0x1a7e, 0x4fcb, 0x890e_68c7_7e2f_b44e)
    /// Where a secure VM service module is entered.
    static let serviceModule = FirmwareGUID(0xa789_a612, 0x0597, 0x4c4b, 0xa49f_cbb1_fe9d_1ddd)
    /// Where the list of memory for TDX stands.
    static let tdxMetadata = FirmwareGUID(0xe47a_6535, 0x984a, 0x4798, 0x865e_4685_a7bf_8ec2)

    /// The table of hashes itself, and its entries (QEMU, target/i386/sev.c).
    static let hashTable = FirmwareGUID(0x9438_d606, 0x4f22, 0x4cc9, 0xb479_a793_d411_fd21)
    static let commandLineHash = FirmwareGUID(0x97d0_2dd8, 0xbd20, 0x4c94, 0xaa78_e771_4d36_ab2a)
    static let initrdHash = FirmwareGUID(0x44ba_f731, 0x3a2f, 0x4bd7, 0x9af1_41e2_9169_781d)
    static let kernelHash = FirmwareGUID(0x4de7_9437, 0xabd2, 0x427f, 0xb835_d5b1_72d2_045b)
}
