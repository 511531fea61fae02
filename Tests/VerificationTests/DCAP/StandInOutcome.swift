import Encodings
import Foundation
import RATS
import X509Trust

@testable import Verification

extension IntelStandIn {
    /// What a case may change of how the stand-in's quotes are verified.
    struct Terms {
        var rules = TrustDomainRules()
        var allowsDebug = false
        var allowsProvisioningKey = false
        var grace = Duration.zero
        var minimum: UInt32 = 0
        var highest: (@Sendable (CollateralName) -> UInt64?)?
        var anchors: [PinnedAnchor]?
        var now = IntelStandIn.now
        var items: [CollateralName: CollateralItem]?
        var initData: [UInt8]?
        var eventLog: JSONValue?
    }

    func options(_ terms: Terms = Terms()) -> IntelCollateralOptions {
        IntelCollateralOptions(
            anchors: terms.anchors ?? anchors, grace: terms.grace, minimumEvaluationNumber: terms.minimum)
    }

    /// Verifies a quote as it comes, for its own report data.
    func outcome(_ quote: IntelQuote, _ change: (inout Terms) throws -> Void = { _ in }) async -> DCAPOutcome {
        await outcome(quote.encoded, change)
    }

    func outcome(_ quote: [UInt8], _ change: (inout Terms) throws -> Void = { _ in }) async -> DCAPOutcome {
        do {
            var terms = Terms()
            try change(&terms)
            let isEnclave = quote.count > 4 && quote[4] == 0
            let verifier: any EvidenceVerifier =
                isEnclave
                ? SGXVerifier(
                    options: .init(
                        collateral: options(terms), allowsDebug: terms.allowsDebug,
                        allowsProvisioningKey: terms.allowsProvisioningKey))
                : TDXVerifier(options: .init(collateral: options(terms), trustDomain: terms.rules))
            let evidence = Evidence(
                tee: verifier.tee,
                content: ["quote": .string(Base64.encode(quote)), "cc_eventlog": terms.eventLog ?? .null])
            let reportData = try verifier.statedReportData(in: evidence)
            let binding = EvidenceBinding(reportData: [reportData], initDataDigest: terms.initData)
            let items = try terms.items ?? items(isEnclave ? .sgx : .tdx)
            let collateral = RememberingCollateral(items: FixedCollateral(items), highest: terms.highest)
            let context = VerificationContext(clock: .fixed(terms.now), collateral: collateral)
            return DCAPOutcome(try await verifier.verify(evidence, binding: binding, context: context).first)
        } catch {
            return DCAPOutcome(error)
        }
    }

    /// Verifies a quote of a plain trust domain of these reports under changed documents.
    func verdict(
        _ report: TrustDomainReport? = nil, info: JSONValue? = nil, identity: JSONValue? = nil
    ) async throws -> DCAPOutcome {
        try await outcome(quote(report ?? .plain())) { $0.items = try items(info: info, identity: identity) }
    }
}

extension DCAPOutcome {
    init(_ result: EvidenceClaims?) {
        self.result = result
        claims = result?.claims
    }

    init(_ error: any Error) { code = (error as? VerificationError)?.code ?? "\(error)" }

    /// The status that the claims state, or the code of the refusal.
    var word: String? { code ?? claims?["tcb_status"]?.stringValue }
}
