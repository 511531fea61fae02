import Crypto
import Encodings

/// The SHA-256 digest by which an image names a blob, written `sha256:` and 64 lowercase hex digits.
public struct BlobDigest: Sendable, Hashable, CustomStringConvertible {
    /// The 64 hex digits; safe as a file name.
    public let hex: String

    /// Reads `sha256:…`; other algorithms are refused.
    ///
    /// - Throws: `ImageEncryptionError` with `malformed` or `unsupported`.
    public init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw ImageEncryptionError(.malformed, "\"\(text)\" is no digest")
        }
        guard parts[0] == "sha256" else {
            throw ImageEncryptionError(.unsupported, "digest algorithm \(parts[0]) is not supported, only sha256")
        }
        // Whatever passes here becomes a path component.
        guard parts[1].utf8.count == 64, parts[1].utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else {
            throw ImageEncryptionError(.malformed, "\"\(text)\" is no SHA-256 digest")
        }
        hex = String(parts[1])
    }

    init(_ digest: SHA256.Digest) {
        hex = Hex.encode([UInt8](digest))
    }

    /// The digest of the given bytes.
    public init(of bytes: [UInt8]) {
        self.init(SHA256.hash(data: bytes))
    }

    /// `sha256:` and the hex digits.
    public var description: String { "sha256:\(hex)" }
}
