import COpenSSL

/// A public key that verifies signatures.
///
/// Only what X.509 keys of attestation use is supported; a key of another kind can be read, and verifies nothing.
public struct PublicKey: Sendable, Hashable {
    /// A curve of FIPS 186-5.
    public enum Curve: String, Sendable, Hashable, CaseIterable {
        /// NIST P-256, secp256r1.
        case p256
        /// NIST P-384, secp384r1.
        case p384
        /// NIST P-521, secp521r1.
        case p521

        /// How many bytes a coordinate has, and likewise each half of a raw signature.
        public var coordinateByteCount: Int {
            switch self {
            case .p256: 32
            case .p384: 48
            case .p521: 66
            }
        }

        var openSSLName: String {
            switch self {
            case .p256: "P-256"
            case .p384: "P-384"
            case .p521: "P-521"
            }
        }
    }

    /// What a key is.
    public enum Kind: Sendable, Hashable {
        /// RSA with a modulus of so many bits; the exponent is `nil` beyond 64 bits.
        case rsa(bits: Int, exponent: UInt64?)
        /// A point of a named curve, uncompressed.
        case ec(Curve)
        /// A point of the curve of SM2 (GB/T 32918.5), uncompressed.
        case sm2
        /// Any other key, such as one on an unnamed curve.
        case other
    }

    /// The key as SubjectPublicKeyInfo, DER (RFC 5280 section 4.1).
    public let spki: [UInt8]
    /// What the key is.
    public let kind: Kind

    /// Reads a SubjectPublicKeyInfo, all of the bytes.
    ///
    /// Throws `malformed_key`, also for a point that is not on its curve.
    public init(spki: [UInt8]) throws(X509Error) {
        defer { ERR_clear_error() }
        guard spki.count <= Self.maximumBytes, let key = DER.publicKey(spki) else { throw .malformedKey }
        defer { EVP_PKEY_free(key) }
        self.spki = spki
        kind = try Self.kind(of: key, spki)
    }

    /// An RSA key from its modulus and exponent, both big-endian.
    ///
    /// Throws `malformed_key`.
    public static func rsa(modulus: [UInt8], exponent: [UInt8]) throws(X509Error) -> PublicKey {
        let key = DER.sequence(DER.integer(modulus) + DER.integer(exponent))
        return try PublicKey(spki: DER.sequence(rsaAlgorithm + DER.element(0x03, [0] + key)))
    }

    /// A point of a curve: 4, x and y (ANSI X9.63, uncompressed).
    ///
    /// Throws `malformed_key`.
    public static func ec(_ curve: Curve, x963: [UInt8]) throws(X509Error) -> PublicKey {
        try PublicKey(spki: prefix(of: curve) + x963)
    }

    /// A point of the curve of SM2: 4, x and y, 65 bytes.
    ///
    /// Throws `malformed_key`.
    public static func sm2(x963: [UInt8]) throws(X509Error) -> PublicKey {
        try PublicKey(spki: sm2Prefix + x963)
    }

    /// The point of an EC or SM2 key: 4, x and y (ANSI X9.63, uncompressed).
    public var x963: [UInt8]? {
        switch kind {
        case .ec(let curve): Array(spki.dropFirst(Self.prefix(of: curve).count))
        case .sm2: Array(spki.dropFirst(Self.sm2Prefix.count))
        case .rsa, .other: nil
        }
    }

    /// Two keys are equal when their bytes are.
    public static func == (left: PublicKey, right: PublicKey) -> Bool { left.spki == right.spki }

    /// Hashes the key's bytes.
    public func hash(into hasher: inout Hasher) { hasher.combine(spki) }

    /// An RSA key of 16384 bits has some 2100 bytes.
    private static let maximumBytes = 4096

    private static func kind(of key: OpaquePointer, _ spki: [UInt8]) throws(X509Error) -> Kind {
        if EVP_PKEY_is_a(key, "RSA") == 1 {
            return .rsa(bits: Int(EVP_PKEY_get_bits(key)), exponent: try rsaExponent(key))
        }
        // A point counts only behind the exact bytes that name its curve: parameters spelled out could be others.
        for curve in Curve.allCases {
            let prefix = prefix(of: curve)
            if spki.starts(with: prefix + [4]), spki.count == prefix.count + 1 + 2 * curve.coordinateByteCount {
                return .ec(curve)
            }
        }
        return spki.starts(with: sm2Prefix + [4]) && spki.count == sm2Prefix.count + 65 ? .sm2 : .other
    }

    private static func rsaExponent(_ key: OpaquePointer) throws(X509Error) -> UInt64? {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(key, "e", &number) == 1, let number else { throw .malformedKey }
        defer { BN_free(number) }
        guard BN_num_bits(number) <= 64 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 8)
        guard BN_bn2binpad(number, &bytes, 8) == 8 else { throw .malformedKey }
        return bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// rsaEncryption with its NULL (RFC 3279 section 2.3.1).
    private static let rsaAlgorithm: [UInt8] = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ]

    /// What precedes an uncompressed point in its SubjectPublicKeyInfo (RFC 5480 section 2).
    private static func prefix(of curve: Curve) -> [UInt8] {
        switch curve {
        case .p256:
            [
                0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
                0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
            ]
        case .p384:
            [
                0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
                0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
            ]
        case .p521:
            [
                0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
            ]
        }
    }

    private static let sm2Prefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81, 0x1c,
        0xcf, 0x55, 0x01, 0x82, 0x2d, 0x03, 0x42, 0x00,
    ]
}
