/// What a TPM says of a key: a TPMT_PUBLIC of an RSA or ECC key (TPM 2.0 Library, part 2, section 12.2.4).
struct TPMKeyArea: Sendable, Hashable {
    /// How a key signs, by the number in the TCG Algorithm Registry.
    enum Scheme: UInt16 {
        case null = 0x0010
        case rsassa = 0x0014
        case ecdsa = 0x0018
    }

    private enum Kind: UInt16 {
        case rsa = 0x0001
        case ecc = 0x0023
    }

    /// The area as the TPM wrote it.
    let bytes: [UInt8]
    /// The key as SubjectPublicKeyInfo, DER.
    let subjectPublicKeyInfo: [UInt8]
    /// What TPM2_Quote is told: nothing where the key has a scheme of its own, else a common one with SHA-256.
    let quoteScheme: [UInt8]

    /// Reads an area, all of the bytes. Throws `malformed`, also for keys that are neither RSA nor ECC.
    init(parsing bytes: [UInt8]) throws(TPMError) {
        var reader = TPMAnswer(bytes, "The TPM key's public area")
        let type = try reader.u16()
        guard let kind = Kind(rawValue: type) else { throw reader.malformed("the key is of type \(type)") }
        _ = try reader.u16()  // the algorithm of the key's name
        _ = try reader.u32()  // what the key may do
        _ = try reader.counted()  // the policy that authorizes the use of the key
        if try reader.u16() != Scheme.null.rawValue { _ = try reader.u32() }  // symmetric cipher: key size and mode
        let scheme = try reader.u16()
        if scheme != Scheme.null.rawValue { _ = try reader.u16() }  // its hash algorithm
        switch kind {
        case .rsa: subjectPublicKeyInfo = try Self.rsaKey(&reader)
        case .ecc: subjectPublicKeyInfo = try Self.eccKey(&reader)
        }
        try reader.requireEnd()
        self.bytes = bytes
        let usual: Scheme = kind == .rsa ? .rsassa : .ecdsa
        quoteScheme =
            scheme == Scheme.null.rawValue
            ? BigEndian.bytes(usual.rawValue) + BigEndian.bytes(TPM.bank) : BigEndian.bytes(Scheme.null.rawValue)
    }

    private static func rsaKey(_ reader: inout TPMAnswer) throws(TPMError) -> [UInt8] {
        let bits = Int(try reader.u16())
        let exponent = try reader.u32()
        let modulus = try reader.counted()
        guard modulus.count * 8 == bits, bits >= 1024 else {
            throw reader.malformed("the modulus has not \(bits) bits")
        }
        // The TPM writes its usual exponent as zero.
        let number = BigEndian.bytes(exponent == 0 ? 65537 : exponent)
        let key = DER.sequence(DER.integer(modulus) + DER.integer(number))
        return DER.sequence(DER.sequence(DER.rsaEncryption + [0x05, 0x00]) + DER.bitString(key))
    }

    private static func eccKey(_ reader: inout TPMAnswer) throws(TPMError) -> [UInt8] {
        let number = try reader.u16()
        if try reader.u16() != Scheme.null.rawValue { _ = try reader.u16() }  // key derivation: its hash algorithm
        let coordinates = [try reader.counted(), try reader.counted()]
        guard let (curve, size) = DER.curves[number] else { throw reader.malformed("the key is on curve \(number)") }
        guard coordinates.allSatisfy({ $0.count <= size }) else { throw reader.malformed("a coordinate is too long") }
        let point = coordinates.flatMap { [UInt8](repeating: 0, count: size - $0.count) + $0 }
        return DER.sequence(DER.sequence(DER.ecPublicKey + curve) + DER.bitString([4] + point))
    }
}

/// The little of ASN.1 that a public key needs (RFC 5280 section 4.1.2.7, RFC 3279 section 2.3, RFC 5480).
private enum DER {
    /// 1.2.840.113549.1.1.1
    static let rsaEncryption: [UInt8] = [0x06, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1]
    /// 1.2.840.10045.2.1
    static let ecPublicKey: [UInt8] = [0x06, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]
    /// P-256, P-384 and P-521 by the TCG's numbers, with the size of a coordinate in bytes.
    static let curves: [UInt16: (identifier: [UInt8], size: Int)] = [
        3: ([0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7], 32), 4: ([0x06, 5, 0x2B, 0x81, 4, 0, 0x22], 48),
        5: ([0x06, 5, 0x2B, 0x81, 4, 0, 0x23], 66),
    ]

    static func sequence(_ content: [UInt8]) -> [UInt8] { element(0x30, content) }
    static func bitString(_ content: [UInt8]) -> [UInt8] { element(0x03, [0] + content) }

    /// A number that is not negative, without leading zeros.
    static func integer(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        let isSigned = (digits.first ?? 0x80) & 0x80 != 0
        return element(0x02, (isSigned ? [0] : []) + digits)
    }

    private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        guard content.count >= 0x80 else { return [tag, UInt8(content.count)] + content }
        let size = Array(BigEndian.bytes(UInt32(truncatingIfNeeded: content.count)).drop { $0 == 0 })
        return [tag, 0x80 | UInt8(size.count)] + size + content
    }
}
