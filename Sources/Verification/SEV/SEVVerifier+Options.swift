extension SEVVerifier {
    /// What a site accepts. Every list is closed: an empty one lets nothing in.
    public struct Options: Sendable, Hashable {
        /// The roots above the platforms' chips.
        public var authorities = SEVAuthorities.amd
        /// The launch digests that guests may have, 32 bytes each, at most ``maximumDigests``. A launch is proved by a code
        /// over its digest, which is sent nowhere, so that only digests that are known can be recognised.
        public var launchDigests: Set<[UInt8]> = []
        /// The builds of the platform's firmware that are let in.
        public var builds: Set<UInt8> = []
        /// The generations of processors that are let in. Naples is none of the default: old firmware, which can be put back,
        /// gives its keys away.
        public var generations: Set<SEVGeneration> = [.rome, .milan, .genoa, .turin]
        /// The chips that are let in, by the claim `chip_id` (32 bytes); `nil` for all.
        public var chips: Set<[UInt8]>?
        /// The oldest interface of the firmware, never below 0.17: packets for older ones are not bound to their launch.
        public var minimumAPI = SEVInterfaceVersion(major: 1, minor: 49)
        /// Demands SEV-ES. Without it registers are neither encrypted nor measured, and the host starts the guest wherever it
        /// likes; policies see the claim `es`.
        public var requiresEncryptedState = true

        /// A session is held against so many digests at most.
        public static let maximumDigests = 256

        /// The defaults, which let nothing in until digests and builds are named.
        public init() {}

        /// The policy that every session demands.
        var policy: SEVGuestPolicy { .strict(encryptedState: requiresEncryptedState, minimumAPI: leastAPI) }

        var leastAPI: SEVInterfaceVersion { max(minimumAPI, .bindsSecrets) }
    }
}
