import COpenSSL
public import FoundationEssentials

/// What the key of a leaf is wanted for (RFC 5280 section 4.2.1.3).
public enum LeafUsage: Sendable, Hashable {
    /// The leaf signs: where it says what its key is for, that includes digital signatures.
    case digitalSignature
    /// The leaf agrees on keys: where it says what its key is for, that includes key agreement.
    case keyAgreement
    /// Whatever the leaf says.
    case any

    fileprivate var bit: UInt32? {
        switch self {
        case .digitalSignature: UInt32(KU_DIGITAL_SIGNATURE)
        case .keyAgreement: UInt32(KU_KEY_AGREEMENT)
        case .any: nil
        }
    }
}

extension CertificateChain {
    /// Verifies exactly this path, from a leaf over its issuers in their order to one of the anchors.
    ///
    /// Nothing is searched for or fetched, and revocation is not looked at (see ``ChainRevocation``). Besides what
    /// RFC 5280 section 6.1 demands, every issuer must carry basic constraints and key usage that let it issue, and keys
    /// and signatures must reach security level 2 of OpenSSL (112 bits: RSA of 2048 bits, SHA-256 and the like).
    ///
    /// Throws `no_anchor`, `certificate_expired`, `certificate_not_yet_valid` and `chain_not_trusted`.
    public static func verify(
        path: [Certificate], anchors: [PinnedAnchor], usage: LeafUsage = .digitalSignature, at date: Date
    ) throws(X509Error) -> VerifiedChain {
        defer { ERR_clear_error() }
        guard !anchors.isEmpty else { throw .noAnchor }
        guard (2...(Int(maximumDepth) + 2)).contains(path.count), let last = path.last, let leaf = path.first else {
            throw .untrusted("it has \(path.count) certificates instead of 2 to \(maximumDepth + 2)")
        }
        guard let anchor = anchors.first(where: { $0.certificate == last }) else {
            throw .untrusted("it does not end at a pinned root but at \(last.subject.prefix(200))")
        }
        try ChainVerification(level: 2).verify(
            leaf: leaf.der, intermediates: path[1..<(path.count - 1)].map(\.der), anchors: [last.der]
        ) { (chain) throws(X509Error) in
            try require(chain, equals: path)
            try require(chain, usage: usage)
        }
        for certificate in path { try require(certificate, validAt: date) }
        return VerifiedChain(certificates: path, anchor: anchor)
    }

    /// Both ends of the validity belong to it (RFC 5280 section 4.1.2.5), which OpenSSL sees otherwise for the last
    /// second; and the year 9999 must not end in an error.
    private static func require(_ certificate: Certificate, validAt date: Date) throws(X509Error) {
        let subject = certificate.subject.prefix(200)
        guard certificate.notBefore <= date else {
            throw X509Error(
                code: "certificate_not_yet_valid",
                message: "The certificate \(subject) is valid from \(certificate.notBefore.formatted(.iso8601)) on.")
        }
        guard date <= certificate.notAfter else {
            throw X509Error(
                code: "certificate_expired",
                message: "The certificate \(subject) was valid until \(certificate.notAfter.formatted(.iso8601)).")
        }
    }

    /// OpenSSL may leave out certificates that it does not need; what was not verified must not pass as verified.
    private static func require(_ chain: OpaquePointer, equals path: [Certificate]) throws(X509Error) {
        guard Int(claviger_x509_stack_count(chain)) == path.count else {
            throw .untrusted("not every certificate of it was issued by the next")
        }
        for (index, certificate) in path.enumerated() {
            let built = try X509Error.require(claviger_x509_stack_at(chain, Int32(index)), "walk a chain")
            guard try DER.encode("encode a certificate", { i2d_X509(built, $0) }) == certificate.der else {
                throw .untrusted("not every certificate of it was issued by the next")
            }
            guard X509_get_extension_flags(built) & UInt32(EXFLAG_INVALID) == 0 else {
                throw .untrusted("an extension of \(certificate.subject.prefix(200)) is invalid")
            }
        }
    }

    private static func require(_ chain: OpaquePointer, usage: LeafUsage) throws(X509Error) {
        let leaf = try X509Error.require(claviger_x509_stack_at(chain, 0), "walk a chain")
        guard let bit = usage.bit, X509_get_extension_flags(leaf) & UInt32(EXFLAG_KUSAGE) != 0 else { return }
        guard X509_get_key_usage(leaf) & bit != 0 else { throw .untrusted("the key of the leaf is for another use") }
    }
}
