/// A distinguished name, its attributes in the order of their encoding.
public struct TestName: Sendable, ExpressibleByStringLiteral {
    /// The name as DER.
    public let der: [UInt8]

    /// A name of attributes such as `("CN", "leaf")`; the types are CN, C, L, ST, O, OU or dotted.
    public init(_ attributes: [(type: String, value: String)]) {
        let types = ["CN": 3, "C": 6, "L": 7, "ST": 8, "O": 10, "OU": 11]
        let names = attributes.map { type, value -> [UInt8] in
            let oid = types[type].map { "2.5.4.\($0)" } ?? type
            return ASN1.element(
                0x31, ASN1.sequence(ASN1.objectIdentifier(oid), ASN1.element(0x0c, Array(value.utf8))))
        }
        der = ASN1.element(0x30, Array(names.joined()))
    }

    /// A name of a common name alone.
    public init(commonName: String) { self.init([("CN", commonName)]) }

    /// A name of a common name alone.
    public init(stringLiteral value: String) { self.init(commonName: value) }

    /// A name that was encoded elsewhere.
    public init(der: [UInt8]) { self.der = der }
}
