/// Signature algorithms of COSE that are accepted (RFC 9053 section 2.1, RFC 8812 section 2).
public enum COSEAlgorithm: Int64, Sendable, Hashable, CaseIterable {
    /// ECDSA with SHA-256; only with keys on P-256.
    case es256 = -7
    /// ECDSA with SHA-384; only with keys on P-384.
    case es384 = -35
    /// ECDSA with SHA-512; only with keys on P-521.
    case es512 = -36
    /// RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    case ps384 = -38

    /// How long a signature is; `nil` where the key tells.
    public var signatureByteCount: Int? {
        switch self {
        case .es256: 64
        case .es384: 96
        case .es512: 132
        case .ps384: nil
        }
    }
}
