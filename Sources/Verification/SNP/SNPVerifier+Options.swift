public import X509Trust

extension SNPVerifier {
    /// What a site accepts. The defaults are the strict choice wherever there is one.
    public struct Options: Sendable, Hashable {
        /// The authorities whose keys are believed.
        public var anchors: SNPTrustAnchors
        /// The versions of reports that are read, from 3 to 5. Version 2 is let in by ``version2Products`` alone.
        public var versions: Set<UInt32> = [3, 4, 5]
        /// The products that reports of version 2 are believed for. Those do not say what processor they come from, so
        /// the key's certificate decides, and it must be of one of these. Empty refuses version 2.
        public var version2Products: Set<SNPProduct> = []
        /// The products that are let in; `nil` for all that ``anchors`` know.
        public var products: Set<SNPProduct>?
        /// The privilege levels that may have asked for the report.
        public var vmpls: Set<UInt32> = [0]
        /// Lets in guests that the host may look into; the claim `policy_debug_allowed` says so.
        public var allowsDebug = false
        /// Lets in guests that a migration agent may export; the claim `policy_migrate_ma` says so.
        public var allowsMigration = false
        /// Lets in reports of a chip's own key that do not say which chip it is.
        public var allowsMaskedChipID = false
        /// The oldest firmware of each product, by the levels reported to guests. A product that is not here has no
        /// minimum.
        public var minimumTCB: [SNPProduct: SNPTCBLevels] = [:]
        /// Whether ``minimumTCB`` holds for the firmware at launch too.
        public var appliesMinimumTCBToLaunch = false
        /// Refuses guests that were launched with older firmware than what is reported now, as happens where a host
        /// updates its firmware while guests run.
        public var requiresReportedTCBAtLaunch = true
        /// The oldest firmware interface that the guest's policy may agree to.
        public var minimumABI: SNPInterfaceVersion?
        /// What the machine must have switched on, such as ``SNPPlatformInfo/aliasCheckComplete``.
        public var requiredPlatform: SNPPlatformInfo = []
        /// Who must have signed the guest's ID block; `nil` when it need not have any.
        public var idBlock: SNPIDBlockRequirement?
        /// The cloud providers whose keys (VLEK) are believed, in the words of AMD's certificates, such as
        /// `CN=cc-us-east-2.amazonaws.com`; `nil` for all.
        public var providers: Set<String>?
        /// What is asked of AMD's revocation lists. They tell of authorities, never of single chips, so a coverage of every
        /// certificate would refuse all evidence; none accepts that it is not known whether an authority is revoked, and
        /// the claim `crl_status` says so.
        public var revocation = RevocationPolicy(coverage: .issuersOnly)

        /// The defaults, with these authorities.
        public init(anchors: SNPTrustAnchors = .amd) {
            self.anchors = anchors
        }
    }
}

/// A version of the interface between host and SNP firmware.
public struct SNPInterfaceVersion: Sendable, Hashable, Comparable {
    /// The major number.
    public let major: UInt8
    /// The minor number.
    public let minor: UInt8

    /// The version of these numbers.
    public init(major: UInt8, minor: UInt8) {
        self.major = major
        self.minor = minor
    }

    /// Orders versions by major, then minor number.
    public static func < (left: SNPInterfaceVersion, right: SNPInterfaceVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

/// Who must have signed a guest's ID block.
///
/// Anybody can sign an ID block, so the security version, family and image in it mean something only together with keys.
public struct SNPIDBlockRequirement: Sendable, Hashable {
    /// SHA-384 of the keys that may sign; `nil` when the author key alone decides.
    public let idKeyDigests: Set<[UInt8]>?
    /// SHA-384 of the keys that may certify the signing key; `nil` when it need not be certified.
    public let authorKeyDigests: Set<[UInt8]>?
    /// The oldest security version.
    public let minimumGuestSVN: UInt32
    /// The families that are let in (16 bytes each); `nil` for all.
    public let familyIDs: Set<[UInt8]>?
    /// The images that are let in (16 bytes each); `nil` for all.
    public let imageIDs: Set<[UInt8]>?

    /// An ID block that one of these ID keys signed.
    public init(
        idKeyDigests: Set<[UInt8]>, authorKeyDigests: Set<[UInt8]>? = nil, minimumGuestSVN: UInt32 = 0,
        familyIDs: Set<[UInt8]>? = nil, imageIDs: Set<[UInt8]>? = nil
    ) {
        self.idKeyDigests = idKeyDigests
        self.authorKeyDigests = authorKeyDigests
        self.minimumGuestSVN = minimumGuestSVN
        self.familyIDs = familyIDs
        self.imageIDs = imageIDs
    }

    /// An ID block of any key that one of these author keys certified.
    public init(
        authorKeyDigests: Set<[UInt8]>, minimumGuestSVN: UInt32 = 0, familyIDs: Set<[UInt8]>? = nil,
        imageIDs: Set<[UInt8]>? = nil
    ) {
        idKeyDigests = nil
        self.authorKeyDigests = authorKeyDigests
        self.minimumGuestSVN = minimumGuestSVN
        self.familyIDs = familyIDs
        self.imageIDs = imageIDs
    }
}
