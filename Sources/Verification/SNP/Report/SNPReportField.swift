/// Where a value stands in a report (AMD 56860, ATTESTATION_REPORT).
struct SNPReportField: Sendable {
    let offset: Int
    let count: Int

    static let version = SNPReportField(offset: 0x000, count: 4)
    static let guestSVN = SNPReportField(offset: 0x004, count: 4)
    static let policy = SNPReportField(offset: 0x008, count: 8)
    static let familyID = SNPReportField(offset: 0x010, count: 16)
    static let imageID = SNPReportField(offset: 0x020, count: 16)
    static let vmpl = SNPReportField(offset: 0x030, count: 4)
    static let signatureAlgorithm = SNPReportField(offset: 0x034, count: 4)
    static let currentTCB = SNPReportField(offset: 0x038, count: 8)
    static let platformInfo = SNPReportField(offset: 0x040, count: 8)
    static let keyInfo = SNPReportField(offset: 0x048, count: 4)
    /// Reserved; guests of old agents send it.
    static let keyInfoPadding = SNPReportField(offset: 0x04C, count: 4)
    static let reportData = SNPReportField(offset: 0x050, count: 64)
    static let measurement = SNPReportField(offset: 0x090, count: 48)
    static let hostData = SNPReportField(offset: 0x0C0, count: 32)
    static let idKeyDigest = SNPReportField(offset: 0x0E0, count: 48)
    static let authorKeyDigest = SNPReportField(offset: 0x110, count: 48)
    static let reportID = SNPReportField(offset: 0x140, count: 32)
    static let migrationAgentReportID = SNPReportField(offset: 0x160, count: 32)
    static let reportedTCB = SNPReportField(offset: 0x180, count: 8)
    static let processor = SNPReportField(offset: 0x188, count: 3)
    /// The processor and the reserved bytes behind it, as old agents send them.
    static let processorAndPadding = SNPReportField(offset: 0x188, count: 24)
    static let chipID = SNPReportField(offset: 0x1A0, count: 64)
    static let committedTCB = SNPReportField(offset: 0x1E0, count: 8)
    static let currentVersion = SNPReportField(offset: 0x1E8, count: 4)
    static let committedVersion = SNPReportField(offset: 0x1EC, count: 4)
    static let launchTCB = SNPReportField(offset: 0x1F0, count: 8)
    static let launchMitigations = SNPReportField(offset: 0x1F8, count: 8)
    static let currentMitigations = SNPReportField(offset: 0x200, count: 8)
    /// Everything between the launch TCB and the signature, as old agents send it.
    static let mitigationsAndPadding = SNPReportField(offset: 0x1F8, count: 168)
    static let signatureR = SNPReportField(offset: 0x2A0, count: 72)
    static let signatureS = SNPReportField(offset: 0x2E8, count: 72)
    static let signaturePadding = SNPReportField(offset: 0x330, count: 368)
}

/// The bytes of a report in the making: zero wherever nothing was placed.
struct SNPReportWriter {
    private(set) var bytes = [UInt8](repeating: 0, count: SNPReport.byteCount)

    /// Places a number, least significant byte first; a field that is wider is followed by zero bytes.
    mutating func place(_ number: some FixedWidthInteger & UnsignedInteger, at field: SNPReportField) {
        var rest = UInt64(truncatingIfNeeded: number)
        for offset in field.offset..<field.offset + field.count {
            bytes[offset] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
    }

    /// Places bytes from the beginning of the field; those beyond its end are left out.
    mutating func place(_ content: [UInt8], at field: SNPReportField) {
        for (offset, byte) in zip(field.offset..<field.offset + field.count, content) { bytes[offset] = byte }
    }

    /// Places one byte of a field.
    mutating func place(_ byte: UInt8, at field: SNPReportField, index: Int) {
        guard (0..<field.count).contains(index) else { return }
        bytes[field.offset + index] = byte
    }
}
