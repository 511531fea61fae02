import FoundationEssentials
import RATS

/// A quote that the platform's certificate vouches for: signatures are verified, Intel's opinion of the platform is not
/// known yet.
struct AuthenticQuote: Sendable {
    let quote: IntelQuote
    let platform: PlatformCertificate
    /// What was checked, in order.
    let steps: [VerificationStep]
}

/// A quote that was verified and compared with Intel's collateral.
struct VerifiedQuote: Sendable {
    let quote: IntelQuote
    let platform: PlatformCertificate
    let collateral: IntelCollateral
    let verdict: TCBVerdict
    /// Whether collateral had expired that was tolerated.
    let hasExpiredCollateral: Bool
    /// What was checked, in order.
    var steps: [VerificationStep]

    /// The platform's certificate, its authority's and the root's, DER.
    var chain: [[UInt8]] { platform.chain.certificates.map(\.der) }

    /// The same after one more check.
    func adding(_ step: VerificationStep) -> VerifiedQuote {
        var quote = self
        quote.steps.append(step)
        return quote
    }
}
