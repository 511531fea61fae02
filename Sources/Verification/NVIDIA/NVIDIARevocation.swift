import RATS
import X509Trust

/// What NVIDIA's OCSP service said about certificates, from answers that are at hand as collateral.
///
/// Nothing is asked over a network here. What is revoked or on hold is refused; what nobody knows anything of is left to
/// the settings and to policies.
struct NVIDIARevocation: Sendable {
    private let context: VerificationContext
    /// Whether a certificate is known to be good, by its fingerprint.
    private var known: [[UInt8]: Bool] = [:]

    init(_ context: VerificationContext) { self.context = context }

    /// Whether every certificate of a chain is known to be good, from this place on to the one below the root.
    ///
    /// Throws `certificate_revoked`.
    mutating func isGood(_ chain: VerifiedChain, from first: Int) async throws(VerificationError) -> Bool {
        var isGood = true
        for index in first..<max(first, chain.certificates.count - 1) {
            let certificate = chain.certificates[index]
            let found: Bool
            if let before = known[certificate.fingerprint] {
                found = before
            } else {
                found = try await isKnownGood(chain.certificates[index...])
                known[certificate.fingerprint] = found
            }
            isGood = isGood && found
        }
        return isGood
    }

    private func isKnownGood(_ path: ArraySlice<Certificate>) async throws(VerificationError) -> Bool {
        guard let certificate = path.first,
            let item = try? await context.collateral.item(.nvidiaOCSPResponse(certificate.serialNumber)),
            let status = try? OCSPResponse(der: item.body).status(of: path, at: context.clock.now())
        else { return false }
        guard case .revoked(let date, let reason) = status else { return true }
        // RFC 5280 section 5.3.1: 6 is certificateHold.
        throw VerificationError(
            code: "certificate_revoked",
            message:
                "NVIDIA's certificate \(certificate.subject.prefix(200)) is \(reason == 6 ? "on hold" : "revoked") since "
                + "\(date.formatted(.iso8601)).")
    }
}
