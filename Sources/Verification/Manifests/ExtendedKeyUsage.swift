import SwiftASN1

/// The extension that says what a certificate's key may be used for (RFC 5280 section 4.2.1.12).
enum ExtendedKeyUsage {
    /// Whether the extension's value, DER, names a usage in dotted form.
    static func contains(_ usage: String, der: [UInt8]) -> Bool {
        guard let wanted = try? ASN1ObjectIdentifier(dotRepresentation: usage), let node = try? DER.parse(der),
            let usages = try? DER.sequence(of: ASN1ObjectIdentifier.self, identifier: .sequence, rootNode: node)
        else { return false }
        return usages.contains(wanted)
    }

    /// Whether a text is an object identifier in dotted form.
    static func isIdentifier(_ text: String) -> Bool {
        (try? ASN1ObjectIdentifier(dotRepresentation: text)) != nil
    }
}
