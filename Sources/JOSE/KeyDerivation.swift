import Crypto
import Encodings
import FoundationEssentials

/// Derivation of key-encryption keys from shared secrets.
enum KeyDerivation {
    /// The Concat KDF with SHA-256 for a key of 256 bits (RFC 7518 section 4.6.2, one round of NIST SP 800-56A).
    static func concatKDF(
        _ sharedSecret: SharedSecret, algorithm: KeyManagementAlgorithm, partyU: [UInt8] = [], partyV: [UInt8] = []
    ) -> SymmetricKey {
        var hash = SHA256()
        hash.update(data: bigEndian(1))
        sharedSecret.withUnsafeBytes { hash.update(bufferPointer: $0) }
        hash.update(data: otherInfo(algorithm: algorithm, partyU: partyU, partyV: partyV))
        return SymmetricKey(data: hash.finalize())
    }

    static func otherInfo(algorithm: KeyManagementAlgorithm, partyU: [UInt8], partyV: [UInt8]) -> [UInt8] {
        let name = Array(algorithm.rawValue.utf8)
        return prefixed(name) + prefixed(partyU) + prefixed(partyV) + bigEndian(256)
    }

    /// The key-wrapping key of 192 bits for ML-KEM-768+A192KW (draft-ietf-jose-pqc-kem-05).
    static func kemKey(_ sharedSecret: SymmetricKey) -> SymmetricKey {
        let secret = sharedSecret.withUnsafeBytes { SecretBytes(copying: $0) }
        let context = prefixed(Array(KeyManagementAlgorithm.mlKEM768A192KW.rawValue.utf8)) + bigEndian(192)
        let code = KMAC256.code(key: secret, data: context, outputBytes: 24)
        return code.withUnsafeBytes { SymmetricKey(data: $0) }
    }

    private static func prefixed(_ bytes: [UInt8]) -> [UInt8] { bigEndian(bytes.count) + bytes }

    private static func bigEndian(_ number: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
