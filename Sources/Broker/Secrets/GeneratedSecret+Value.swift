import Crypto
import CryptoExtras
import Encodings
import Policy

extension GeneratedSecret {
    /// A fresh value.
    ///
    /// - Throws: `internalFailure` when the system cannot make a key.
    func makeValue() throws(BrokerError) -> SecretBytes {
        switch kind {
        case .random: return .random(count: Int(length))
        case .aes256: return .random(count: 32)
        case .ed25519: return Self.secret(Self.ed25519PEM())
        case .p256: return Self.secret(P256.Signing.PrivateKey().pemRepresentation)
        case .rsa3072:
            do {
                return Self.secret(try _RSA.Signing.PrivateKey(keySize: .bits3072).pkcs8PEMRepresentation)
            } catch {
                throw .internalFailure("key_generation_failed", "A key could not be made")
            }
        }
    }

    /// RFC 8410 section 7: the seed in an OCTET STRING behind a header that is always the same.
    private static func ed25519PEM() -> String {
        let header: [UInt8] = [
            0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
        ]
        var der = header + Array(Curve25519.Signing.PrivateKey().rawRepresentation)
        defer { wipe(&der) }
        return "-----BEGIN PRIVATE KEY-----\n\(Base64.encode(der))\n-----END PRIVATE KEY-----"
    }

    private static func secret(_ pem: String) -> SecretBytes {
        var bytes = Array((pem + "\n").utf8)
        return SecretBytes(wiping: &bytes)
    }
}
