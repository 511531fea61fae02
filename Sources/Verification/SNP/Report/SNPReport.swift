public import RATS

/// An SEV-SNP attestation report (AMD 56860, ATTESTATION_REPORT): plain values, not believed.
///
/// Digests and identifiers are the bytes as they stand in the report.
public struct SNPReport: Sendable, Hashable {
    /// The size of a report.
    public static let byteCount = 1184
    /// How many bytes from the beginning the signature covers.
    public static let signedByteCount = 0x2A0

    /// The format of the report, 2 to 5.
    public var version: UInt32
    /// The security version that the image's owner gave it in the ID block.
    public var guestSVN: UInt32
    /// What the guest's owner demanded.
    public var policy: SNPGuestPolicy
    /// The family of images, 16 bytes, from the ID block.
    public var familyID: [UInt8]
    /// The image, 16 bytes, from the ID block.
    public var imageID: [UInt8]
    /// The privilege level that asked for the report, 0 to 3; 0xFFFFFFFF when the host asked.
    public var vmpl: UInt32
    /// How the report is signed; 1 is ECDSA with P-384 and SHA-384.
    public var signatureAlgorithm: UInt32
    /// The firmware that runs.
    public var currentTCB: SNPTCB
    /// What the machine has switched on.
    public var platformInfo: SNPPlatformInfo
    /// Which key signed.
    public var keyInfo: SNPKeyInfo
    /// What the guest had signed, 64 bytes.
    public var reportData: [UInt8]
    /// The launch digest, 48 bytes.
    public var measurement: [UInt8]
    /// What the host gave at launch, 32 bytes.
    public var hostData: [UInt8]
    /// SHA-384 of the key that signed the ID block; zero when there was none.
    public var idKeyDigest: [UInt8]
    /// SHA-384 of the key that certified the ID key; zero when there was none.
    public var authorKeyDigest: [UInt8]
    /// The identifier of the guest, 32 bytes.
    public var reportID: [UInt8]
    /// The identifier of the guest's migration agent, 32 bytes; all ones when there is none.
    public var migrationAgentReportID: [UInt8]
    /// The firmware that the signing key was derived from.
    public var reportedTCB: SNPTCB
    /// The processor; from version 3 on.
    public var processor: SNPProcessor?
    /// The chip's identifier, 64 bytes; zero when the host masks it.
    public var chipID: [UInt8]
    /// The firmware below which the machine cannot go back.
    public var committedTCB: SNPTCB
    /// The version of the firmware that runs.
    public var currentVersion: SNPFirmwareVersion
    /// The version of the committed firmware.
    public var committedVersion: SNPFirmwareVersion
    /// The firmware that ran when the guest was launched.
    public var launchTCB: SNPTCB
    /// The mitigations in force at launch; zero before version 5.
    public var launchMitigations: UInt64
    /// The mitigations in force now; zero before version 5.
    public var currentMitigations: UInt64
    /// The signature's two numbers, each 72 bytes, least significant first.
    public var signature: SNPSignature

    /// A report of these values; digests and identifiers that are not given are zero.
    public init(
        version: UInt32 = 5, guestSVN: UInt32 = 0, policy: SNPGuestPolicy = [.mustBeOne, .smtAllowed],
        familyID: [UInt8] = Array(repeating: 0, count: 16), imageID: [UInt8] = Array(repeating: 0, count: 16),
        vmpl: UInt32 = 0,
        signatureAlgorithm: UInt32 = 1, currentTCB: SNPTCB, platformInfo: SNPPlatformInfo = [],
        keyInfo: SNPKeyInfo = SNPKeyInfo(signer: .vcek), reportData: [UInt8], measurement: [UInt8],
        hostData: [UInt8] = Array(repeating: 0, count: 32), idKeyDigest: [UInt8] = Array(repeating: 0, count: 48),
        authorKeyDigest: [UInt8] = Array(repeating: 0, count: 48),
        reportID: [UInt8] = Array(repeating: 0, count: 32),
        migrationAgentReportID: [UInt8] = Array(repeating: 0xFF, count: 32),
        reportedTCB: SNPTCB, processor: SNPProcessor?, chipID: [UInt8], committedTCB: SNPTCB,
        currentVersion: SNPFirmwareVersion = SNPFirmwareVersion(major: 1, minor: 55, build: 0),
        committedVersion: SNPFirmwareVersion = SNPFirmwareVersion(major: 1, minor: 55, build: 0), launchTCB: SNPTCB,
        launchMitigations: UInt64 = 0, currentMitigations: UInt64 = 0, signature: SNPSignature = SNPSignature()
    ) {
        self.version = version
        self.guestSVN = guestSVN
        self.policy = policy
        self.familyID = familyID
        self.imageID = imageID
        self.vmpl = vmpl
        self.signatureAlgorithm = signatureAlgorithm
        self.currentTCB = currentTCB
        self.platformInfo = platformInfo
        self.keyInfo = keyInfo
        self.reportData = reportData
        self.measurement = measurement
        self.hostData = hostData
        self.idKeyDigest = idKeyDigest
        self.authorKeyDigest = authorKeyDigest
        self.reportID = reportID
        self.migrationAgentReportID = migrationAgentReportID
        self.reportedTCB = reportedTCB
        self.processor = processor
        self.chipID = chipID
        self.committedTCB = committedTCB
        self.currentVersion = currentVersion
        self.committedVersion = committedVersion
        self.launchTCB = launchTCB
        self.launchMitigations = launchMitigations
        self.currentMitigations = currentMitigations
        self.signature = signature
    }
}

/// A version of the SNP firmware.
public struct SNPFirmwareVersion: Sendable, Hashable {
    /// The major number.
    public var major: UInt8
    /// The minor number.
    public var minor: UInt8
    /// The build.
    public var build: UInt8

    /// The version of these numbers.
    public init(major: UInt8, minor: UInt8, build: UInt8) {
        self.major = major
        self.minor = minor
        self.build = build
    }
}
