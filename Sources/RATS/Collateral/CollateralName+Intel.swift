import Encodings

extension CollateralName {
    /// The kind of quote that Intel's collateral is for.
    public enum IntelQuoteKind: String, Sendable, CaseIterable {
        /// SGX enclaves.
        case sgx
        /// TDX trust domains.
        case tdx
    }

    /// How early Intel's recoveries of the trusted computing base count.
    public enum IntelUpdateChannel: String, Sendable, CaseIterable {
        /// From the day of publication on.
        case early
        /// After the grace period of the platform's owners.
        case standard
    }

    /// The authority that issued a platform's certificate (PCK).
    public enum IntelPCKAuthority: String, Sendable, CaseIterable {
        /// Platforms of one processor.
        case processor
        /// Platforms of several processors.
        case platform
    }

    /// The levels of the trusted computing base (TCB info, signed JSON); `fmspc` has 6 bytes.
    public static func intelTCBInfo(
        _ kind: IntelQuoteKind, fmspc: [UInt8], channel: IntelUpdateChannel
    ) -> CollateralName {
        CollateralName(segments: "intel", "tcb", kind.rawValue, Hex.encode(fmspc), channel.rawValue)
    }

    /// The identity of the quoting enclave (signed JSON).
    public static func intelQEIdentity(_ kind: IntelQuoteKind, channel: IntelUpdateChannel) -> CollateralName {
        CollateralName(segments: "intel", "qe", kind.rawValue, channel.rawValue)
    }

    /// The revocation list of the authority over platform certificates, DER.
    public static func intelPCKRevocationList(_ authority: IntelPCKAuthority) -> CollateralName {
        CollateralName(segments: "intel", "crl", authority.rawValue)
    }

    /// The revocation list of Intel's root over its authorities, DER.
    public static let intelRootRevocationList = CollateralName(segments: "intel", "crl", "root")
}
