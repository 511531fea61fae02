import COpenSSL

/// An extension of a certificate (RFC 5280 section 4.2).
public struct CertificateExtensionValue: Sendable, Hashable {
    /// The object identifier in dotted form.
    public let oid: String
    /// Whether who does not understand the extension must refuse the certificate.
    public let isCritical: Bool
    /// The content of the OCTET STRING.
    public let value: [UInt8]

    /// The extensions of a certificate, `nil` when one of them is there twice or cannot be read.
    static func all(of certificate: OpaquePointer) -> [CertificateExtensionValue]? {
        var known: Set<String> = []
        var extensions: [CertificateExtensionValue] = []
        for index in 0..<max(0, X509_get_ext_count(certificate)) {
            guard let item = X509_get_ext(certificate, index), let value = X509_EXTENSION_get_data(item),
                let oid = ObjectIdentifierText.dotted(X509_EXTENSION_get_object(item)), known.insert(oid).inserted
            else { return nil }
            extensions.append(
                CertificateExtensionValue(
                    oid: oid, isCritical: X509_EXTENSION_get_critical(item) == 1, value: DER.content(value)))
        }
        return extensions
    }
}

/// Object identifiers as text.
enum ObjectIdentifierText {
    /// The dotted form, `nil` for one that is longer than any in use.
    static func dotted(_ object: OpaquePointer?) -> String? {
        guard let object else { return nil }
        var text = [CChar](repeating: 0, count: 128)
        let count = Int(OBJ_obj2txt(&text, Int32(text.count), object, 1))
        guard count > 0, count < text.count else { return nil }
        return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
