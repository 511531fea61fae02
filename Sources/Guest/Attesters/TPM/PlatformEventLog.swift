import KBSProtocol

/// The event log that leads to a TPM's registers: the firmware's, and what this agent measured after it.
public struct PlatformEventLog: Sendable {
    /// Where Linux shows the log of the first TPM's firmware.
    public static let usualPath = "/sys/kernel/security/tpm0/binary_bios_measurements"

    private let kernel: any Kernel
    private let firmwarePath: String
    private let runtimePath: String?

    /// The log from its parts.
    ///
    /// - Parameter runtimePath: the log of this agent's own events; nil when it keeps none.
    public init(kernel: any Kernel, firmwarePath: String = usualPath, runtimePath: String? = nil) {
        self.kernel = kernel
        self.firmwarePath = firmwarePath
        self.runtimePath = runtimePath
    }

    /// The log, ended by its mark; nil when there is none.
    func bytes() throws(GuestError) -> [UInt8]? {
        let firmware =
            kernel.exists(firmwarePath) ? try kernel.read(firmwarePath, limit: EventLogText.maximumBytes) : nil
        let runtime = try runtimePath.flatMap { (path) throws(GuestError) -> [UInt8]? in
            kernel.exists(path) ? try kernel.read(path, limit: EventLogText.maximumBytes) : nil
        }
        return try EventLogText.joined(platform: firmware, runtime: runtime, declaring: [.sha256])
    }
}
