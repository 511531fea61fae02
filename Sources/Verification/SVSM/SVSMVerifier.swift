import Crypto
import Encodings
public import RATS

/// Believes evidence of SEV-SNP guests whose virtual TPM is kept by an SVSM, software that runs in the guest at a privilege
/// level which the guest's own kernel does not reach.
///
/// The processor's report, asked for at level 0, vouches for the TPM's endorsement key; a credential of the session proves
/// that the key which signs the quote is in the same TPM. Whether the software at level 0 is an SVSM at all is what the
/// launch measurement says, and for policies to decide. There is no evidence from hardware in public, so what is believed here
/// was proved on a simulated SVSM and on a TPM that is a program.
public struct SVSMVerifier: EvidenceVerifier {
    /// The kind `svsm-vtpm`.
    public let tee: TEE = .svsmVTPM
    private let reports: SNPReportVerification
    private let registersBeyondLog = TPMVerifier.Options().registersBeyondLog

    /// A verifier with these demands on the processor's report. Reports asked for at another level than 0 are never let in:
    /// any software of the guest could have asked for them, with whatever it likes in their report data.
    public init(snp: SNPVerifier.Options = SNPVerifier.Options()) {
        var snp = snp
        snp.vmpls = [0]
        reports = SNPReportVerification(snp)
    }

    /// A credential (`credential_blob`, `encrypted_seed`: TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET in base64) for a guest
    /// that named its virtual TPM's keys as `ek_public_area` and `ak_public_area`.
    ///
    /// Throws `malformed_evidence`, `key_not_allowed` and `key_not_restricted`.
    public func challenge(
        extraParameters: JSONValue?, context: VerificationContext
    ) async throws(VerificationError) -> VerifierChallenge? {
        guard let challenge = try SVSMChallenge(extraParameters) else { return nil }
        return VerifierChallenge(
            extraParameters: [
                "credential_blob": .string(Base64.encode(challenge.credential.blob)),
                "encrypted_seed": .string(Base64.encode(challenge.credential.encryptedSeed)),
            ],
            state: challenge.state.bytes)
    }

