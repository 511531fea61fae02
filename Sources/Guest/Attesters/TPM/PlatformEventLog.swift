/// The event log that leads to a TPM's registers: the firmware's, and what this agent measured after it.
///
/// It is sent only once events were measured: verifiers follow it to registers 0 to 7, and then also to those that
/// software extends without a log.
public struct PlatformEventLog: EventLogSource {
    /// Where Linux shows the log of the first TPM's firmware.
    public static let usualPath = path("tpm0")

    /// Where Linux shows the log of this TPM's firmware, by the number of its device; of the first TPM where the device's
    /// path does not end with a number.
    public static func path(of device: TPMDevice) -> String {
        let name = device.path.split(separator: "/").last ?? ""
        for prefix in ["tpmrm", "tpm"] where name.hasPrefix(prefix) {
            if let number = UInt16(name.dropFirst(prefix.count)) { return path("tpm\(number)") }
        }
        return usualPath
    }

    private static func path(_ name: String) -> String { "/sys/kernel/security/\(name)/binary_bios_measurements" }

    private let kernel: any Kernel
    private let path: String
    private let agentEvents: @Sendable () throws(GuestError) -> [UInt8]

    /// The log from its parts.
    ///
    /// - Parameter agentEvents: the agent's own records, without an end mark; empty for none.
    public init(
        kernel: any Kernel, path: String = usualPath, agentEvents: @escaping @Sendable () throws(GuestError) -> [UInt8]
    ) {
        self.kernel = kernel
        self.path = path
        self.agentEvents = agentEvents
    }

    /// Both parts and the end mark; nil when no event was measured.
    public func bytes() throws(GuestError) -> [UInt8]? {
        let events = try agentEvents()
        guard !events.isEmpty else { return nil }
        let log = FirmwareEventLog(kernel: kernel, path: path, declaring: [.sha256]) { () throws(GuestError) in events }
        return try log.bytes()
    }
}
