import Encodings
import FoundationEssentials
public import RATS

/// Verifies the quotes of Intel SGX enclaves (DCAP versions 3, 4 and 5).
///
/// Evidence is an object with the member `quote`, base64.
public struct SGXVerifier: EvidenceVerifier {
    /// What is demanded of enclaves and their platforms.
    public struct Options: Sendable {
        /// What counts as Intel's word on a platform.
        public var collateral: IntelCollateralOptions
        /// Whether the host may read and write the enclave's memory: never, unless a policy refuses such enclaves by the
        /// claim `body['attributes.flags']`.
        public var allowsDebug: Bool
        /// Whether the enclave may derive the platform's provisioning key, as only Intel's own enclaves must.
        public var allowsProvisioningKey: Bool

        /// The safe defaults.
        public init(
            collateral: IntelCollateralOptions = IntelCollateralOptions(), allowsDebug: Bool = false,
            allowsProvisioningKey: Bool = false
        ) {
            self.collateral = collateral
            self.allowsDebug = allowsDebug
            self.allowsProvisioningKey = allowsProvisioningKey
        }
    }

    /// The kind `sgx`.
    public let tee: TEE = .sgx
    private let options: Options
    private let verifier: QuoteVerifier

    /// A verifier; what it verifies of platforms and collateral it remembers.
    public init(options: Options = Options()) {
        self.options = options
        verifier = QuoteVerifier(options: options.collateral)
    }

    /// Verifies the quote, its platform and the binding, and returns the enclave's claims.
    ///
    /// Throws the errors of quotes, chains and collateral, and `debug_enabled`, `provisioning_key_enabled`,
    /// `report_data_mismatch` and `init_data_mismatch`.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let authentic = try verifier.authenticate(DCAPEvidence(evidence.content).quote, at: context.clock.now())
        let report = try Self.report(in: authentic.quote)
        guard options.allowsDebug || !report.flags.contains(.debug) else {
            throw VerificationError(
                code: "debug_enabled",
                message: "The enclave is a debug one: its host can read all of it. Build it for production.")
        }
        let match = try binding.match(
            reportData: report[.reportData], configurationID: report[.configurationID], named: "CONFIGID")
        let verified = try await verifier.appraise(authentic, context: context)
        guard options.allowsProvisioningKey || !report.flags.contains(.provisioningKey) else {
            throw VerificationError(
                code: "provisioning_key_enabled",
                message: "The enclave may derive the key that identifies its platform, which no workload needs.")
        }
        var claims = verified.quote.claims(about: report)
        for (name, value) in verified.platformClaims() { claims[name] = value }
        claims["report_data"] = report.hex(.reportData)
        claims["init_data"] = report.hex(.configurationID)
        let platform = verified.platformLevels(about: nil)
        let steps: [VerificationStep] = [
            .passed("enclave attributes", "no debugging, no provisioning key"), PlatformLevels.step(platform),
        ]
        return [
            EvidenceClaims(
                tee: tee, claims: claims, matchedReportData: match.candidate, platform: platform,
                steps: verified.steps + steps + match.steps, chain: verified.chain)
        ]
    }

    /// The 64 bytes of report data. Throws `malformed_evidence` and `unsupported_version`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        Array(try Self.report(in: IntelQuote(parsing: DCAPEvidence(evidence.content).quote))[.reportData])
    }

    private static func report(in quote: IntelQuote) throws(VerificationError) -> EnclaveReport {
        guard case .enclave(let report) = quote.body else {
            throw .malformedQuote("it is a trust domain's and not an enclave's")
        }
        return report
    }
}