    /// Verifies that the session's credential was activated, that the processor's report at level 0 vouches for the
    /// endorsement key, the quote over all registers, the event log where there is one, and that report and quote are bound
    /// to the session.
    ///
    /// The SVSM's nonce must be the report data with zeros after it; the quote's nonce its first 32 bytes, or all of it. An
    /// init-data digest must be all that PCR 8 was extended with. Throws a ``VerificationError`` whose code names the first
    /// check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try SVSMEvidence(evidence.content)
        let state = try SVSMChallenge.State(context.challengeState)
        let manifest = try SVSMManifest(parsing: presented.manifest)
        try Self.requireKeys(presented, manifest, state)
        guard let index = binding.candidate(filling: presented.nonce) else { throw .reportDataMismatch }
        let statement = try SNPReport(parsing: presented.report)
        let vouched = Array(SHA512.hash(data: presented.nonce + presented.manifest))
        guard constantTimeEqual(vouched, statement.reportData) else { throw .manifestNotVouchedFor }
        let quote = try presented.quote.verify(
            by: presented.attestationKey.key, wanted: Array(0..<TPMRegisters.count), banks: [.sha256])
        guard Self.isBound(quote.attestation.extraData, to: binding.reportData[index]) else {
            throw .reportDataMismatch
        }
        let verified = try await reports.verify(
            presented.report, endorsementKeys: presented.endorsementKeys, context: context)
        var steps = verified.steps
        steps += [
            .passed("endorsement key", "the digest of the SVSM's manifest and this session's nonce is in the report"),
            .passed(
                "attestation key", "it is in the TPM of the endorsement key, which activated the session's credential"),
            .passed("quote signature", "by the attestation key, over all registers of SHA-256"),
            .passed("report data", "this session's nonce and key are the nonce of report and quote"),
            try Self.initData(binding, quote),
        ]
        let log = try eventLog(presented.eventLog, quote, &steps)
        steps.append(PlatformLevels.step(verified.platform))
        return [
            EvidenceClaims(
                tee: tee, claims: Self.claims(verified, presented, manifest, quote, log), matchedReportData: index,
                platform: verified.platform, steps: steps, chain: verified.chain)
        ]
    }

    /// The SVSM's nonce. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try SVSMEvidence(evidence.content).nonce
    }

    /// The keys are those that the credential was made for, and it was activated.
    private static func requireKeys(
        _ presented: SVSMEvidence, _ manifest: SVSMManifest, _ state: SVSMChallenge.State
    ) throws(VerificationError) {
        guard SVSMChallenge.State.digest(manifest.endorsementKey) == state.endorsementKey else {
            throw .svsmKeyNotBound("The SVSM vouches for another endorsement key than the session's credential is for.")
        }
        guard SVSMChallenge.State.digest(presented.attestationKey) == state.attestationKey else {
            throw .svsmKeyNotBound("The attestation key is another than the session's credential is for.")
        }
        guard constantTimeEqual(presented.secret, state.secret) else {
            throw .svsmKeyNotBound("The session's credential was not activated, so the keys may be of different TPMs.")
        }
    }

    private static func isBound(_ nonce: [UInt8], to digest: [UInt8]) -> Bool {
        let binding = EvidenceBinding(reportData: [digest])
        return switch nonce.count {
        case 32: binding.candidate(fittingShort: nonce) != nil
        case 64: binding.candidate(filling: nonce) != nil
        default: false
        }
    }

    private static func initData(
        _ binding: EvidenceBinding, _ quote: TPMQuote.Verified
    ) throws(VerificationError) -> VerificationStep {
        guard let digest = binding.initDataDigest else { return .skipped("init-data", "the guest sent no document") }
        guard quote.initDataRegister(holds: digest) else { throw .initDataMismatch }
        return .passed("init-data", "the digest of the guest's document is in PCR 8")
    }

    private func eventLog(
        _ log: EventLog?, _ quote: TPMQuote.Verified, _ steps: inout [VerificationStep]
    ) throws(VerificationError) -> EventLog? {
        guard let log else {
            steps.append(.skipped("event log", "the evidence has none"))
            return nil
        }
        let proved = try quote.registers(provedBy: log, beyond: registersBeyondLog, steps: &steps)
        let part = try log.replayed(to: proved, in: quote.bank, startupLocality: log.startupLocality)
        steps.append(
            .passed("event log", "it leads to PCR \(proved.keys.sorted().map(String.init).joined(separator: ", "))"))
        return part
    }

    private static func claims(
        _ verified: SNPVerifiedReport, _ presented: SVSMEvidence, _ manifest: SVSMManifest, _ quote: TPMQuote.Verified,
        _ log: EventLog?
    ) -> JSONObject {
        var claims = verified.claims()
        claims["host_data"] = .string(Hex.encode(verified.report.hostData))
        claims["report_data"] = .string(Hex.encode(presented.nonce))
        claims["init_data"] = .string(Hex.encode(quote.initDataRegister))
        claims["tpm"] = .object(JSONObject(quote.registerClaims))
        claims["svsm_manifest"] = .string(manifest.form.rawValue)
        claims["ek_name"] = .string(Hex.encode(manifest.endorsementKey.name ?? []))
        claims["ak_name"] = .string(Hex.encode(presented.attestationKey.name ?? []))
        claims["clock_safe"] = .bool(quote.attestation.isClockSafe)
        claims["reset_count"] = .int(Int64(quote.attestation.resetCount))
        claims["restart_count"] = .int(Int64(quote.attestation.restartCount))
        log?.add(to: &claims, in: .platform)
        return claims
    }
}

extension VerificationError {
    fileprivate static func svsmKeyNotBound(_ message: String) -> VerificationError {
        VerificationError(code: "key_not_bound", message: message)
    }

    fileprivate static let manifestNotVouchedFor = VerificationError(
        code: "report_data_mismatch",
        message: "The report data is not the digest of this session's nonce and the SVSM's manifest.")
}
