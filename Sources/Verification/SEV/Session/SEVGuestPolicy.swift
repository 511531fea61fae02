/// What a guest's owner allows the host, as the session fixes it (Secure Encrypted Virtualization API, section 3.2).
public struct SEVGuestPolicy: Sendable, Hashable {
    /// The policy as a number: switches in bits 0 to 5, the least version of the firmware's interface in 16 to 31.
    public let rawValue: UInt32

    /// A policy from its number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The switches; a bit that is set forbids or demands.
    public enum Switch: UInt32, Sendable, CaseIterable, Hashable {
        /// The host may not look into the guest.
        case noDebug = 0
        /// No other guest gets the same memory key.
        case noKeySharing = 1
        /// Registers are encrypted and measured: SEV-ES.
        case encryptedState = 2
        /// The guest may not be sent to another platform.
        case noSend = 3
        /// The guest may be sent within its domain only.
        case domain = 4
        /// The guest may be sent to platforms with SEV only.
        case sevOnly = 5

        /// The name in claims.
        public var name: String {
            switch self {
            case .noDebug: "nodbg"
            case .noKeySharing: "noks"
            case .encryptedState: "es"
            case .noSend: "nosend"
            case .domain: "domain"
            case .sevOnly: "sev"
            }
        }
    }

    /// What a broker demands: nothing that would let the host in, and firmware of this version at least.
    public static func strict(encryptedState: Bool, minimumAPI: SEVInterfaceVersion) -> SEVGuestPolicy {
        var bits: UInt32 = 0
        for item in Switch.allCases where item != .encryptedState || encryptedState { bits |= 1 << item.rawValue }
        return SEVGuestPolicy(
            rawValue: bits | UInt32(minimumAPI.major) << 16 | UInt32(minimumAPI.minor) << 24)
    }

    /// Whether a switch is set.
    public func has(_ item: Switch) -> Bool { rawValue >> item.rawValue & 1 == 1 }

    /// The least version of the interface.
    var minimumAPI: SEVInterfaceVersion {
        SEVInterfaceVersion(
            major: UInt8(truncatingIfNeeded: rawValue >> 16), minor: UInt8(truncatingIfNeeded: rawValue >> 24))
    }

    var bytes: [UInt8] { SEVNumbers.littleEndian(rawValue) }
}

/// The version of the interface of a platform's firmware.
public struct SEVInterfaceVersion: Sendable, Hashable, Comparable {
    /// The major version.
    public let major: UInt8
    /// The minor version.
    public let minor: UInt8

    /// A version.
    public init(major: UInt8, minor: UInt8) {
        self.major = major
        self.minor = minor
    }

    /// The first whose packets of secrets are bound to the launch that they are for.
    public static let bindsSecrets = SEVInterfaceVersion(major: 0, minor: 17)

    /// Whether `left` is older.
    public static func < (left: SEVInterfaceVersion, right: SEVInterfaceVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

/// Numbers as AMD's structures have them.
enum SEVNumbers {
    static func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}
