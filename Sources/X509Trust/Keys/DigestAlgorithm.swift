import COpenSSL

/// A hash function that signatures may use. SHA-1 and MD5 are none.
public enum DigestAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// SHA-256 (FIPS 180-4), 32 bytes.
    case sha256
    /// SHA-384 (FIPS 180-4), 48 bytes.
    case sha384
    /// SHA-512 (FIPS 180-4), 64 bytes.
    case sha512
    /// SM3 (GB/T 32905-2016), 32 bytes.
    case sm3

    /// How many bytes a digest has.
    public var byteCount: Int {
        switch self {
        case .sha256, .sm3: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The digest of some bytes.
    ///
    /// Throws `openssl_failure`, which an OpenSSL that was built without the function gives.
    public func hash(_ bytes: [UInt8]) throws(X509Error) -> [UInt8] {
        defer { ERR_clear_error() }
        var digest = [UInt8](repeating: 0, count: byteCount)
        var written: UInt32 = 0
        let done = digest.withUnsafeMutableBufferPointer { out in
            EVP_Digest(bytes, bytes.count, out.baseAddress, &written, function, nil)
        }
        guard done == 1, Int(written) == byteCount else { throw .failed("make a digest with \(rawValue)") }
        return digest
    }

    /// The function as OpenSSL knows it, which lives as long as the process.
    var function: OpaquePointer? {
        switch self {
        case .sha256: EVP_sha256()
        case .sha384: EVP_sha384()
        case .sha512: EVP_sha512()
        case .sm3: EVP_sm3()
        }
    }

    init?(identifier: Int32) {
        switch identifier {
        case NID_sha256: self = .sha256
        case NID_sha384: self = .sha384
        case NID_sha512: self = .sha512
        case NID_sm3: self = .sm3
        default: return nil
        }
    }
}
