import Encodings
public import RATS

/// Believes evidence of confidential VMs with AMD SEV-SNP on Azure, which comes through a virtual TPM.
///
/// The processor's report is about the paravisor beneath the VM and vouches for the virtual TPM's key; what the VM booted
/// is in the TPM's registers.
public struct AzureSNPVerifier: EvidenceVerifier {
    /// What a site accepts.
    public struct Options: Sendable {
        /// What is demanded of the processor's report. Hosts that have not been renewed make reports of version 2, which
        /// must be let in here.
        public var snp: SNPVerifier.Options
        /// The oldest version of evidence. From 2 on the processor's report is made for the session; before, it may be as
        /// old as the boot, and names no machine, and the sender alone says which version it is.
        public var minimumVersion: Int64 = 0

        /// The defaults, with these demands on the processor's report.
        public init(snp: SNPVerifier.Options = SNPVerifier.Options()) {
            self.snp = snp
        }
    }

    /// The kind `az-snp-vtpm`.
    public let tee: TEE = .azSNPvTPM
    private let quotes: AzureQuoteVerification
    private let reports: SNPReportVerification

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options = Options()) {
        quotes = AzureQuoteVerification(minimumVersion: options.minimumVersion)
        // Only the paravisor, at level 0, can vouch for the virtual TPM's key; what levels may ask for reports of other
        // guests says nothing about it.
        var snp = options.snp
        snp.vmpls = [0]
        reports = SNPReportVerification(snp)
    }

    /// Verifies the processor's report, its word for the virtual TPM's key, the quote by this key, and that the quote is
    /// bound to the session.
    ///
    /// The quote's nonce must be exactly the report data, without padding. An init-data digest must be all that PCR 8 was
    /// extended with. Throws a ``VerificationError`` whose code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try AzureEvidence(evidence.content, form: .snp)
        let report = try HCLReport(parsing: presented.report)
        guard report.kind == .snp else { throw .malformed("The HCL report is not of SEV-SNP.") }
        let statement = try SNPReport(parsing: report.hardwareReport)
        let quote = try quotes.verify(presented, report: report, reportData: statement.reportData, binding: binding)
        let verified = try await reports.verify(
            report.hardwareReport, endorsementKeys: [.vcek: presented.hardware], context: context)
        let machine = quote.machine(verified.platform)
        let typed = verified.claims()
        var claims = Self.asTexts(typed)
        claims["snp"] = .object(typed)
        quote.add(to: &claims)
        return [
            EvidenceClaims(
                tee: tee, claims: claims, matchedReportData: quote.matchedReportData, platform: machine.levels,
                steps: verified.steps + quote.steps + [machine.step], chain: verified.chain)
        ]
    }

    /// The quote's nonce. Throws `malformed_evidence` and `unsupported_version`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try AzureEvidence(evidence.content, form: .snp).quote.attestation.extraData
    }

    /// The claims in the form that policies for Azure have been written for: every value is a text, and the measurement
    /// is base64.
    private static func asTexts(_ claims: JSONObject) -> JSONObject {
        var texts = JSONObject()
        for (name, value) in claims {
            switch value {
            case .bool(let flag): texts[name] = .string(String(flag))
            case .int(let number): texts[name] = .string(String(number))
            case .uint(let number): texts[name] = .string(String(number))
            case .string(let digits) where name == "measurement":
                texts[name] = .string(Base64.encode((try? Hex.decode(digits)) ?? []))
            default: texts[name] = value
            }
        }
        return texts
    }
}
