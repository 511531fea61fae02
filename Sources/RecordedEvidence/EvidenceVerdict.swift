public import RATS
import Verification

/// What became of recorded evidence, verified as every door of the broker verifies it.
public struct EvidenceVerdict: Sendable {
    /// The claims of everything described, or why nothing is believed.
    public let result: Result<[EvidenceClaims], VerificationError>
    /// Whether the evidence was held against report data that somebody expected.
    public let isBound: Bool

    /// Verifies evidence with the one of `verifiers` that is for its kind.
    ///
    /// The nonce of recorded evidence is often lost: without `reportData` whatever the evidence carries is taken, and
    /// ``isBound`` says so.
    public init(
        on evidence: Evidence, by verifiers: [any EvidenceVerifier], reportData: [UInt8]?,
        initDataDigest: [UInt8]? = nil, context: VerificationContext
    ) async {
        isBound = reportData != nil
        let registry = VerifierRegistry(verifiers: verifiers)
        do throws(VerificationError) {
            let expected = if let reportData { reportData } else { try registry.statedReportData(in: evidence) }
            let binding = EvidenceBinding(reportData: [expected], initDataDigest: initDataDigest)
            result = .success(
                try await registry.verify(
                    primary: evidence, binding: binding, deviceBinding: binding, context: context))
        } catch {
            result = .failure(error)
        }
    }

    /// `accepted`, or `refused: ` and the code.
    public var summary: String {
        switch result {
        case .success: "accepted"
        case .failure(let error): "refused: \(error.code)"
        }
    }
}
