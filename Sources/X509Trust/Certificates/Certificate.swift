import COpenSSL
public import FoundationEssentials

/// An X.509 certificate (RFC 5280), of at most 64 KiB.
public struct Certificate: Sendable, Hashable {
    /// The whole certificate.
    public let der: [UInt8]
    /// The SHA-256 of the whole certificate, 32 bytes.
    public let fingerprint: [UInt8]
    /// The serial number as a big-endian magnitude without leading zeros; the number zero is one zero byte.
    public let serialNumber: [UInt8]
    /// The subject's public key as SubjectPublicKeyInfo, DER.
    public let publicKeyDER: [UInt8]
    /// The subject's name in the form of RFC 2253.
    public let subject: String
    /// The issuer's name in the form of RFC 2253.
    public let issuer: String
    /// The subject's common name, unless it has none or several.
    public let subjectCommonName: String?
    /// The issuer's common name, unless it has none or several.
    public let issuerCommonName: String?
    /// When the certificate begins to be valid.
    public let notBefore: Date
    /// When the certificate ceases to be valid.
    public let notAfter: Date
    /// The extensions in their order, none twice.
    public let extensions: [CertificateExtensionValue]

    /// Reads a certificate from its DER bytes, all of them.
    ///
    /// Throws `malformed_certificate`, also for a negative serial number, for an extension that is there twice, and when
    /// what encloses the signed bytes is not DER.
    public init(der: [UInt8]) throws(X509Error) {
        defer { ERR_clear_error() }
        guard der.count <= Self.maximumBytes else { throw .malformedCertificate }
        let certificate = try DER.certificate(der)
        defer { X509_free(certificate) }
        try self.init(certificate, der: der)
    }

    /// Reads the certificate at the beginning of a buffer whose rest is zero, such as a TPM's NV index.
    ///
    /// Throws `malformed_certificate`.
    public static func prefix(of bytes: [UInt8]) throws(X509Error) -> Certificate {
        guard bytes.count <= maximumBytes, let first = DER.first(bytes[...])?.element,
            bytes[first.endIndex...].allSatisfy({ $0 == 0 })
        else { throw .malformedCertificate }
        return try Certificate(der: Array(first))
    }

    /// Reads the only certificate of a PEM text. Throws `malformed_certificate` when there is none or more than one.
    public init(pem: String) throws(X509Error) {
        let all = try Certificate.all(pem: pem)
        guard all.count == 1 else { throw .malformedCertificate }
        self = all[0]
    }

    /// All certificates of a PEM text in their order, at least one; other PEM blocks are skipped.
    ///
    /// Throws `malformed_certificate`.
    public static func all(pem: String) throws(X509Error) -> [Certificate] {
        defer { ERR_clear_error() }
        let certificates = try PEM.read(pem) { (bio) throws(X509Error) in
            var certificates: [Certificate] = []
            while let certificate = try next(in: bio) { certificates.append(certificate) }
            return certificates
        }
        guard !certificates.isEmpty else { throw .malformedCertificate }
        return certificates
    }

    /// The certificate as a PEM block that ends with a newline.
    public var pem: String { PEM.block(label: "CERTIFICATE", der: der) }

    /// The subject's public key.
    ///
    /// Throws `malformed_key`.
    public var publicKey: PublicKey {
        get throws(X509Error) { try PublicKey(spki: publicKeyDER) }
    }

    /// The content of an extension's OCTET STRING, `nil` when the certificate has no such extension.
    ///
    /// - Parameter oid: the object identifier in dotted form.
    public func extensionValue(_ oid: String) -> [UInt8]? {
        extensions.first { $0.oid == oid }?.value
    }

    /// Two certificates are equal when their bytes are.
    public static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }

    /// Hashes the certificate's fingerprint.
    public func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }

    /// Real certificates have some 1 to 5 KiB.
    static let maximumBytes = 65_536

    private static func next(in bio: OpaquePointer) throws(X509Error) -> Certificate? {
        ERR_clear_error()
        // Without a callback OpenSSL would ask the terminal for the password of an encrypted block.
        guard let certificate = PEM_read_bio_X509(bio, nil, { _, _, _, _ in 0 }, nil) else {
            guard claviger_is_end_of_pem(ERR_peek_last_error()) == 1 else { throw .malformedCertificate }
            return nil
        }
        defer { X509_free(certificate) }
        return try Certificate(der: DER.encode("encode a certificate") { i2d_X509(certificate, $0) })
    }

    private init(_ certificate: OpaquePointer, der: [UInt8]) throws(X509Error) {
        // OpenSSL reads some of BER. What is signed it keeps as it came; around that only one encoding may pass.
        guard try DER.encode("encode a certificate", { i2d_X509(certificate, $0) }) == der,
            let keyInfo = X509_get_X509_PUBKEY(certificate), let from = X509_get0_notBefore(certificate),
            let until = X509_get0_notAfter(certificate), let notBefore = DER.date(from), let notAfter = DER.date(until),
            let serialNumber = DER.magnitude(X509_get0_serialNumber(certificate))
        else { throw .malformedCertificate }
        self.der = der
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.serialNumber = serialNumber
        fingerprint = try DigestAlgorithm.sha256.hash(der)
        publicKeyDER = try DER.encode("encode a public key") { i2d_X509_PUBKEY(keyInfo, $0) }
        let subjectName = X509_get_subject_name(certificate)
        let issuerName = X509_get_issuer_name(certificate)
        guard let subject = DistinguishedName.text(subjectName), let issuer = DistinguishedName.text(issuerName),
            let extensions = CertificateExtensionValue.all(of: certificate)
        else { throw .malformedCertificate }
        self.subject = subject
        self.issuer = issuer
        self.extensions = extensions
        subjectCommonName = DistinguishedName.commonName(subjectName)
        issuerCommonName = DistinguishedName.commonName(issuerName)
    }
}
