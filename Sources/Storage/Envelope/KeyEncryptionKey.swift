import Crypto
import Encodings

/// One key-encryption key: 32 secret bytes with a public name. Never used by itself, only through keys derived from it.
public struct KeyEncryptionKey: Sendable {
    /// The name that stands in every row encrypted under the key: 1 to 64 of the characters `A-Z a-z 0-9 . _ -`.
    public let id: String
    let secret: SecretBytes

    /// The number of secret bytes: 32.
    public static let length = 32

    /// A key from its name and its 32 bytes.
    ///
    /// - Throws: `invalid` for a malformed name or another length.
    public init(id: String, secret: SecretBytes) throws(StorageError) {
        guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy(Self.isNameByte) else {
            throw .invalid("a key-encryption key's name has 1 to 64 of the characters A-Z a-z 0-9 . _ -")
        }
        guard secret.count == Self.length else {
            throw .invalid("the key-encryption key \(id) does not have \(Self.length) bytes")
        }
        self.id = id
        self.secret = secret
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// A key for one context and one suffix, by the expand step of HKDF-SHA-256 (RFC 5869 section 2.3). The extract step is
    /// left out as section 3.3 allows: the secret is a random key already.
    ///
    /// A context tells its own length, so the suffix cannot be mistaken for a part of it.
    func derive(_ context: BoundContext, suffix: [UInt8]) -> SymmetricKey {
        secret.withUnsafeBytes { secret in
            HKDF<SHA256>.expand(
                pseudoRandomKey: secret, info: context.bytes + suffix, outputByteCount: Self.length)
        }
    }
}
