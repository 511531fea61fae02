/// What a key of AMD's secure processor, or of those above and before it, is for (Secure Encrypted Virtualization API,
/// appendix C.1).
enum SEVKeyUsage: UInt32, Sendable, Hashable {
    /// AMD's root (ARK).
    case root = 0
    /// Signs the keys of chips (ASK).
    case signing = 0x13
    /// Nobody: a place for a signature that is empty.
    case none = 0x1000
    /// The owner's authority over a platform (OCA).
    case owner = 0x1001
    /// The platform's endorsement key (PEK).
    case platform = 0x1002
    /// The platform's key for sessions (PDH), and the guest owner's.
    case session = 0x1003
    /// The key of a chip (CEK).
    case chip = 0x1004
}

/// A generation of AMD processors that runs guests with SEV or SEV-ES.
public enum SEVGeneration: UInt8, Sendable, CaseIterable, Hashable {
    /// EPYC 7001. Its firmware can be put back to releases that give the platform's keys away.
    case naples = 1
    /// EPYC 7002.
    case rome = 2
    /// EPYC 7003.
    case milan = 3
    /// EPYC 9004 and 8004.
    case genoa = 4
    /// EPYC 9005.
    case turin = 5

    /// The name in settings and claims, such as `milan`.
    public var name: String {
        switch self {
        case .naples: "naples"
        case .rome: "rome"
        case .milan: "milan"
        case .genoa: "genoa"
        case .turin: "turin"
        }
    }
}
