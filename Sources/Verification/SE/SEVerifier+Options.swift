public import X509Trust

extension SEVerifier {
    /// What a site accepts. Nothing is believed unless machines, their authorities and images are named.
    public struct Options: Sendable, Hashable {
        /// The roots above IBM's signing certificates.
        public var anchors: [PinnedAnchor]
        /// IBM's signing certificates for host keys, and the authorities between them and a root.
        public var authorities: [Certificate]
        /// The revocation lists of the signing key, and of its certificate's issuer. Both are needed.
        public var revocationLists: [RevocationList]
        /// The host-key documents of the machines that guests may run on, at most ``maximumHostKeys``.
        public var hostKeys: [Certificate]
        /// The headers of the images that guests may run.
        public var images: [SEImageHeader]
        /// The guests that may ask, by the identifiers that their machine gave them (16 bytes); `nil` for all.
        public var configurationIDs: Set<[UInt8]>?
        /// How long a revocation list is tolerated after the next one was due.
        public var revocationGrace: Duration = .zero

        /// A request has room for so many machines, because it travels with the session's cookie.
        public static let maximumHostKeys = 8

        /// What is believed.
        public init(
            anchors: [PinnedAnchor] = [], authorities: [Certificate] = [], revocationLists: [RevocationList] = [],
            hostKeys: [Certificate] = [], images: [SEImageHeader] = []
        ) {
            self.anchors = anchors
            self.authorities = authorities
            self.revocationLists = revocationLists
            self.hostKeys = hostKeys
            self.images = images
        }
    }
}
