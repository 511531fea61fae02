import Crypto
import Encodings
import FoundationEssentials
import RATS
import X509Trust

/// The certificate of a platform's key (PCK) after its chain was verified.
struct PlatformCertificate: Sendable {
    /// The platform's certificate, its authority's and the root's.
    let chain: VerifiedChain
    /// Which of Intel's authorities issued it.
    let authority: CollateralName.IntelPCKAuthority
    /// The key that signs the reports of quoting enclaves on this platform.
    let key: P256.Signing.PublicKey
    /// What the certificate says of the platform.
    let platform: PCKExtension
    /// The SHA-384 of the root's public key (the point, 65 bytes) in hexadecimal digits.
    let rootKeyID: String

    /// The certificate of the authority that issued the platform's.
    var issuer: Certificate { chain.certificates[1] }

    /// Throws `chain_not_trusted` for a chain of Intel's that is not a platform's, and `malformed_evidence`.
    fileprivate init(_ chain: VerifiedChain) throws(VerificationError) {
        guard chain.certificates.count == 3 else { throw Self.notAPlatform }
        let leaf = chain.certificates[0]
        guard
            let authority = CollateralName.IntelPCKAuthority.allCases.first(where: {
                $0.commonName == leaf.issuerCommonName
            })
        else { throw Self.notAPlatform }
        guard leaf.subjectCommonName == "Intel SGX PCK Certificate",
            let value = leaf.extensionValue(PCKExtension.identifier),
            let key = try? P256.Signing.PublicKey(derRepresentation: leaf.publicKeyDER)
        else { throw Self.notAPlatform }
        // The point is the end of a SubjectPublicKeyInfo.
        let root = chain.anchor.certificate.publicKeyDER.suffix(65)
        rootKeyID = Hex.encode(Array(SHA384.hash(data: root)))
        self.authority = authority
        self.chain = chain
        self.key = key
        platform = try PCKExtension(der: value)
    }

    private static let notAPlatform = VerificationError(
        code: "chain_not_trusted",
        message: "The certificates in the quote are Intel's, but not those of a platform's key.")
}

extension CollateralName.IntelPCKAuthority {
    /// The common name of the authority's certificate.
    var commonName: String {
        switch self {
        case .platform: "Intel SGX PCK Platform CA"
        case .processor: "Intel SGX PCK Processor CA"
        }
    }
}

/// Verifies the certificates that quotes bring along, each chain once.
///
/// A chain can be written in many ways, so a text is remembered only for a chain that was not known before: nobody crowds the
/// others' chains out by writing one anew.
struct PlatformCertificates: Sendable {
    private static let capacity = 4096

    private let anchors: [PinnedAnchor]
    /// By the text in which a chain came first, so that it need not be read again.
    private let texts = RecentValues<SHA256Digest, PlatformCertificate>(capacity: capacity)
    /// By the certificates, DER.
    private let verified = RecentValues<SHA256Digest, PlatformCertificate>(capacity: capacity)

    init(anchors: [PinnedAnchor]) { self.anchors = anchors }

    /// The certificate in this PEM text, whose chain must end in a pinned root and be valid at `date`.
    ///
    /// Throws `malformed_evidence`, `chain_not_trusted`, `certificate_expired` and `certificate_not_yet_valid`.
    func certificate(_ text: [UInt8], at date: Date) throws(VerificationError) -> PlatformCertificate {
        let digest = SHA256.hash(data: text)
        if let known = texts.value(for: digest) {
            try IntelChain.require(known.chain, at: date)
            return known
        }
        let path = try CertificateText.chain(text)
        let identity = Self.digest(path)
        if let known = verified.value(for: identity) {
            try IntelChain.require(known.chain, at: date)
            return known
        }
        let chain = try IntelChain.verify(path, anchors: anchors, at: date, what: "The platform's certificate")
        let certificate = try PlatformCertificate(chain)
        verified.keep(certificate, for: identity)
        texts.keep(certificate, for: digest)
        return certificate
    }

    /// The number of texts that are remembered.
    var rememberedTexts: Int { texts.count }

    private static func digest(_ path: [[UInt8]]) -> SHA256Digest {
        var hash = SHA256()
        for der in path { hash.update(data: SHA256.hash(data: der).map { $0 }) }
        return hash.finalize()
    }
}
