/// An extension of a certificate, of a list or of an entry in a list.
public struct TestExtension: Sendable {
    /// The extension as DER.
    public let der: [UInt8]

    /// Any extension.
    ///
    /// - Parameter value: what stands in the OCTET STRING.
    public init(_ oid: String, isCritical: Bool = false, value: [UInt8]) {
        let critical: [UInt8] = isCritical ? [0x01, 1, 0xff] : []
        der = ASN1.sequence(ASN1.objectIdentifier(oid), critical, ASN1.octetString(value))
    }

    /// Basic constraints, critical.
    public static func basicConstraints(isAuthority: Bool, pathLength: Int? = nil) -> TestExtension {
        let flag: [UInt8] = isAuthority ? [0x01, 1, 0xff] : []
        return TestExtension(
            "2.5.29.19", isCritical: true, value: ASN1.sequence(flag, pathLength.map { ASN1.integer($0) } ?? []))
    }

    /// Key usage, critical, from the bits of RFC 5280 section 4.2.1.3.
    public static func keyUsage(_ bits: KeyUsageBit...) -> TestExtension {
        let value = bits.reduce(UInt8(0)) { $0 | 0x80 >> $1.rawValue }
        let unused = UInt8(value == 0 ? 0 : value.trailingZeroBitCount)
        return TestExtension("2.5.29.15", isCritical: true, value: [0x03, 2, unused, value])
    }

    /// The first bits of key usage.
    public enum KeyUsageBit: UInt8, Sendable {
        /// Signs data.
        case digitalSignature = 0
        /// Agrees on keys.
        case keyAgreement = 4
        /// Signs certificates.
        case keyCertSign = 5
        /// Signs revocation lists.
        case crlSign = 6
    }

    /// What an authority needs to issue certificates and lists.
    public static func authority(pathLength: Int? = nil) -> [TestExtension] {
        [.basicConstraints(isAuthority: true, pathLength: pathLength), .keyUsage(.keyCertSign, .crlSign)]
    }

    /// The number of a list.
    public static func listNumber(_ number: Int) -> TestExtension {
        TestExtension("2.5.29.20", value: ASN1.integer(number))
    }
}
