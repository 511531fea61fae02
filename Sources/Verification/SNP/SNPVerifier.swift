import Encodings
public import RATS

/// Believes evidence of AMD SEV-SNP guests: reports that a processor signed with a key which AMD certified.
public struct SNPVerifier: EvidenceVerifier {
    /// The kind `snp`.
    public let tee: TEE = .snp
    private let verification: SNPReportVerification

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options = Options()) {
        verification = SNPReportVerification(options)
    }

    /// What is accepted.
    public var options: Options { verification.options }

    /// Verifies a report, the chain of its key to AMD's root, the chip, the firmware and the guest's policy, and that it
    /// is bound to the session.
    ///
    /// Report data must fill its 64 bytes; an init-data digest must fit the 32 bytes of HOST_DATA. Throws a
    /// ``VerificationError`` whose code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try SNPEvidence(evidence.content)
        let verified = try await verification.verify(
            presented.report, endorsementKeys: presented.endorsementKeys, context: context)
        guard let index = binding.candidate(filling: verified.report.reportData) else { throw .reportDataMismatch }
        var steps = verified.steps
        steps.append(.passed("report data", "this session's nonce and key"))
        if binding.initDataDigest == nil {
            steps.append(.skipped("init-data", "the guest sent no document"))
        } else {
            guard binding.initDataDigest(fits: verified.report.hostData) else { throw .initDataMismatch }
            steps.append(.passed("init-data", "the digest of the guest's document is in HOST_DATA"))
        }
        steps.append(PlatformLevels.step(verified.platform))
        return [
            EvidenceClaims(
                tee: tee, claims: verified.claims(), matchedReportData: index, platform: verified.platform,
                steps: steps, chain: verified.chain)
        ]
    }

    /// The 64 bytes of report data. Throws `malformed_evidence` and `unsupported_version`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try SNPReport(parsing: SNPEvidence(evidence.content).report).reportData
    }
}
