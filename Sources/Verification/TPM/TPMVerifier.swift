import Encodings
public import RATS
import X509Trust

/// Believes quotes of TPMs that are in no confidential VM, as far as a TPM goes.
///
/// Whoever operates the machine can read its memory, whatever its TPM measured, and the TPM of an ordinary virtual
/// machine is a program of the host. So the hardware is never affirmed.
public struct TPMVerifier: EvidenceVerifier {
    /// The kind `tpm`.
    public let tee: TEE = .tpm
    /// What is accepted.
    public let options: Options
    private let certification: TPMKeyCertification

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options = Options()) {
        self.options = options
        certification = TPMKeyCertification(anchors: options.anchors)
    }

    /// Verifies a quote over all registers, who vouches for its key, the event log where there is one, and that the quote
    /// is bound to the session.
    ///
    /// The nonce must be the first 32 bytes of the report data, or all of it filled up to 64 bytes with zeros. An
    /// init-data digest must be all that PCR 8 was extended with. Throws a ``VerificationError`` whose code names the
    /// first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        [try believe(TPMEvidence(evidence.content), binding: binding, context: context)]
    }

    /// What is believed of a TPM, also one that other evidence contains.
    func believe(
        _ presented: TPMEvidence, binding: EvidenceBinding, context: VerificationContext
    ) throws(VerificationError) -> EvidenceClaims {
        // Certificates come last but for the log: whoever holds no key of a quote for this session costs one signature.
        let quote = try presented.quote.verify(
            by: presented.key, wanted: Array(0..<TPMRegisters.count), banks: options.banks)
        guard let index = Self.nonce(quote.attestation.extraData, binding) else { throw .reportDataMismatch }
        var steps: [VerificationStep] = [
            .passed("quote signature", "by the attestation key, over all registers of \(quote.bank.name)"),
            .passed("report data", "this session's nonce and key are the quote's nonce"),
        ]
        steps.append(try initData(binding, quote))
        let trust = try trust(in: presented, context: context, steps: &steps)
        let log = try eventLog(presented.eventLog, quote: quote, trust: trust, steps: &steps)
        return EvidenceClaims(
            tee: tee, claims: claims(presented, trust: trust, quote: quote, log: log), matchedReportData: index,
            trustCap: Self.cap(trust), steps: steps, chain: trust.chain)
    }

    /// The quote's nonce. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try TPMEvidence(evidence.content).quote.attestation.extraData
    }

    private static func nonce(_ nonce: [UInt8], _ binding: EvidenceBinding) -> Int? {
        switch nonce.count {
        case 32: binding.candidate(fittingShort: nonce)
        case 64: binding.candidate(filling: nonce)
        default: nil
        }
    }

    private static func cap(_ trust: TPMKeyTrust) -> TrustTier {
        switch trust {
        case .allowList, .certificate: .warning
        case .none: .contraindicated
        }
    }

    /// Who vouches for the key, and whether it is one that signs statements of its TPM only.
    private func trust(
        in evidence: TPMEvidence, context: VerificationContext, steps: inout [VerificationStep]
    ) throws(VerificationError) -> TPMKeyTrust {
        let trust: TPMKeyTrust
        if options.trustedKeys.contains(evidence.key.spki) {
            trust = .allowList
            steps.append(.passed("attestation key", "the operator named it"))
        } else if !evidence.certificates.isEmpty {
            let chain = try certification.verify(evidence.certificates, of: evidence.key, at: context.clock.now())
            trust = .certificate(chain)
            steps.append(.passed("attestation key", "certified under the pinned \(chain.anchor.name)"))
            steps.append(.skipped("revocation", "no revocation lists of TPM authorities are kept"))
        } else {
            guard options.unknownKeys == .contraindicated else { throw .unknownTPMKey }
            trust = .none
            steps.append(.skipped("attestation key", "it came without a certificate, and the operator did not name it"))
        }
        if let area = evidence.publicArea {
            guard area.key == evidence.key, area.attributes.makeAttestationKey else { throw .unrestrictedTPMKey }
            // A key that signs anything could sign a statement about itself, so only a certificate that says so would do.
            steps.append(.skipped("key attributes", "its public area says what it should, but nobody signed that"))
        } else {
            steps.append(.skipped("key attributes", "the evidence has no public area of the key"))
        }
        return trust
    }

    private func initData(
        _ binding: EvidenceBinding, _ quote: TPMQuote.Verified
    ) throws(VerificationError) -> VerificationStep {
        guard let digest = binding.initDataDigest else {
            return .skipped("init-data", "the guest sent no document")
        }
        guard quote.initDataRegister(holds: digest) else { throw .initDataMismatch }
        return .passed("init-data", "the digest of the guest's document is in PCR 8")
    }

    /// The part of the log that the quoted registers prove; `nil` too where nobody vouches for the key, because whoever
    /// made up the key made up registers and log.
    private func eventLog(
        _ log: EventLog?, quote: TPMQuote.Verified, trust: TPMKeyTrust, steps: inout [VerificationStep]
    ) throws(VerificationError) -> EventLog? {
        guard let log else {
            guard !options.requiresEventLog else {
                throw VerificationError(
                    code: "event_log_missing", message: "The evidence has no event log, and this site asks for one.")
            }
            steps.append(.skipped("event log", "the evidence has none"))
            return nil
        }
        let proved = try quote.registers(provedBy: log, beyond: options.registersBeyondLog, steps: &steps)
        let part = try log.replayed(to: proved, in: quote.bank, startupLocality: log.startupLocality)
        guard trust.isVouchedFor else {
            steps.append(.skipped("event log", "it fits the quote, but nobody vouches for the key that signed it"))
            return nil
        }
        let registers = proved.keys.sorted().map(String.init).joined(separator: ", ")
        steps.append(.passed("event log", "it leads to PCR \(registers)"))
        return part
    }

    private func claims(
        _ evidence: TPMEvidence, trust: TPMKeyTrust, quote: TPMQuote.Verified, log: EventLog?
    ) -> JSONObject {
        let attestation = quote.attestation
        var claims: JSONObject = [
            "init_data": .string(Hex.encode(quote.initDataRegister)),
            "report_data": .string(Hex.encode(attestation.extraData)),
            "ak_public": .string(evidence.keyText),
        ]
        for (name, value) in quote.registerClaims { claims[name] = value }
        claims["ak_trust"] = .string(trust.word)
        claims["pcr_bank"] = .string(quote.bank.name)
        claims["clock_safe"] = .bool(attestation.isClockSafe)
        claims["reset_count"] = .int(Int64(attestation.resetCount))
        claims["restart_count"] = .int(Int64(attestation.restartCount))
        claims["firmware_version"] = .string(
            Hex.encode(
                [56, 48, 40, 32, 24, 16, 8, 0].map { UInt8(truncatingIfNeeded: attestation.firmwareVersion >> $0) }))
        log?.add(to: &claims, in: .platform)
        return claims
    }
}

extension VerificationError {
    fileprivate static let unknownTPMKey = VerificationError(
        code: "key_not_trusted",
        message: "Nobody vouches for the TPM's attestation key. Name it, or let the guest send its certificate.")

    fileprivate static let unrestrictedTPMKey = VerificationError(
        code: "key_not_restricted",
        message:
            "The TPM's key may sign forged statements: it is not restricted to what the TPM makes up, or not fixed.")
}
