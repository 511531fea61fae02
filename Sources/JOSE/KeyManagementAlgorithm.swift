/// How a JWE's content key reaches its recipient (RFC 7518 section 4, draft-ietf-jose-pqc-kem).
public enum KeyManagementAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// Elliptic-curve Diffie-Hellman with an ephemeral key, then AES-256 key wrap.
    case ecdhESA256KW = "ECDH-ES+A256KW"
    /// RSA with OAEP padding, SHA-256 for both hash and mask.
    case rsaOAEP256 = "RSA-OAEP-256"
    /// RSA with PKCS #1 v1.5 padding; only for guests that speak nothing newer.
    case rsa15 = "RSA1_5"
    /// ML-KEM-768, then AES-192 key wrap.
    case mlKEM768A192KW = "ML-KEM-768+A192KW"
}

extension Set<KeyManagementAlgorithm> {
    /// All algorithms but the weak RSA1_5.
    public static let standard: Self = [.ecdhESA256KW, .rsaOAEP256, .mlKEM768A192KW]
}
