import Crypto

/// A hash algorithm that guests can bind evidence and init-data with.
public enum HashAlgorithm: String, Sendable, CaseIterable, Hashable {
    /// SHA-256 (FIPS 180-4), 32 bytes.
    case sha256
    /// SHA-384 (FIPS 180-4), 48 bytes; the default everywhere.
    case sha384
    /// SHA-512 (FIPS 180-4), 64 bytes.
    case sha512
    /// SM3 (GB/T 32905-2016), 32 bytes.
    case sm3

    /// The digest of `bytes`.
    public func digest(of bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .sha256: Array(SHA256.hash(data: bytes))
        case .sha384: Array(SHA384.hash(data: bytes))
        case .sha512: Array(SHA512.hash(data: bytes))
        case .sm3: SM3.digest(of: bytes)
        }
    }
}
