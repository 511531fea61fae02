extension TPMVerifier {
    /// What a site accepts.
    public struct Options: Sendable, Hashable {
        /// What becomes of a quote whose key nobody vouches for: such a key may be that of a program.
        public enum UnknownKeys: Sendable, Hashable {
            /// The evidence is refused.
            case refused
            /// The evidence is verified, and its hardware is contraindicated whatever a policy says.
            case contraindicated
        }

        /// Who certifies attestation keys.
        public var anchors: TPMTrustAnchors
        /// Attestation keys that are believed by name, each as SubjectPublicKeyInfo, DER.
        public var trustedKeys: Set<[UInt8]> = []
        /// What becomes of quotes by other keys.
        public var unknownKeys: UnknownKeys = .contraindicated
        /// The banks of registers that are believed; SHA-1 never is. Guests of Confidential Containers quote SHA-256, and
        /// policies compare digests of that size.
        public var banks: Set<TCGHash> = [.sha256]
        /// Registers that software extends without writing into the firmware's log, so that the log cannot lead to their
        /// value: 8, which guests extend with the digest of their init-data, and 10, which Linux IMA has a list of its own
        /// for. Systems whose units systemd measures need 11, 12 and 15 too. Events of such a register become claims only
        /// when the log leads to its value all the same.
        public var registersBeyondLog: Set<UInt32> = [8, 10]
        /// Refuses evidence without an event log.
        public var requiresEventLog = false

        /// The defaults, with these authorities.
        public init(anchors: TPMTrustAnchors = .clouds) {
            self.anchors = anchors
        }
    }
}
