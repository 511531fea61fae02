public import Encodings
public import FoundationEssentials
public import RATS
public import X509Trust

/// A quote whose own signatures were verified, without Intel's collateral.
///
/// For people who look at quotes from a time or a place whose collateral is not at hand. It never makes evidence
/// believed: whether the platform is up to date, or revoked, only collateral tells.
public struct QuoteInspection: Sendable {
    /// `sgx` or `tdx`.
    public let tee: TEE
    /// The claims that the quote itself makes, by the names of its verifier.
    public let claims: JSONObject
    /// The family of platforms that a TCB info is for (FMSPC), 6 bytes.
    public let fmspc: [UInt8]
    /// The provisioning certification enclave (PCE-ID), 2 bytes.
    public let pceID: [UInt8]
    /// The authority that issued the platform's certificate.
    public let authority: CollateralName.IntelPCKAuthority
    /// The chain of the platform's certificate, its own first.
    public let chain: VerifiedChain
    /// What was checked, in order.
    public let steps: [VerificationStep]
    private let report: TrustDomainReport?

    /// Verifies the platform's chain at `date`, the quoting enclave's report, its key and the quote's signature.
    ///
    /// Throws `malformed_evidence`, `unsupported_version`, `qe_identity_mismatch`, `chain_not_trusted`,
    /// `certificate_expired`, `certificate_not_yet_valid`, `signature_invalid` and `key_not_bound`.
    public init(
        quote: [UInt8], anchors: [PinnedAnchor] = PinnedAnchor.intel, at date: Date
    ) throws(VerificationError) {
        let authentic = try QuoteVerifier(options: IntelCollateralOptions(anchors: anchors))
            .authenticate(quote, at: date)
        switch authentic.quote.body {
        case .enclave(let report):
            tee = .sgx
            self.report = nil
            claims = authentic.quote.claims(about: report)
        case .trustDomain(let report):
            tee = .tdx
            self.report = report
            claims = authentic.quote.claims(about: report)
        }
        fmspc = authentic.platform.platform.fmspc
        pceID = authentic.platform.platform.pceID
        authority = authentic.platform.authority
        chain = authentic.platform.chain
        steps = authentic.steps
    }

    /// Whether an event log leads to all registers of the trust domain. Throws `malformed_evidence` and
    /// `event_log_mismatch`, also for an enclave, which has no registers.
    public func requireEvents(of log: EventLog) throws(VerificationError) {
        guard let report else {
            throw VerificationError(code: "event_log_mismatch", message: "Enclaves have no registers and no event log.")
        }
        _ = try report.replaying(log)
    }
}
