import Crypto
import CryptoExtras
import Encodings
import RATS

/// The keys of a session and how they are derived and used (Secure Encrypted Virtualization API, section 2.2).
package enum SEVKeys {
    /// What is agreed of a session before its own keys are wrapped.
    package struct Agreed: Sendable, Hashable {
        package let master: [UInt8]
        /// Encrypts the session's keys (KEK).
        package let encryption: [UInt8]
        /// Authenticates the session's keys (KIK).
        package let integrity: [UInt8]

        /// The keys of an agreed x-coordinate (big-endian) and the session's nonce.
        package init(secret: [UInt8], nonce: [UInt8]) {
            master = SEVKeys.derive(secret, "sev-master-secret", nonce)
            encryption = SEVKeys.derive(master, "sev-kek")
            integrity = SEVKeys.derive(master, "sev-kik")
        }
    }

    /// 16 bytes by the key derivation of SP 800-108 in counter mode with HMAC-SHA256, of which one block is enough.
    private static func derive(_ key: [UInt8], _ label: String, _ context: [UInt8] = []) -> [UInt8] {
        let message =
            SEVNumbers.littleEndian(UInt32(1)) + Array(label.utf8) + [0] + context
            + SEVNumbers.littleEndian(UInt32(128))
        return Array(code(message, key: key).prefix(16))
    }

    /// HMAC with SHA-256.
    package static func code(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key)))
    }

    /// The same with a key that is kept wiped.
    static func code(_ message: [UInt8], key: SecretBytes) -> [UInt8] {
        key.withUnsafeBytes { bytes in
            Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: bytes)))
        }
    }

    /// AES-128 in counter mode, the same both ways; the vector is the first counter block.
    package static func counterMode(_ input: [UInt8], key: [UInt8], vector: [UInt8]) throws -> [UInt8] {
        let nonce = try AES._CTR.Nonce(nonceBytes: vector)
        return Array(try AES._CTR.encrypt(input, using: SymmetricKey(data: key), nonce: nonce))
    }

    static func random(_ bytes: Int) -> [UInt8] { SecretBytes.random(count: bytes).copyBytes() }
}
