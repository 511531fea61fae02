public import X509Trust

extension NitroVerifier {
    /// What a site accepts.
    public struct Options: Sendable, Hashable {
        /// The field of the document that an enclave puts the report data into. It is a setting, so that no enclave
        /// chooses what counts.
        public enum ReportDataField: String, Sendable, Hashable, CaseIterable {
            /// `user_data`.
            case userData = "user_data"
            /// `nonce`.
            case nonce
        }

        /// The roots that are believed.
        public var anchors: [PinnedAnchor]
        /// Where the report data stands.
        public var reportDataField = ReportDataField.userData
        /// How old a document may be.
        public var maximumAge: Duration = .seconds(300)
        /// How far a document may be ahead of the broker's clock.
        public var maximumClockSkew: Duration = .seconds(60)
        /// Lets in enclaves in debug mode, which the parent instance can look into and whose registers are zero; the claim
        /// `debug` says so.
        public var allowsDebug = false

        /// AWS's revocation lists. A certificate that one of them names is refused, however old the list is.
        public var revocationLists: [RevocationList] = []
        /// Refuses enclaves below an authority that says where its issuer's list is to be had, when no current list of
        /// that issuer is among ``revocationLists``.
        public var requiresRevocationLists = false
        /// How long a revocation list is tolerated after the next one was due.
        public var revocationGrace: Duration = .zero

        /// The defaults, with these roots.
        public init(anchors: [PinnedAnchor] = PinnedAnchor.nitro) {
            self.anchors = anchors
        }
    }
}
