/// What a guest's owner demanded at its launch (AMD 56860, guest policy).
public struct SNPGuestPolicy: OptionSet, Sendable, Hashable {
    /// The bits as they stand in the report.
    public let rawValue: UInt64

    /// The policy with these bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The guest may run where hyper-threading is on.
    public static let smtAllowed = SNPGuestPolicy(rawValue: 1 << 16)
    /// Always set.
    public static let mustBeOne = SNPGuestPolicy(rawValue: 1 << 17)
    /// A migration agent may export the guest to another machine.
    public static let migrationAgentAllowed = SNPGuestPolicy(rawValue: 1 << 18)
    /// The host may read and write the guest's memory in the clear.
    public static let debugAllowed = SNPGuestPolicy(rawValue: 1 << 19)
    /// The guest may run on one socket only.
    public static let singleSocket = SNPGuestPolicy(rawValue: 1 << 20)
    /// Memory behind CXL may be used.
    public static let cxlAllowed = SNPGuestPolicy(rawValue: 1 << 21)
    /// Memory must be encrypted with AES-256-XTS.
    public static let aes256XTSRequired = SNPGuestPolicy(rawValue: 1 << 22)
    /// Running average power limits, a side channel, must be off.
    public static let raplDisabled = SNPGuestPolicy(rawValue: 1 << 23)
    /// The host must be kept from reading encrypted memory.
    public static let ciphertextHidingRequired = SNPGuestPolicy(rawValue: 1 << 24)
    /// The host may not swap the guest's pages out.
    public static let pageSwapDisabled = SNPGuestPolicy(rawValue: 1 << 25)

    /// The oldest major version of the firmware interface that the guest runs on.
    public var abiMajor: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 8) }
    /// The oldest minor version of the firmware interface that the guest runs on.
    public var abiMinor: UInt8 { UInt8(truncatingIfNeeded: rawValue) }

    /// Whether there are bits whose meaning is not known: they might allow anything.
    var hasUnknownBits: Bool { rawValue >> 26 != 0 }
}

/// What the machine has switched on (AMD 56860, PLATFORM_INFO).
public struct SNPPlatformInfo: OptionSet, Sendable, Hashable {
    /// The bits as they stand in the report.
    public let rawValue: UInt64

    /// The information with these bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Hyper-threading is on.
    public static let smtEnabled = SNPPlatformInfo(rawValue: 1 << 0)
    /// The whole memory is encrypted as well.
    public static let tsmeEnabled = SNPPlatformInfo(rawValue: 1 << 1)
    /// The memory corrects errors.
    public static let eccEnabled = SNPPlatformInfo(rawValue: 1 << 2)
    /// Running average power limits are off.
    public static let raplDisabled = SNPPlatformInfo(rawValue: 1 << 3)
    /// The host cannot read encrypted memory.
    public static let ciphertextHiding = SNPPlatformInfo(rawValue: 1 << 4)
    /// No two addresses lead to the same memory, as the firmware found at boot (a defence against BadRAM).
    public static let aliasCheckComplete = SNPPlatformInfo(rawValue: 1 << 5)
    /// Devices can be taken into the guest's trust.
    public static let tioEnabled = SNPPlatformInfo(rawValue: 1 << 7)

    /// What is set that has no meaning here: newer firmware may know it.
    var unknown: SNPPlatformInfo {
        subtracting([
            .smtEnabled, .tsmeEnabled, .eccEnabled, .raplDisabled, .ciphertextHiding, .aliasCheckComplete, .tioEnabled,
        ])
    }

    /// The names of what is on, for people.
    var names: [String] {
        let all: [(SNPPlatformInfo, String)] = [
            (.smtEnabled, "SMT"), (.tsmeEnabled, "TSME"), (.eccEnabled, "ECC"), (.raplDisabled, "RAPL off"),
            (.ciphertextHiding, "ciphertext hiding"), (.aliasCheckComplete, "alias check"), (.tioEnabled, "TIO"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

/// Which key signed a report (AMD 56860, bytes 0x48 to 0x4B).
public struct SNPKeyInfo: Sendable, Hashable {
    /// The bits as they stand in the report.
    public let rawValue: UInt32

    /// The information with these bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The information of a report that `kind` signed, without an author key.
    public init(signer kind: SNPEndorsementKeyKind) {
        rawValue =
            switch kind {
            case .vcek: 0
            case .vlek: 1 << 2
            }
    }

    /// Whether the ID key was certified by an author key.
    public var hasAuthorKey: Bool { rawValue & 1 != 0 }
    /// Whether the host forbade to sign with the chip's own key.
    public var isChipKeyMasked: Bool { rawValue & 2 != 0 }
    /// The key that signed; `nil` when nobody did and when the number is not known.
    public var signer: SNPEndorsementKeyKind? {
        switch rawValue >> 2 & 7 {
        case 0: .vcek
        case 1: .vlek
        default: nil
        }
    }

    /// Whether a reserved bit is set.
    var hasUnknownBits: Bool { rawValue >> 5 != 0 }
}
