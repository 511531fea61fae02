import COpenSSL
public import FoundationEssentials

/// Building a chain from a certificate to an anchor (RFC 5280 section 6).
public enum CertificateChain {
    /// The greatest number of intermediates between a certificate and its anchor.
    static let maximumDepth: Int32 = 8
    /// The greatest number of certificates that a caller may hand in.
    static let maximumCertificates = 512

    /// Verifies that `leaf` leads to a self-signed certificate among `anchors`, over any of `intermediates` and of the
    /// other anchors, each valid at `date`; all certificates are DER.
    ///
    /// Keys and signatures must reach security level 1 of OpenSSL (80 bits), which SHA-1 signatures do not. Nothing is
    /// fetched, and revocation is not looked at. Every issuer must say that it may issue certificates.
    /// Throws `no_anchor`, `malformed_certificate`, `certificate_expired`, `certificate_not_yet_valid` and
    /// `chain_not_trusted`.
    @discardableResult
    public static func verify(
        leaf: [UInt8], intermediates: [[UInt8]] = [], anchors: [[UInt8]], at date: Date
    ) throws(X509Error) -> Certificate {
        defer { ERR_clear_error() }
        guard !anchors.isEmpty else { throw .noAnchor }
        guard intermediates.count <= maximumCertificates, anchors.count <= maximumCertificates else {
            throw .untrusted("there are too many certificates to choose from")
        }
        let verification = try ChainVerification(level: 1, date: date)
        try verification.verify(leaf: leaf, intermediates: intermediates, anchors: anchors)
        return try Certificate(der: leaf)
    }
}
