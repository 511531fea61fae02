public import Encodings

/// What a verifier found out from evidence that it believes.
public struct EvidenceClaims: Sendable, Hashable {
    /// The kind of attester.
    public let tee: TEE
    /// The class of the thing described; it names the submodule.
    public let deviceClass: DeviceClass
    /// The verifier's claims, with `report_data` and `init_data` (strings) where the kind has them.
    public let claims: JSONObject
    /// Index into ``EvidenceBinding/reportData`` of the digest that the evidence carries.
    public let matchedReportData: Int?
    /// The best that an appraisal may say of the hardware, whatever its policy finds; `nil` for no limit.
    public let trustCap: TrustTier?
    /// The launch that secrets go to, for kinds whose guests have no key; then nothing else that was sent is bound to the
    /// evidence: no key, no init-data, no devices.
    public let launch: LaunchRecipient?
    /// The firmware of the machine beneath; `nil` for kinds that do not tell, and where the machine hides its identifier.
    public let platform: PlatformLevels?
    /// How the verifier came to believe the evidence, in the order of its work.
    public let steps: [VerificationStep]
    /// The certificates of the signing key (DER), its own first, the pinned root last.
    public let chain: [[UInt8]]

    /// Claims of one attester; the class is the usual one of `tee` unless given.
    public init(
        tee: TEE, deviceClass: DeviceClass? = nil, claims: JSONObject, matchedReportData: Int?,
        trustCap: TrustTier? = nil, launch: LaunchRecipient? = nil, platform: PlatformLevels? = nil,
        steps: [VerificationStep] = [], chain: [[UInt8]] = []
    ) {
        self.tee = tee
        self.deviceClass = deviceClass ?? tee.deviceClass
        self.claims = claims
        self.matchedReportData = matchedReportData
        self.trustCap = trustCap
        self.launch = launch
        self.platform = platform
        self.steps = steps
        self.chain = chain
    }

    /// The same claims, of hardware that an appraisal must not say better of than `tier`.
    public func capped(at tier: TrustTier) -> EvidenceClaims {
        EvidenceClaims(
            tee: tee, deviceClass: deviceClass, claims: claims, matchedReportData: matchedReportData,
            trustCap: trustCap.map { max($0, tier) } ?? tier, platform: platform, steps: steps, chain: chain)
    }
}

/// One thing that a verifier checked, or could not.
public struct VerificationStep: Sendable, Hashable {
    /// Whether the check was made. A check that fails ends the verification, so it is never listed.
    public enum Outcome: String, Sendable, Hashable {
        /// The evidence passed the check.
        case passed
        /// The check could not be made, or nobody asked for it.
        case skipped
    }

    /// What was checked, in few words, such as `report signature`.
    public let name: String
    /// Whether the check was made.
    public let outcome: Outcome
    /// What it was checked against, or why it was not checked.
    public let detail: String

    /// A check that the evidence passed.
    public static func passed(_ name: String, _ detail: String) -> VerificationStep {
        VerificationStep(name: name, outcome: .passed, detail: detail)
    }

    /// A check that was not made.
    public static func skipped(_ name: String, _ reason: String) -> VerificationStep {
        VerificationStep(name: name, outcome: .skipped, detail: reason)
    }
}
