import COpenSSL
public import Encodings
public import FoundationEssentials

/// A small certificate authority with a P-256 key, for machines that have no other.
public struct CertificateAuthority: Sendable {
    /// The authority's own certificate.
    public let certificate: Certificate
    private let key: SigningKeyPair

    /// A new authority with a self-signed certificate that may issue end-entity certificates only.
    ///
    /// Throws `invalid_subject` and `openssl_failure`.
    public static func generate(
        commonName: String, validity: CertificateValidity
    ) throws(X509Error) -> CertificateAuthority {
        defer { ERR_clear_error() }
        let key = try SigningKeyPair.generate()
        let builder = CertificateBuilder(
            subject: commonName, issuer: nil, publicKeyDER: key.publicKeyDER, validity: validity,
            extensions: CertificateUsage.authority.extensions)
        return CertificateAuthority(certificate: try builder.signed(by: key), key: key)
    }

    /// The authority whose certificate and private key (PKCS#8 or SEC 1) were kept as PEM.
    ///
    /// Throws `malformed_certificate`, `malformed_key` and `key_mismatch`.
    public init(certificatePEM: String, keyPEM: SecretBytes) throws(X509Error) {
        defer { ERR_clear_error() }
        let certificate = try Certificate(pem: certificatePEM)
        let key = try SigningKeyPair(pem: keyPEM)
        guard key.publicKeyDER == certificate.publicKeyDER else {
            throw X509Error(code: "key_mismatch", message: "The key does not belong to the authority's certificate.")
        }
        self.init(certificate: certificate, key: key)
    }

    private init(certificate: Certificate, key: SigningKeyPair) {
        self.certificate = certificate
        self.key = key
    }

    /// The authority's certificate as PEM.
    public var certificatePEM: String { certificate.pem }

    /// The authority's private key as PKCS#8 PEM.
    public var keyPEM: SecretBytes { key.pem }

    /// Issues a certificate for a public key.
    ///
    /// - Parameters:
    ///   - publicKeyDER: the subject's key as SubjectPublicKeyInfo.
    ///   - dnsNames: host names, also with a leading `*.`.
    ///   - ipAddresses: IPv4 and IPv6 addresses in text form.
    ///
    /// Throws `invalid_subject`, `malformed_key` and `openssl_failure`.
    public func issue(
        publicKeyDER: [UInt8], commonName: String, dnsNames: [String] = [], ipAddresses: [String] = [],
        usage: CertificateUsage, validity: CertificateValidity
    ) throws(X509Error) -> Certificate {
        defer { ERR_clear_error() }
        var extensions = usage.extensions
        if let names = try SubjectNames.extensionValue(dnsNames: dnsNames, ipAddresses: ipAddresses) {
            extensions.append(CertificateExtension(NID_subject_alt_name, names))
        }
        let builder = CertificateBuilder(
            subject: commonName, issuer: certificate, publicKeyDER: publicKeyDER, validity: validity,
            extensions: extensions)
        return try builder.signed(by: key)
    }

    /// Issues a certificate for a new P-256 key. Throws `invalid_subject` and `openssl_failure`.
    public func issue(
        commonName: String, dnsNames: [String] = [], ipAddresses: [String] = [], usage: CertificateUsage,
        validity: CertificateValidity
    ) throws(X509Error) -> CertifiedKey {
        defer { ERR_clear_error() }
        let subject = try SigningKeyPair.generate()
        let issued = try issue(
            publicKeyDER: subject.publicKeyDER, commonName: commonName, dnsNames: dnsNames, ipAddresses: ipAddresses,
            usage: usage, validity: validity)
        return CertifiedKey(certificate: issued, keyPEM: subject.pem)
    }
}

/// A certificate together with its private key.
public struct CertifiedKey: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// The private key as PKCS#8 PEM.
    public let keyPEM: SecretBytes
}

/// The time between which a certificate is valid.
public struct CertificateValidity: Sendable, Hashable {
    /// The first moment.
    public let notBefore: Date
    /// The last moment.
    public let notAfter: Date

    /// From one moment to another.
    public init(notBefore: Date, notAfter: Date) {
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// This many days, beginning five minutes before `start` because clocks differ.
    public static func days(_ count: Int, from start: Date) -> CertificateValidity {
        CertificateValidity(
            notBefore: start.addingTimeInterval(-300), notAfter: start.addingTimeInterval(TimeInterval(count) * 86_400))
    }
}

/// What a certificate is for.
public enum CertificateUsage: Sendable, Hashable, CaseIterable {
    /// Identifies a TLS server.
    case tlsServer
    /// Identifies a TLS client.
    case tlsClient
    /// Signs attestation tokens.
    case tokenSigning
    /// Issues end-entity certificates.
    case authority

    var extensions: [CertificateExtension] {
        let identifiers = [CertificateExtension(NID_subject_key_identifier, "hash")]
        if self == .authority {
            return [
                CertificateExtension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                CertificateExtension(NID_key_usage, "critical,keyCertSign,cRLSign"),
            ] + identifiers
        }
        var result =
            [
                CertificateExtension(NID_basic_constraints, "critical,CA:FALSE"),
                CertificateExtension(NID_key_usage, "critical,digitalSignature"),
            ] + identifiers + [CertificateExtension(NID_authority_key_identifier, "keyid:always")]
        switch self {
        case .tlsServer: result.append(CertificateExtension(NID_ext_key_usage, "serverAuth"))
        case .tlsClient: result.append(CertificateExtension(NID_ext_key_usage, "clientAuth"))
        case .tokenSigning, .authority: break
        }
        return result
    }
}
