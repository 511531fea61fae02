/// The kind of an event (TCG PC Client Platform Firmware Profile 1.06, section 10.4.1).
public struct EventType: RawRepresentable, Sendable, Hashable {
    /// The number in the log.
    public let rawValue: UInt32

    /// A kind by its number.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    static let postCode = EventType(rawValue: 0x01)
    static let noAction = EventType(rawValue: 0x03)
    static let separator = EventType(rawValue: 0x04)
    static let action = EventType(rawValue: 0x05)
    static let eventTag = EventType(rawValue: 0x06)
    static let platformConfigFlags = EventType(rawValue: 0x0A)
    static let compactHash = EventType(rawValue: 0x0C)
    static let ipl = EventType(rawValue: 0x0D)
    static let omitBootDeviceEvents = EventType(rawValue: 0x12)
    static let variableDriverConfig = EventType(rawValue: 0x8000_0001)
    static let variableBoot = EventType(rawValue: 0x8000_0002)
    static let bootServicesApplication = EventType(rawValue: 0x8000_0003)
    static let gpt = EventType(rawValue: 0x8000_0006)
    static let efiAction = EventType(rawValue: 0x8000_0007)
    static let handoffTables = EventType(rawValue: 0x8000_0009)
    static let platformFirmwareBlob2 = EventType(rawValue: 0x8000_000A)
    static let handoffTables2 = EventType(rawValue: 0x8000_000B)
    static let variableBoot2 = EventType(rawValue: 0x8000_000C)
    static let variableAuthority = EventType(rawValue: 0x8000_00E0)

    /// The name that the TCG gave the kind, such as `EV_SEPARATOR`; the number in hexadecimal when it has none.
    public var name: String {
        if let name = Self.names[rawValue] { return name }
        let digits = String(rawValue, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static let names: [UInt32: String] = [
        0x00: "EV_PREBOOT_CERT", 0x01: "EV_POST_CODE", 0x02: "EV_UNUSED", 0x03: "EV_NO_ACTION",
        0x04: "EV_SEPARATOR", 0x05: "EV_ACTION", 0x06: "EV_EVENT_TAG", 0x07: "EV_S_CRTM_CONTENTS",
        0x08: "EV_S_CRTM_VERSION", 0x09: "EV_CPU_MICROCODE", 0x0A: "EV_PLATFORM_CONFIG_FLAGS",
        0x0B: "EV_TABLE_OF_DEVICES", 0x0C: "EV_COMPACT_HASH", 0x0D: "EV_IPL", 0x0E: "EV_IPL_PARTITION_DATA",
        0x0F: "EV_NONHOST_CODE", 0x10: "EV_NONHOST_CONFIG", 0x11: "EV_NONHOST_INFO",
        0x12: "EV_OMIT_BOOT_DEVICE_EVENTS", 0x8000_0000: "EV_EFI_EVENT_BASE",
        0x8000_0001: "EV_EFI_VARIABLE_DRIVER_CONFIG", 0x8000_0002: "EV_EFI_VARIABLE_BOOT",
        0x8000_0003: "EV_EFI_BOOT_SERVICES_APPLICATION", 0x8000_0004: "EV_EFI_BOOT_SERVICES_DRIVER",
        0x8000_0005: "EV_EFI_RUNTIME_SERVICES_DRIVER", 0x8000_0006: "EV_EFI_GPT_EVENT",
        0x8000_0007: "EV_EFI_ACTION", 0x8000_0008: "EV_EFI_PLATFORM_FIRMWARE_BLOB",
        0x8000_0009: "EV_EFI_HANDOFF_TABLES", 0x8000_000A: "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
        0x8000_000B: "EV_EFI_HANDOFF_TABLES2", 0x8000_000C: "EV_EFI_VARIABLE_BOOT2",
        0x8000_0010: "EV_EFI_HCRTM_EVENT", 0x8000_00E0: "EV_EFI_VARIABLE_AUTHORITY",
        0x8000_00E1: "EV_EFI_SPDM_FIRMWARE_BLOB", 0x8000_00E2: "EV_EFI_SPDM_FIRMWARE_CONFIG",
    ]
}
