import COpenSSL
public import FoundationEssentials

/// An X.509 certificate (RFC 5280).
public struct Certificate: Sendable, Hashable {
    /// The whole certificate.
    public let der: [UInt8]
    /// The subject's public key as SubjectPublicKeyInfo, DER.
    public let publicKeyDER: [UInt8]
    /// The subject's name in the form of RFC 2253.
    public let subject: String
    /// The issuer's name in the form of RFC 2253.
    public let issuer: String
    /// When the certificate begins to be valid.
    public let notBefore: Date
    /// When the certificate ceases to be valid.
    public let notAfter: Date

    /// Reads a certificate from its DER bytes, all of them. Throws `malformed_certificate`.
    public init(der: [UInt8]) throws(X509Error) {
        defer { ERR_clear_error() }
        let certificate = try DER.certificate(der)
        defer { X509_free(certificate) }
        try self.init(certificate, der: der)
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
        let text = Array(pem.utf8)
        guard let count = Int32(exactly: text.count) else { throw .malformedCertificate }
        var certificates: [Certificate] = []
        // The BIO reads from the array's memory, so it must not outlive this closure.
        let result: Result<Void, X509Error> = text.withUnsafeBufferPointer { buffer in
            guard let bio = claviger_bio_memory(buffer.baseAddress, count) else { return .failure(.failed("read PEM")) }
            defer { BIO_free(bio) }
            do throws(X509Error) {
                while let certificate = try next(in: bio) { certificates.append(certificate) }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        guard !certificates.isEmpty else { throw .malformedCertificate }
        return certificates
    }

    /// The certificate as a PEM block that ends with a newline.
    public var pem: String { PEM.block(label: "CERTIFICATE", der: der) }

    private static func next(in bio: OpaquePointer) throws(X509Error) -> Certificate? {
        ERR_clear_error()
        // Without a callback OpenSSL would ask the terminal for the password of an encrypted block.
        guard let certificate = PEM_read_bio_X509(bio, nil, { _, _, _, _ in 0 }, nil) else {
            guard claviger_is_end_of_pem(ERR_peek_last_error()) == 1 else { throw .malformedCertificate }
            return nil
        }
        defer { X509_free(certificate) }
        let der = try DER.encode("encode a certificate") { i2d_X509(certificate, $0) }
        return try Certificate(certificate, der: der)
    }

    private init(_ certificate: OpaquePointer, der: [UInt8]) throws(X509Error) {
        self.der = der
        guard let keyInfo = X509_get_X509_PUBKEY(certificate), let from = X509_get0_notBefore(certificate),
            let until = X509_get0_notAfter(certificate), let notBefore = Self.date(from),
            let notAfter = Self.date(until)
        else { throw .malformedCertificate }
        publicKeyDER = try DER.encode("encode a public key") { i2d_X509_PUBKEY(keyInfo, $0) }
        subject = try Self.name(X509_get_subject_name(certificate))
        issuer = try Self.name(X509_get_issuer_name(certificate))
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    private static func name(_ name: OpaquePointer?) throws(X509Error) -> String {
        let bio = try X509Error.require(BIO_new(BIO_s_mem()), "print a name")
        defer { BIO_free(bio) }
        guard let name, claviger_print_name(bio, name) >= 0 else { throw .malformedCertificate }
        var start: UnsafeMutablePointer<CChar>?
        let count = claviger_bio_contents(bio, &start)
        guard count > 0, let start else { return "" }
        return start.withMemoryRebound(to: UInt8.self, capacity: count) {
            String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
        }
    }

    private static func date(_ time: UnsafePointer<ASN1_TIME>) -> Date? {
        guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Date(timeIntervalSince1970: TimeInterval(days) * 86_400 + TimeInterval(seconds))
    }
}

/// PEM text (RFC 7468).
enum PEM {
    static func block(label: String, der: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: der.count, by: 48) {
            let row = Array(der[start..<min(start + 48, der.count)])
            for index in stride(from: 0, to: row.count, by: 3) {
                let group = (0..<3).map { index + $0 < row.count ? row[index + $0] : 0 }
                let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                for place in 0..<4 {
                    let isPadding = index + place > row.count
                    text.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(bits >> (18 - 6 * UInt32(place)) & 63)])
                }
            }
            text.append(UInt8(ascii: "\n"))
        }
        return "-----BEGIN \(label)-----\n\(String(decoding: text, as: UTF8.self))-----END \(label)-----\n"
    }
}
