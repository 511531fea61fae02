import Encodings
import RATS

/// Verifies what evidence of Azure has in common: that the processor vouches for the virtual TPM's key, that this key
/// signed the registers, and that the quote is bound to the session.
struct AzureQuoteVerification: Sendable {
    /// The oldest version of evidence that is accepted.
    let minimumVersion: Int64

    /// What is believed once the processor's report is.
    struct Verified: Sendable {
        let version: Int64
        let quote: TPMQuote.Verified
        let runtimeData: HCLRuntimeData
        let matchedReportData: Int
        let steps: [VerificationStep]
    }

    /// Verifies the quote with the key in the HCL report.
    ///
    /// `reportData` is that of the processor's report, whose own signature the caller verifies; the runtime data is
    /// believed because its digest is in there. Throws `unsupported_version`, `key_not_bound`, `report_data_mismatch`,
    /// `init_data_mismatch` and what the quote throws.
    func verify(
        _ evidence: AzureEvidence, report: HCLReport, reportData: some Collection<UInt8>, binding: EvidenceBinding
    ) throws(VerificationError) -> Verified {
        guard evidence.version >= minimumVersion else {
            throw .unsupportedVersion(
                "Evidence of version \(evidence.version) is not let in, only \(minimumVersion) and newer.")
        }
        guard report.isVouched(by: reportData) else {
            throw VerificationError(
                code: "key_not_bound",
                message: "The processor's report does not vouch for the virtual TPM's key that the evidence has.")
        }
        let runtimeData = try HCLRuntimeData(parsing: report.runtimeData)
        let quote = try evidence.quote.verify(
            by: runtimeData.attestationKey, wanted: Array(0..<TPMRegisters.count), banks: [.sha256])
        guard let index = binding.candidate(equalTo: quote.attestation.extraData) else { throw .reportDataMismatch }
        var steps: [VerificationStep] = [
            .passed("attestation key", "the digest of the HCL's runtime data is in the processor's report"),
            .passed("quote signature", "by the virtual TPM's key, over all registers of SHA-256"),
            .passed("report data", "this session's nonce and key are the quote's nonce"),
        ]
        steps.append(try Self.freshness(evidence.version, runtimeData, nonce: quote.attestation.extraData))
        steps.append(try Self.initData(binding, quote))
        return Verified(
            version: evidence.version, quote: quote, runtimeData: runtimeData, matchedReportData: index, steps: steps)
    }

    /// From version 2 on the guest has the paravisor make the processor's report anew, for this session.
    private static func freshness(
        _ version: Int64, _ runtimeData: HCLRuntimeData, nonce: [UInt8]
    ) throws(VerificationError) -> VerificationStep {
        guard version >= 2 else {
            return .skipped("age of the processor's report", "evidence of version \(version) may be as old as the boot")
        }
        guard let userData = runtimeData.userData, !nonce.isEmpty, nonce.count <= userData.count,
            constantTimeEqual(nonce + [UInt8](repeating: 0, count: userData.count - nonce.count), userData)
        else {
            throw VerificationError(
                code: "report_data_mismatch",
                message: "The processor's report was not made for this session: the HCL's user data is another.")
        }
        return .passed("age of the processor's report", "made for this session")
    }

    private static func initData(
        _ binding: EvidenceBinding, _ quote: TPMQuote.Verified
    ) throws(VerificationError) -> VerificationStep {
        guard let digest = binding.initDataDigest else { return .skipped("init-data", "the guest sent no document") }
        guard quote.initDataRegister(holds: digest) else { throw .initDataMismatch }
        return .passed("init-data", "the digest of the guest's document is in PCR 8")
    }
}

extension AzureQuoteVerification.Verified {
    /// The machine that the processor's report names, where it was made for this session.
    ///
    /// An older one says nothing of the firmware now: the host could keep an old one to hide that firmware was put back, and
    /// a VM that has been running for long would look like a rollback.
    func machine(_ levels: PlatformLevels?) -> (levels: PlatformLevels?, step: VerificationStep) {
        guard version >= 2 else {
            let reason =
                "the processor's report in evidence of version \(version) may be as old as the boot, and so may its firmware"
            return (nil, .skipped("machine", reason))
        }
        return (levels, PlatformLevels.step(levels))
    }

    /// The claims beside those of the processor's report, in place of the report data and init-data of its own.
    func add(to claims: inout JSONObject) {
        claims["tpm"] = .object(JSONObject(quote.registerClaims))
        claims["init_data"] = .string(Hex.encode(quote.initDataRegister))
        claims["report_data"] = .string(Hex.encode(quote.attestation.extraData))
        claims["evidence_version"] = .int(version)
        if let configuration = runtimeData.configuration { claims["vm_configuration"] = .object(configuration) }
    }
}
