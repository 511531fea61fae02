import Encodings
import FoundationEssentials
import RATS

/// A trust domain whose quote was verified, compared with Intel's collateral, and found to obey the rules.
struct VerifiedTrustDomain: Sendable {
    let quote: VerifiedQuote
    let report: TrustDomainReport

    /// What the quote says and what checking it gave: everything but `report_data`, `init_data` and the event log.
    func claims() -> JSONObject {
        var claims = quote.quote.claims(about: report)
        for (name, value) in quote.platformClaims() { claims[name] = value }
        return claims
    }

    /// The firmware of the machine, with the TDX module.
    var platform: PlatformLevels? { quote.platformLevels(about: report) }
}

/// Verifies the quotes of trust domains whoever they were made for: also those whose report data is not the session's,
/// because a virtual TPM stands between.
struct TrustDomainQuoteVerifier: Sendable {
    private let verifier: QuoteVerifier
    private let rules: TrustDomainRules

    init(options: TDXVerifier.Options) {
        verifier = QuoteVerifier(options: options.collateral)
        rules = options.trustDomain
    }

    /// Verifies a quote in all respects but its report data and what depends on the guest's documents.
    ///
    /// Throws the errors of quotes, chains, collateral and trust domains.
    func verify(_ bytes: [UInt8], context: VerificationContext) async throws(VerificationError) -> VerifiedTrustDomain {
        let (authentic, report) = try authenticate(bytes, at: context.clock.now())
        return try await appraise(authentic, report, context: context)
    }

    /// Verifies what the quote brings along; what is refused here needs no collateral to be refused.
    func authenticate(
        _ bytes: [UInt8], at date: Date
    ) throws(VerificationError) -> (quote: AuthenticQuote, report: TrustDomainReport) {
        let authentic = try verifier.authenticate(bytes, at: date)
        let report = try Self.report(in: authentic.quote)
        try rules.requireConfidential(report)
        return (authentic, report)
    }

    /// Compares the quote's platform with Intel's collateral, and the trust domain with the rules.
    func appraise(
        _ authentic: AuthenticQuote, _ report: TrustDomainReport, context: VerificationContext
    ) async throws(VerificationError) -> VerifiedTrustDomain {
        let quote = try await verifier.appraise(authentic, context: context)
        try rules.check(report)
        return VerifiedTrustDomain(
            quote: quote.adding(
                .passed("trust domain attributes", "no debugging, profiling or migration beyond the rules")),
            report: report)
    }

    static func report(in quote: IntelQuote) throws(VerificationError) -> TrustDomainReport {
        guard case .trustDomain(let report) = quote.body else {
            throw .malformedQuote("it is an enclave's and not a trust domain's")
        }
        return report
    }
}
