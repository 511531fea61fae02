import FoundationEssentials
import RATS
import X509Trust

/// Chains of certificates that must end in one of Intel's pinned roots.
enum IntelChain {
    /// Verifies that `path` (DER, the signer first, the root last) leads to one of `anchors`, byte for byte, and is valid
    /// at `date`.
    ///
    /// Throws `chain_not_trusted`, `certificate_expired` and `certificate_not_yet_valid`.
    static func verify(
        _ path: [[UInt8]], anchors: [PinnedAnchor], at date: Date, usage: LeafUsage = .digitalSignature, what: String
    ) throws(VerificationError) -> VerifiedChain {
        do throws(X509Error) {
            var certificates: [Certificate] = []
            for der in path { certificates.append(try Certificate(der: der)) }
            return try CertificateChain.verify(path: certificates, anchors: anchors, usage: usage, at: date)
        } catch {
            let code = error.code == "malformed_certificate" ? "chain_not_trusted" : error.code
            throw VerificationError(code: code, message: "\(what) is refused. \(error.message)")
        }
    }

    /// Requires a chain that was verified before to be valid at `date`.
    static func require(_ chain: VerifiedChain, at date: Date) throws(VerificationError) {
        guard date <= chain.notAfter else {
            throw VerificationError(code: "certificate_expired", message: "A certificate of Intel's has expired.")
        }
        guard date >= chain.notBefore else {
            throw VerificationError(
                code: "certificate_not_yet_valid", message: "A certificate of Intel's is not valid yet.")
        }
    }
}
