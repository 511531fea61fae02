import Crypto
import Encodings
public import RATS

/// Believes launches of AMD SEV and SEV-ES guests, a legacy kind of evidence.
///
/// Such a guest cannot attest. Its host asks for a session before the guest's first instruction, and the platform proves
/// under the session's key what it loaded; secrets go into the guest's memory in packets that only this launch can open.
/// Nothing protects the memory's integrity and nothing is proved after the launch, so that hardware is a warning at best.
public struct SEVVerifier: EvidenceVerifier {
    /// The kind `sev`, for SEV and SEV-ES.
    public let tee: TEE = .sev
    /// What is accepted.
    public let options: Options
    private let digests: [[UInt8]]
    /// Platforms that were verified, by the digest of their certificates: these have no dates, so that what held once holds
    /// again, and anybody may ask for a challenge.
    private let platforms = RecentValues<[UInt8], SEVPlatform>(capacity: 64)

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options) {
        self.options = options
        digests = options.launchDigests.filter { $0.count == 32 }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// A session for the platform whose certificates the host sent, with keys of its own that stay with the verifier.
    ///
    /// Throws `malformed_evidence`, `chain_not_trusted`, and `launch_not_allowed` for a platform that is not let in, and where
    /// no digest is.
    public func challenge(
        extraParameters: JSONValue?, context: VerificationContext
    ) async throws(VerificationError) -> VerifierChallenge? {
        let request = try SEVRequest(extraParameters)
        guard !digests.isEmpty, digests.count <= Options.maximumDigests else {
            throw .launchNotAllowed("Name 1 to \(Options.maximumDigests) launch digests that guests may have.")
        }
        try requireFirmware(request.firmware)
        let platform = try platform(request.chain)
        try requirePlatform(platform.generation, platform.chipID)
        let secrets = SEVLaunchSession.Secrets.generate()
        let session = try SEVLaunchSession(policy: options.policy, platformKey: platform.sessionKey, secrets)
        let state = SEVChallengeState(secrets, options.policy, request.firmware, platform)
        let parameters: JSONValue = ["id": .string(Hex.encode(SEVKeys.random(16))), "start": session.json]
        return VerifierChallenge(
            extraParameters: request.isText ? .string(parameters.serializedString()) : parameters, state: state.bytes)
    }

    /// Verifies that the platform of this session loaded a guest of a known digest under the session's policy.
    ///
    /// Nothing that the host says beside it is bound: not the key that answers are sealed to elsewhere, no init-data, no
    /// devices. What comes of it is the way into this launch (``RATS/EvidenceClaims/launch``). Throws a
    /// ``VerificationError`` whose code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try SEVEvidence(evidence.content)
        let state = try SEVChallengeState(context.challengeState)
        // Judged again: the settings may have changed since the session was made.
        guard state.policy == options.policy else {
            throw .launchNotAllowed("The session was made under another policy than the one that is demanded now.")
        }
        try requireFirmware(state.firmware)
        try requirePlatform(state.generation, state.chipID)
        let measure = SEVMeasuredLaunch(firmware: state.firmware, policy: state.policy, nonce: presented.nonce)
        guard let digest = measure.digest(of: presented.measure, among: digests, key: state.integrityKey) else {
            throw VerificationError(
                code: "measurement_invalid",
                message: "The measure is not one of a known launch digest under the keys of this session.")
        }
        guard !binding.reportData.isEmpty, binding.initDataDigest == nil else { throw .reportDataMismatch }
        let steps: [VerificationStep] = [
            .passed("certificate chain", "the session's platform led to AMD's pinned root when the session was made"),
            .passed("measure", "HMAC-SHA256 under the key of this session, of a launch digest that is let in"),
            .passed("policy", "debugging, key sharing and sending are forbidden"),
            .skipped("runtime", "nothing is proved of a guest after its launch: this kind is legacy"),
            .skipped("init-data", "there is no place for it"),
        ]
        return [
            EvidenceClaims(
                tee: tee, claims: Self.claims(state, digest), matchedReportData: 0, trustCap: .warning,
                launch: LaunchRecipient(
                    encryptionKey: state.encryptionKey, integrityKey: state.integrityKey, measure: presented.measure),
                steps: steps)
        ]
    }

    /// The measure and the platform's nonce, which is all that there is. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try SEVEvidence(evidence.content).blob
    }

    private func platform(_ chain: SEVPresentedChain) throws(VerificationError) -> SEVPlatform {
        var hash = SHA256()
        for part in [chain.pdh, chain.pek, chain.oca, chain.cek, chain.authorities?.ask, chain.authorities?.ark] {
            hash.update(data: SEVNumbers.littleEndian(UInt32(truncatingIfNeeded: part?.count ?? 0)) + (part ?? []))
        }
        return try platforms.value(Array(hash.finalize())) { () throws(VerificationError) in
            try SEVPlatform(chain, under: options.authorities)
        }
    }

    private func requireFirmware(_ firmware: SEVFirmware) throws(VerificationError) {
        guard firmware.api >= options.leastAPI else {
            let least = "\(options.leastAPI.major).\(options.leastAPI.minor)"
            throw .launchNotAllowed("The interface of the platform's firmware is older than \(least).")
        }
        guard options.builds.contains(firmware.build) else {
            throw .launchNotAllowed("The platform's firmware is build \(firmware.build), which is none that is let in.")
        }
    }

    private func requirePlatform(_ generation: SEVGeneration, _ chipID: [UInt8]) throws(VerificationError) {
        guard options.generations.contains(generation) else {
            throw .launchNotAllowed("Processors of the generation \(generation.name) are not let in.")
        }
        guard options.chips?.contains(chipID) ?? true else {
            throw .launchNotAllowed("The chip \(Hex.encode(chipID)) is none that is let in.")
        }
    }

    private static func claims(_ state: SEVChallengeState, _ digest: [UInt8]) -> JSONObject {
        var policy = JSONObject()
        for item in SEVGuestPolicy.Switch.allCases { policy[item.name] = .bool(state.policy.has(item)) }
        return [
            "policy": .object(policy),
            "api_major": .int(Int64(state.firmware.api.major)),
            "api_minor": .int(Int64(state.firmware.api.minor)),
            "build": .int(Int64(state.firmware.build)),
            "launch_digest": .string(Hex.encode(digest)),
            "chip_id": .string(Hex.encode(state.chipID)),
            "generation": .string(state.generation.name),
            "es": .bool(state.policy.has(.encryptedState)),
            "legacy": true,
        ]
    }
}

extension VerificationError {
    static func launchNotAllowed(_ reason: String) -> VerificationError {
        VerificationError(code: "launch_not_allowed", message: "The launch is not let in. \(reason)")
    }
}
