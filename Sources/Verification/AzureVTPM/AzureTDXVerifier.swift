import Encodings
public import RATS

/// Believes evidence of confidential VMs with Intel TDX on Azure, which comes through a virtual TPM.
///
/// The quote is about the paravisor beneath the VM and vouches for the virtual TPM's key; what the VM booted is in the
/// TPM's registers.
public struct AzureTDXVerifier: EvidenceVerifier {
    /// What a site accepts.
    public struct Options: Sendable {
        /// What is demanded of the quote.
        public var tdx: TDXVerifier.Options
        /// The oldest version of evidence. From 2 on the quote is made for the session; before, it may be as old as the
        /// boot, and names no machine, and the sender alone says which version it is.
        public var minimumVersion: Int64 = 0

        /// The defaults, with these demands on the quote.
        public init(tdx: TDXVerifier.Options = TDXVerifier.Options()) {
            self.tdx = tdx
        }
    }

    /// The kind `az-tdx-vtpm`.
    public let tee: TEE = .azTDXvTPM
    private let quotes: AzureQuoteVerification
    private let domains: TrustDomainQuoteVerifier

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options = Options()) {
        quotes = AzureQuoteVerification(minimumVersion: options.minimumVersion)
        domains = TrustDomainQuoteVerifier(options: options.tdx)
    }

    /// Verifies the TD quote, its word for the virtual TPM's key, the TPM's quote by this key, and that it is bound to the
    /// session.
    ///
    /// The TPM quote's nonce must be exactly the report data, without padding. An init-data digest must be all that PCR 8
    /// was extended with. Throws a ``VerificationError`` whose code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try AzureEvidence(evidence.content, form: .tdx)
        let report = try HCLReport(parsing: presented.report)
        guard report.kind == .tdx else { throw .malformed("The HCL report is not of TDX.") }
        let (authentic, domain) = try domains.authenticate(presented.hardware, at: context.clock.now())
        let quote = try quotes.verify(presented, report: report, reportData: domain[.reportData], binding: binding)
        try TDReport(bytes: report.hardwareReport).require(equals: domain)
        let verified = try await domains.appraise(authentic, domain, context: context)
        let machine = quote.machine(verified.platform)
        var claims = verified.claims()
        quote.add(to: &claims)
        let steps: [VerificationStep] = [
            .passed("HCL report", "its TDREPORT says what the quote says"), machine.step,
        ]
        return [
            EvidenceClaims(
                tee: tee, claims: claims, matchedReportData: quote.matchedReportData, platform: machine.levels,
                steps: verified.quote.steps + quote.steps + steps, chain: verified.quote.chain)
        ]
    }

    /// The TPM quote's nonce. Throws `malformed_evidence` and `unsupported_version`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try AzureEvidence(evidence.content, form: .tdx).quote.attestation.extraData
    }
}
