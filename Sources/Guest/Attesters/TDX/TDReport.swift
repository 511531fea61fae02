/// What the TDX module reports to the trust domain itself (TDREPORT_STRUCT, Intel TDX Module ABI): not signed, but straight
/// from the processor.
struct TDReport: Sendable, Hashable {
    static let size = 1024
    private static let device = "/dev/tdx_guest"
    /// TDX_CMD_GET_REPORT0: `_IOWR('T', 1, struct tdx_report_req)`, 64 bytes of report data and 1024 of report.
    private static let request: UInt = 0xC440_5401

    /// The attributes.
    let attributes: UInt64
    /// What was measured at the launch (MRTD), 48 bytes.
    let launchMeasurement: [UInt8]
    /// What the owner configured (MRCONFIGID), 48 bytes: the place of init-data.
    let configurationID: [UInt8]
    /// The owner (MROWNER), 48 bytes.
    let ownerID: [UInt8]
    /// What the owner's own rules are (MROWNERCONFIG), 48 bytes.
    let ownerConfigurationID: [UInt8]
    /// The four runtime measurement registers (RTMR), 48 bytes each.
    let runtimeRegisters: [[UInt8]]

    /// Reads a report.
    ///
    /// - Throws: `system_failed` when it has another size.
    init(parsing bytes: [UInt8]) throws(GuestError) {
        guard bytes.count == Self.size else {
            throw GuestError(.system, "A report of the TDX module has \(bytes.count) bytes, not \(Self.size).")
        }
        // TDINFO_STRUCT follows REPORTMACSTRUCT (256) and TEE_TCB_INFO with its padding (256).
        let start = 512
        func field(_ offset: Int) -> [UInt8] { Array(bytes[start + offset..<start + offset + 48]) }
        attributes = bytes.littleEndian(start..<start + 8)
        launchMeasurement = field(16)
        configurationID = field(64)
        ownerID = field(112)
        ownerConfigurationID = field(160)
        runtimeRegisters = (0..<4).map { field(208 + 48 * $0) }
    }

    /// Asks the processor for the report of this trust domain.
    ///
    /// - Throws: `system_failed`.
    static func current(of kernel: any Kernel) throws(GuestError) -> TDReport {
        let answer = try kernel.control(
            device, DeviceRequest(number: request, argument: .zeros(ReportDataField.size + size)))
        guard answer.succeeded else { throw .system("ask for a report of", device, answer.systemError) }
        return try TDReport(parsing: Array(answer.argument.dropFirst(ReportDataField.size)))
    }

    /// The runtime register that stands for a PCR (UEFI, confidential computing measurement).
    func runtimeRegister(forPCR index: UInt64) -> [UInt8] { runtimeRegisters[Self.registerIndex(forPCR: index)] }

    /// The number of the runtime register, 0 to 3, that stands for a PCR.
    static func registerIndex(forPCR index: UInt64) -> Int {
        switch index {
        case 1, 7: 0
        case 2...6: 1
        case 8...15: 2
        default: 3
        }
    }
}
