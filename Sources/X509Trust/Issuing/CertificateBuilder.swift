import COpenSSL
import FoundationEssentials

/// An extension in the configuration language of OpenSSL.
struct CertificateExtension: Sendable {
    let identifier: Int32
    let value: String

    init(_ identifier: Int32, _ value: String) {
        self.identifier = identifier
        self.value = value
    }
}

/// The content of a certificate that is about to be signed.
struct CertificateBuilder {
    let subject: String
    /// `nil` for a self-signed certificate.
    let issuer: Certificate?
    let publicKeyDER: [UInt8]
    let validity: CertificateValidity
    let extensions: [CertificateExtension]

    func signed(by key: SigningKeyPair) throws(X509Error) -> Certificate {
        let certificate = try X509Error.require(X509_new(), "make a certificate")
        defer { X509_free(certificate) }
        try X509Error.require(X509_set_version(certificate, 2), "set the version")
        try setSerial(certificate)
        try setValidity(certificate)
        try setPublicKey(certificate)
        guard let name = X509_get_subject_name(certificate) else { throw .failed("set the subject") }
        try setName(name)
        try withIssuer(certificate) { (issuer) throws(X509Error) in
            try X509Error.require(
                X509_set_issuer_name(certificate, X509_get_subject_name(issuer)), "set the issuer")
            for item in extensions { try add(item, to: certificate, issuer: issuer) }
        }
        try key.withKey { (pointer) throws(X509Error) in
            try X509Error.require(X509_sign(certificate, pointer, EVP_sha256()), "sign a certificate")
        }
        return try Certificate(der: DER.encode("encode a certificate") { i2d_X509(certificate, $0) })
    }

    private func withIssuer(
        _ certificate: OpaquePointer, _ body: (OpaquePointer) throws(X509Error) -> Void
    ) throws(X509Error) {
        guard let issuer else { return try body(certificate) }
        let pointer = try DER.certificate(issuer.der)
        defer { X509_free(pointer) }
        try body(pointer)
    }

    /// A positive serial number of 127 random bits, as RFC 5280 section 4.1.2.2 wants it unpredictable and unique.
    private func setSerial(_ certificate: OpaquePointer) throws(X509Error) {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        bytes[0] = bytes[0] & 0x7f | 0x40
        guard let number = BN_bin2bn(bytes, Int32(bytes.count), nil) else { throw .failed("make a serial number") }
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil else {
            throw .failed("set the serial number")
        }
    }

    private func setValidity(_ certificate: OpaquePointer) throws(X509Error) {
        guard let from = Int(exactly: validity.notBefore.timeIntervalSince1970.rounded(.down)),
            let until = Int(exactly: validity.notAfter.timeIntervalSince1970.rounded(.down)), from < until,
            ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nil,
            ASN1_TIME_set(X509_getm_notAfter(certificate), until) != nil
        else { throw X509Error(code: "invalid_validity", message: "The certificate would never be valid.") }
    }

    private func setPublicKey(_ certificate: OpaquePointer) throws(X509Error) {
        guard let key = DER.publicKey(publicKeyDER) else { throw .malformedKey }
        defer { EVP_PKEY_free(key) }
        try X509Error.require(X509_set_pubkey(certificate, key), "set the public key")
    }

    private func setName(_ name: OpaquePointer) throws(X509Error) {
        let text = Array(subject.utf8)
        // 64 characters is the upper bound of a common name (RFC 5280 appendix A.1).
        guard !text.isEmpty, subject.unicodeScalars.count <= 64, !text.contains(0),
            X509_NAME_add_entry_by_NID(
                name, NID_commonName, MBSTRING_UTF8, text, Int32(text.count), -1, 0) == 1
        else {
            throw X509Error(code: "invalid_subject", message: "The subject's name is empty, too long or not a name.")
        }
    }

    private func add(
        _ item: CertificateExtension, to certificate: OpaquePointer, issuer: OpaquePointer
    ) throws(X509Error) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
        let made = try X509Error.require(
            X509V3_EXT_conf_nid(nil, &context, item.identifier, item.value), "make an extension")
        defer { X509_EXTENSION_free(made) }
        try X509Error.require(X509_add_ext(certificate, made, -1), "add an extension")
    }
}

/// Alternative names of a subject.
enum SubjectNames {
    /// The extension's value, or `nil` without any name.
    ///
    /// Names are checked first, because a comma would begin another item of OpenSSL's configuration language. Throws
    /// `invalid_subject`.
    static func extensionValue(dnsNames: [String], ipAddresses: [String]) throws(X509Error) -> String? {
        var items: [String] = []
        for name in dnsNames {
            guard isHostName(name) else { throw refusal("host name") }
            items.append("DNS:\(name)")
        }
        for address in ipAddresses {
            guard let parsed = a2i_IPADDRESS(address), isAddressText(address) else { throw refusal("IP address") }
            ASN1_STRING_free(parsed)
            items.append("IP:\(address)")
        }
        return items.isEmpty ? nil : items.joined(separator: ",")
    }

    private static func isHostName(_ name: String) -> Bool {
        let plain = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
        guard !plain.isEmpty, plain.utf8.count <= 253 else { return false }
        return plain.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.count <= 63 && label.allSatisfy(isHostNameByte)
        }
    }

    private static func isHostNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isAddressText(_ address: String) -> Bool {
        address.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"),
                UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "."), UInt8(ascii: ":"):
                true
            default: false
            }
        }
    }

    private static func refusal(_ what: String) -> X509Error {
        X509Error(code: "invalid_subject", message: "A subject alternative name is no \(what).")
    }
}
