import COpenSSL

/// An attribute of a distinguished name (RFC 5280 section 4.1.2.4).
public struct NameAttribute: Sendable, Hashable {
    /// The attribute's type as a dotted object identifier, such as `2.5.4.7` for the locality.
    public let oid: String
    /// The value, whatever kind of string it is written as.
    public let value: String

    /// An attribute.
    public init(oid: String, value: String) {
        self.oid = oid
        self.value = value
    }

    /// The attributes of a name in their order; `nil` when one of them cannot be read.
    static func all(of name: OpaquePointer?) -> [NameAttribute]? {
        guard let name else { return nil }
        var attributes: [NameAttribute] = []
        for index in 0..<max(0, X509_NAME_entry_count(name)) {
            guard let entry = X509_NAME_get_entry(name, index),
                let oid = ObjectIdentifierText.dotted(X509_NAME_ENTRY_get_object(entry)),
                let data = X509_NAME_ENTRY_get_data(entry), let value = text(data)
            else { return nil }
            attributes.append(NameAttribute(oid: oid, value: value))
        }
        return attributes
    }

    private static func text(_ string: UnsafeMutablePointer<ASN1_STRING>) -> String? {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&bytes, string)
        defer { claviger_free(bytes) }
        guard count >= 0, let bytes else { return nil }
        return String(validating: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }
}

extension Certificate {
    /// The attributes of the subject's name in their order; `nil` when one of them cannot be read.
    public var subjectAttributes: [NameAttribute]? { attributes { X509_get_subject_name($0) } }

    /// The attributes of the issuer's name in their order; `nil` when one of them cannot be read.
    public var issuerAttributes: [NameAttribute]? { attributes { X509_get_issuer_name($0) } }

    private func attributes(_ name: (OpaquePointer) -> OpaquePointer?) -> [NameAttribute]? {
        defer { ERR_clear_error() }
        guard let certificate = try? DER.certificate(der) else { return nil }
        defer { X509_free(certificate) }
        return NameAttribute.all(of: name(certificate))
    }
}

extension RevocationList {
    /// The attributes of the issuer's name in their order; `nil` when one of them cannot be read.
    public var issuerAttributes: [NameAttribute]? {
        defer { ERR_clear_error() }
        guard let list = DER.revocationList(der) else { return nil }
        defer { X509_CRL_free(list) }
        return NameAttribute.all(of: X509_CRL_get_issuer(list))
    }
}
