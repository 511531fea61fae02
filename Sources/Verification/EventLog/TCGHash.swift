import Crypto
import X509Trust

/// A hash algorithm by its number in the TCG Algorithm Registry, as event logs and TPM structures name it.
public enum TCGHash: UInt16, Sendable, Hashable, CaseIterable {
    /// SHA-1: read, so that what surrounds it can be, and never relied upon.
    case sha1 = 0x0004
    /// SHA-256.
    case sha256 = 0x000B
    /// SHA-384.
    case sha384 = 0x000C
    /// SHA-512.
    case sha512 = 0x000D
    /// SM3 with 256 bits (GB/T 32905).
    case sm3 = 0x0012

    /// The size of a digest in bytes.
    public var digestSize: Int {
        switch self {
        case .sha1: 20
        case .sha256, .sm3: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The name in claims, such as `SHA-384`.
    public var name: String {
        switch self {
        case .sha1: "SHA-1"
        case .sha256: "SHA-256"
        case .sha384: "SHA-384"
        case .sha512: "SHA-512"
        case .sm3: "SM3"
        }
    }

    /// The digest of `bytes`; `nil` for SHA-1, with which nothing can be proved, and for SM3 where OpenSSL lacks it.
    public func digest(of bytes: [UInt8]) -> [UInt8]? {
        switch self {
        case .sha1: nil
        case .sha256: Array(SHA256.hash(data: bytes))
        case .sha384: Array(SHA384.hash(data: bytes))
        case .sha512: Array(SHA512.hash(data: bytes))
        case .sm3: try? DigestAlgorithm.sm3.hash(bytes)
        }
    }
}
