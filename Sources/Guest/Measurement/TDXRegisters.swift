public import KBSProtocol

/// The runtime measurement registers (RTMR) of an Intel TDX trust domain, as Linux 6.16 and newer show them.
public struct TDXRegisters: MeasurementRegisters {
    /// The folder with a file for each register.
    static let folder = "/sys/devices/virtual/misc/tdx_guest/measurements"
    private static let bytes = 48
    /// The numbers in event logs of the registers that firmware, boot loader and kernel extend: RTMR 0 to 2.
    public static let firmwareRegisters: ClosedRange<UInt32> = 1...3

    /// SHA-384.
    public let algorithm = HashAlgorithm.sha384
    private let kernel: any Kernel

    /// The registers of this trust domain; nil when the kernel does not show them.
    public init?(kernel: any Kernel) {
        guard kernel.exists(Self.folder) else { return nil }
        self.kernel = kernel
    }

    /// PCR 1 and 7 are 1, which is RTMR 0; 2 to 6 are 2; 8 to 15 are 3; all others are 4, which is RTMR 3.
    public func logIndex(ofPCR register: UInt64) -> UInt32 { Self.logIndex(ofPCR: register) }

    static func logIndex(ofPCR register: UInt64) -> UInt32 {
        switch register {
        case 1, 7: 1
        case 2...6: 2
        case 8...15: 3
        default: 4
        }
    }

    /// The register's 48 bytes.
    public func value(at logIndex: UInt32) throws(GuestError) -> [UInt8] {
        let path = try Self.path(logIndex)
        let value = try kernel.read(path, limit: Self.bytes)
        guard value.count == Self.bytes else {
            throw GuestError(.system, "\(path) has \(value.count) bytes, not \(Self.bytes).")
        }
        return value
    }

    /// Extends the register. The kernel lets guests extend RTMR 2 and 3 only.
    public func extend(at logIndex: UInt32, with digest: [UInt8]) throws(GuestError) {
        try kernel.write(digest, to: try Self.path(logIndex))
    }

    private static func path(_ logIndex: UInt32) throws(GuestError) -> String {
        guard (1...4).contains(logIndex) else {
            throw GuestError(.invalidRequest, "A trust domain has the registers 1 to 4 in its log.")
        }
        return "\(folder)/rtmr\(logIndex - 1):sha384"
    }
}
