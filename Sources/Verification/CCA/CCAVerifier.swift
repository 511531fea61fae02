import Encodings
public import RATS
import X509Trust

/// Believes attestation tokens of Arm CCA realms whose platform somebody endorsed.
///
/// There is no evidence from hardware in public: what is believed here was proved on tokens of emulators.
public struct CCAVerifier: EvidenceVerifier {
    /// The kind `cca`.
    public let tee: TEE = .cca
    /// What is accepted.
    public let options: Options

    /// A verifier that accepts what `options` let in: without endorsements, nothing.
    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// Verifies both signatures, who endorsed the platform's key, that the platform vouches for the realm's key, the
    /// life cycle and firmware of the platform, and that the realm's token is bound to the session.
    ///
    /// The evidence is `{"token": [numbers]}`, or base64 in place of the numbers. The realm's challenge must be the report
    /// data, filled up to 64 bytes, its personalization value the digest of the init-data. Throws a ``VerificationError``
    /// whose code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let token = try CCAToken(parsing: Self.token(evidence.content))
        var steps: [VerificationStep] = []
        try verifySignatures(token, context: context, steps: &steps)
        try verifyPlatform(token.platform, steps: &steps)
        let endorsement = try verifyFirmware(token.platform, context: context, steps: &steps)
        guard let index = binding.candidate(filling: token.realm.challenge) else { throw .reportDataMismatch }
        steps.append(.passed("report data", "this session's nonce and key"))
        if binding.initDataDigest == nil {
            steps.append(.skipped("init-data", "the guest sent no document"))
        } else {
            guard binding.initDataDigest(fits: token.realm.personalization) else { throw .initDataMismatch }
            steps.append(
                .passed("init-data", "the digest of the guest's document is the realm's personalization value"))
        }
        let claims = CCAClaimSet(
            token: token, isFirmwareEndorsed: endorsement.firmware, areSettingsEndorsed: endorsement.settings
        ).claims
        return [EvidenceClaims(tee: tee, claims: claims, matchedReportData: index, steps: steps)]
    }

    /// The realm's challenge. Throws `malformed_evidence` and `unsupported_version`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try CCAToken(parsing: Self.token(evidence.content)).realm.challenge
    }

    private static func token(_ content: JSONValue) throws(VerificationError) -> [UInt8] {
        switch content["token"] {
        case .array(let items)? where items.count <= 65_536:
            if let bytes = content["token"]?.byteArrayValue { return bytes }
        case .string(let text)?:
            if let bytes = try? Base64.decode(text) { return bytes }
        default: break
        }
        throw .malformed("CCA evidence needs a token, as a list of bytes or in base64.")
    }

    /// The realm signs with a key that it brings along, which proves nothing until the platform, whose key is endorsed,
    /// vouches for it.
    private func verifySignatures(
        _ token: CCAToken, context: VerificationContext, steps: inout [VerificationStep]
    ) throws(VerificationError) {
        let keys = options.endorsements.keys(of: token.platform, at: context.clock.now())
        guard !keys.isEmpty else {
            throw VerificationError(
                code: "key_not_trusted",
                message: "Nobody endorses the platform's key now. Bring in the trust anchor of its maker.")
        }
        guard keys.contains(where: { $0.isValidSignature(of: token.platformMessage) }) else {
            throw .signatureInvalid("the platform token")
        }
        steps.append(.passed("platform signature", "by the key that is endorsed for this very machine"))
        if let algorithm = token.realm.keyAlgorithm, algorithm != token.realmMessage.algorithm {
            throw .signatureInvalid("the realm token")
        }
        guard token.realm.key.isValidSignature(of: token.realmMessage) else {
            throw .signatureInvalid("the realm token")
        }
        steps.append(.passed("realm signature", "by the key in the realm's own token"))
        guard let digest = token.realm.keyHash.digest(of: token.realm.keyBytes),
            constantTimeEqual(digest, token.platform.challenge)
        else {
            throw VerificationError(
                code: "key_not_bound",
                message: "The platform vouches for another realm key than the one that signed the realm token.")
        }
        steps.append(.passed("binding", "the platform's challenge is the hash of the realm's key"))
    }

    private func verifyPlatform(
        _ platform: CCAPlatformClaims, steps: inout [VerificationStep]
    ) throws(VerificationError) {
        let state = "0x" + String(platform.lifecycle, radix: 16)
        if CCAPlatformClaims.secured.contains(platform.lifecycle) {
            steps.append(.passed("life cycle", "secured (\(state))"))
        } else {
            guard options.allowsUnsecured else {
                throw VerificationError(
                    code: "debug_enabled",
                    message: "The platform is in life-cycle state \(state): it can be debugged or is not set up.")
            }
            steps.append(.skipped("life cycle", "it is \(state), which the settings let in"))
        }
    }

    private func verifyFirmware(
        _ platform: CCAPlatformClaims, context: VerificationContext, steps: inout [VerificationStep]
    ) throws(VerificationError) -> (firmware: Bool, settings: Bool) {
        let releases = options.endorsements.releases(of: platform, at: context.clock.now())
        let matches = releases.filter { $0.matches(platform) }
        if !matches.isEmpty {
            steps.append(.passed("firmware", "every component is one of an endorsed release, and none is missing"))
            let namesSettings = matches.contains { !$0.configurations.isEmpty }
            steps.append(
                namesSettings
                    ? .passed("settings", "they are those of the release")
                    : .skipped("settings", "the release says nothing of the platform's settings"))
            return (true, namesSettings)
        }
        guard !options.requiresEndorsedFirmware else {
            throw VerificationError(
                code: "firmware_not_endorsed",
                message: releases.isEmpty
                    ? "Nobody says now which firmware of the platform is good. Bring in its maker's reference values."
                    : "The platform's firmware or settings are those of no endorsed release.")
        }
        steps.append(.skipped("firmware", "it is none of an endorsed release, which the settings let in"))
        return (false, false)
    }
}
