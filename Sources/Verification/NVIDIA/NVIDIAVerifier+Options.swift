public import X509Trust

extension NVIDIAVerifier {
    /// What a site accepts.
    public struct Options: Sendable, Hashable {
        /// The roots of devices that are believed.
        public var anchors: [PinnedAnchor]
        /// The roots of manifests that are believed.
        public var manifestAnchors: [PinnedAnchor]
        /// Manifests that are at hand; those that are not are asked for as collateral.
        public var manifests = NVIDIAManifests()
        /// Refuses devices whose registers nobody can compare, because a manifest is missing. Otherwise the claims say so. A
        /// device whose registers are others than a manifest lists is refused in any case.
        public var requiresManifests = true
        /// Lets manifests count after their signer's certificate has expired, two years after it was made; the claim
        /// `x-nvidia-cert-status` of the signer says `expired` then.
        public var allowsExpiredManifestSigners = false
        /// Refuses devices and manifests when no answer of NVIDIA's OCSP service about their certificates is at hand; otherwise
        /// the claim `x-nvidia-cert-ocsp-status` is null then. What is revoked is refused in any case.
        public var requiresRevocationStatus = false
        /// Lets in GPUs whose driver, before 550, does not state the digest of the first firmware.
        public var allowsMissingFirmwareID = false
        /// Lets in reports with zero bytes behind their signature, as agents up to v0.16 send them.
        public var allowsTrailingZeros = false
        /// Refuses GPUs with protected PCIe without all of their neighbours: eight GPUs and four switches that name each
        /// other. Otherwise there is only no summary of class `ppcie`.
        public var requiresTopology = true

        /// The defaults, with these roots.
        public init(
            anchors: [PinnedAnchor] = PinnedAnchor.nvidiaDevices,
            manifestAnchors: [PinnedAnchor] = PinnedAnchor.nvidiaManifests
        ) {
            self.anchors = anchors
            self.manifestAnchors = manifestAnchors
        }
    }
}
