extension CCAVerifier {
    /// What a site accepts.
    public struct Options: Sendable, Hashable {
        /// Whose word counts about which machines.
        public var endorsements: CCAEndorsements
        /// Refuses machines whose firmware is none of the endorsed releases; otherwise the claim
        /// `cca-platform-sw-components-endorsed` says whether it is.
        public var requiresEndorsedFirmware = true
        /// Lets in machines whose life cycle is not `secured`, which somebody may debug; the claim
        /// `cca-platform-lifecycle` says so.
        public var allowsUnsecured = false

        /// The defaults, with these endorsements.
        public init(endorsements: CCAEndorsements = CCAEndorsements()) {
            self.endorsements = endorsements
        }
    }
}
