public import KBSProtocol

/// The registers of a TPM, bank SHA-256, of a machine or of a confidential VM on Azure.
public struct TPMRegisters: MeasurementRegisters {
    /// The numbers of the registers that firmware extends.
    public static let firmwareRegisters: ClosedRange<UInt32> = 0...7
    /// What is free for events: 0 to 7 are firmware's, 8 is the init-data's, and 17 to 22 belong to dynamic launches, so
    /// that the TPM refuses them to the operating system's software.
    private static let eventRegisters = Set<UInt64>(9...16).union([23])

    /// SHA-256.
    public let algorithm = HashAlgorithm.sha256
    private let device: TPMDevice

    /// The registers of this TPM.
    public init(_ device: TPMDevice) {
        self.device = device
    }

    /// The register's own number, 9 to 16 or 23.
    public func logIndex(ofPCR register: UInt64) throws(GuestError) -> UInt32 {
        guard Self.eventRegisters.contains(register) else {
            throw GuestError(
                .invalidRequest,
                "A TPM's register \(register) is not for events. Take one of 9 to 15, or 16 or 23, which "
                    + "anybody with access to the TPM can reset: init_pcr in the table eventlog_config of aa.toml.")
        }
        return UInt32(register)
    }

    /// The register's 32 bytes.
    public func value(at logIndex: UInt32) throws(GuestError) -> [UInt8] {
        try device.guestSession { (tpm) throws(TPMError) in try tpm.register(Int(logIndex)) }
    }

    /// Extends the register with 32 bytes.
    public func extend(at logIndex: UInt32, with digest: [UInt8]) throws(GuestError) {
        try device.guestSession { (tpm) throws(TPMError) in try tpm.extend(Int(logIndex), with: digest) }
    }
}
