import Encodings
import FoundationEssentials
public import RATS

/// Verifies the quotes of Intel TDX trust domains (DCAP versions 4 and 5, TDX 1.0 and 1.5) and their event logs.
///
/// Evidence is an object with the members `quote` and `cc_eventlog`, base64; the latter may be `null` or missing.
public struct TDXVerifier: EvidenceVerifier {
    /// What is demanded of trust domains and their platforms.
    public struct Options: Sendable {
        /// What counts as Intel's word on a platform.
        public var collateral: IntelCollateralOptions
        /// What trust domains may be allowed to do.
        public var trustDomain: TrustDomainRules

        /// The safe defaults.
        public init(
            collateral: IntelCollateralOptions = IntelCollateralOptions(),
            trustDomain: TrustDomainRules = TrustDomainRules()
        ) {
            self.collateral = collateral
            self.trustDomain = trustDomain
        }
    }

    /// The kind `tdx`.
    public let tee: TEE = .tdx
    private let quotes: TrustDomainQuoteVerifier

    /// A verifier; what it verifies of platforms and collateral it remembers.
    public init(options: Options = Options()) {
        quotes = TrustDomainQuoteVerifier(options: options)
    }

    /// Verifies the quote, its platform, the binding and the event log, and returns the trust domain's claims.
    ///
    /// Throws the errors of quotes, chains, collateral, trust domains and event logs, `report_data_mismatch` and
    /// `init_data_mismatch`.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let evidence = try DCAPEvidence(evidence.content)
        let (authentic, report) = try quotes.authenticate(evidence.quote, at: context.clock.now())
        let match = try binding.match(
            reportData: report[.reportData], configurationID: report[.configurationID], named: "MRCONFIGID")
        let verified = try await quotes.appraise(authentic, report, context: context)
        var (claims, steps) = (verified.claims(), verified.quote.steps + match.steps)
        claims["report_data"] = report.hex(.reportData)
        claims["init_data"] = report.hex(.configurationID)
        if let bytes = evidence.eventLog {
            try report.replaying(EventLog.parse(bytes)).add(to: &claims, in: .confidentialVM)
            steps.append(.passed("event log", "leads to all four runtime measurement registers"))
        } else {
            steps.append(.skipped("event log", "the guest sent none"))
        }
        steps.append(PlatformLevels.step(verified.platform))
        return [
            EvidenceClaims(
                tee: tee, claims: claims, matchedReportData: match.candidate, platform: verified.platform,
                steps: steps, chain: verified.quote.chain)
        ]
    }

    /// The 64 bytes of report data. Throws `malformed_evidence` and `unsupported_version`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        let quote = try IntelQuote(parsing: DCAPEvidence(evidence.content).quote)
        return Array(try TrustDomainQuoteVerifier.report(in: quote)[.reportData])
    }
}

extension TrustDomainReport {
    /// The part of the event log that the report's registers prove; all four must follow from it.
    ///
    /// Throws `event_log_mismatch`.
    func replaying(_ log: EventLog) throws(VerificationError) -> EventLog {
        let registers = [Field.register0, .register1, .register2, .register3]
        // In the log index 0 is the launch measurement, which no event leads to.
        let signed = zip(1..., registers).map { (UInt32($0), Array(self[$1])) }
        return try log.replayed(to: Dictionary(uniqueKeysWithValues: signed), in: .sha384)
    }
}
