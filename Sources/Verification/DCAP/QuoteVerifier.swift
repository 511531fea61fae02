import Crypto
import Encodings
import FoundationEssentials
import RATS

/// Verifies quotes up to what they say, whoever they were made for: the comparison with the report data that is wanted
/// comes after it.
///
/// On a platform that was seen before, with collateral that has not changed, only the signatures of the quote and of the
/// quoting enclave's report are checked.
struct QuoteVerifier: Sendable {
    private let options: IntelCollateralOptions
    private let platforms: PlatformCertificates
    private let reader: IntelCollateralReader

    init(options: IntelCollateralOptions) {
        self.options = options
        platforms = PlatformCertificates(anchors: options.anchors)
        reader = IntelCollateralReader(options: options)
    }

    /// Verifies everything that a quote brings along: the chain of the platform's certificate, the quoting enclave's
    /// report and the quote itself.
    ///
    /// Throws `malformed_evidence`, `unsupported_version`, `qe_identity_mismatch`, `chain_not_trusted`,
    /// `certificate_expired`, `certificate_not_yet_valid`, `signature_invalid` and `key_not_bound`.
    func authenticate(_ bytes: [UInt8], at date: Date) throws(VerificationError) -> AuthenticQuote {
        let quote = try IntelQuote(parsing: bytes)
        let signature = quote.signature
        guard quote.header[.vendorID].elementsEqual(QuoteHeader.intelVendorID) else {
            throw .quotingEnclave("the quote names another vendor")
        }
        let platform = try platforms.certificate(signature.certificates, at: date)
        try Self.require(
            signature.enclaveReportSignature, over: signature.enclaveReport.bytes, by: platform.key,
            "The signature of the quoting enclave's report is not the platform's.")
        try Self.requireBound(signature)
        guard let key = try? P256.Signing.PublicKey(rawRepresentation: signature.attestationKey) else {
            throw .malformedQuote("its attestation key is no point on P-256")
        }
        try Self.require(
            signature.signature, over: quote.signedBytes, by: key,
            "The signature of the quote is not its attestation key's.")
        return AuthenticQuote(
            quote: quote, platform: platform,
            steps: [
                .passed("quote", "version \(quote.header.version), \(bytes.count) bytes"),
                .passed("platform certificate", "leads to \(platform.chain.anchor.name)"),
                .passed("quoting enclave report", "signed with the platform's key"),
                .passed("attestation key", "bound by the quoting enclave's report"),
                .passed("quote signature", "ECDSA on P-256 with the attestation key"),
            ])
    }

    /// Compares a quote's platform with Intel's collateral.
    ///
    /// Throws what is wrong with the collateral (``IntelCollateralReader``, ``IntelCollateral``) and with the platform
    /// (``TCBVerdict``).
    func appraise(
        _ authentic: AuthenticQuote, context: VerificationContext
    ) async throws(VerificationError) -> VerifiedQuote {
        let (quote, platform) = (authentic.quote, authentic.platform)
        let (kind, report) = Self.kind(of: quote)
        let collateral = try await reader.collateral(for: platform, kind, context: context)
        // Asking may have taken its time: what expired meanwhile has expired.
        let hasExpired = try collateral.check(
            for: platform, kind, at: context.clock.now(), grace: options.grace)
        let enclave = try collateral.qeIdentity.content.rating(of: quote.signature.enclaveReport)
        let verdict = try TCBVerdict(
            collateral.tcbInfo.content, platform: platform.platform, enclave: enclave, report: report)
        let number = collateral.tcbInfo.content.evaluationNumber
        var steps = authentic.steps
        steps += [
            .passed("revocation", "lists of the root and of the \(platform.authority.rawValue) authority"),
            .passed(
                "collateral", hasExpired ? "signed by Intel, expired and tolerated" : "signed by Intel and in force"),
            .passed("quoting enclave identity", enclave.status.rawValue),
            .passed(
                "TCB level",
                "\(verdict.rating.status.rawValue), evaluation \(number), at least "
                    + "\(collateral.leastEvaluationNumber), \(options.channel.rawValue)"),
        ]
        return VerifiedQuote(
            quote: quote, platform: platform, collateral: collateral, verdict: verdict,
            hasExpiredCollateral: hasExpired, steps: steps)
    }

    private static func kind(of quote: IntelQuote) -> (CollateralName.IntelQuoteKind, TrustDomainReport?) {
        switch quote.body {
        case .enclave: (.sgx, nil)
        case .trustDomain(let report): (.tdx, report)
        }
    }

    /// The quoting enclave's report holds the digest of the key that it made, with zero bytes after it.
    private static func requireBound(_ signature: QuoteSignature) throws(VerificationError) {
        let digest = SHA256.hash(data: signature.attestationKey + signature.authenticationData)
        let reportData = signature.enclaveReport[.reportData]
        guard reportData.prefix(32).elementsEqual(digest), reportData.dropFirst(32).allSatisfy({ $0 == 0 }) else {
            throw VerificationError(
                code: "key_not_bound", message: "The quoting enclave did not make the key that signed the quote.")
        }
    }

    private static func require(
        _ signature: [UInt8], over bytes: [UInt8], by key: P256.Signing.PublicKey, _ sentence: String
    ) throws(VerificationError) {
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature),
            key.isValidSignature(signature, for: bytes)
        else { throw VerificationError(code: "signature_invalid", message: sentence) }
    }
}
