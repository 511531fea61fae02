import X509Trust

/// The names of IBM's key for host-key documents.
///
/// IBM moved its office in these names from Poughkeepsie to Armonk, in certificates and lists at different times, so that
/// both stand for the same signer.
enum IBMName {
    private static let country = "2.5.4.6"
    private static let state = "2.5.4.8"
    private static let locality = "2.5.4.7"
    private static let organization = "2.5.4.10"
    private static let unit = "2.5.4.11"
    private static let commonName = "2.5.4.3"

    private static let company = "International Business Machines Corporation"
    private static let localities = ["Poughkeepsie", "Armonk"]
    private static let unitSuffix = "Key Signing Service"

    /// Whether a certificate of this name may sign host-key documents: it has all of IBM's attributes, each once.
    static func isSigner(_ name: [NameAttribute]?) -> Bool {
        guard let name, name.count == 6, Set(name.map(\.oid)).count == 6 else { return false }
        return name.allSatisfy { attribute in
            switch attribute.oid {
            case country: isEqual(attribute.value, "US")
            case state: isEqual(attribute.value, "New York")
            case locality: localities.contains { isEqual(attribute.value, $0) }
            case organization, commonName: isEqual(attribute.value, company)
            case unit: attribute.value.utf8.suffix(unitSuffix.utf8.count).elementsEqual(unitSuffix.utf8)
            default: false
            }
        }
    }

    /// Whether two names are the same but for the locality, which may be either of the two.
    static func areEqual(_ one: [NameAttribute]?, _ other: [NameAttribute]?) -> Bool {
        guard let one, let other, isSigner(one), isSigner(other) else { return false }
        let value = { (name: [NameAttribute]) in name.first { $0.oid == unit }?.value ?? "" }
        return isEqual(value(one), value(other))
    }

    /// Compares by code points: a name that only looks the same is another one.
    private static func isEqual(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }
}

/// The identifiers of keys in certificates (RFC 5280 sections 4.2.1.1 and 4.2.1.2).
enum KeyIdentifier {
    /// The extension that says which key signed.
    static let authority = "2.5.29.35"

    /// The identifier of the key that signed, where the certificate has one.
    static func authority(of certificate: Certificate) -> [UInt8]? {
        guard let value = certificate.extensionValue(authority), let sequence = DER.first(value[...]),
            let first = DER.first(sequence.content), first.element.first == 0x80
        else { return nil }
        return Array(first.content)
    }

    /// The identifier of the certificate's own key, where it has one.
    static func subject(of certificate: Certificate) -> [UInt8]? {
        guard let value = certificate.extensionValue("2.5.29.14"), let string = DER.first(value[...]),
            string.element.first == 0x04
        else { return nil }
        return Array(string.content)
    }
}
