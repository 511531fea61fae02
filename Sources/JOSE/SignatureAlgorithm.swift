/// Signature algorithms that are accepted (RFC 7518 section 3, RFC 8037). There is no `none` and nothing with a shared
/// secret, so neither can be asked for.
public enum SignatureAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
    /// ECDSA on P-384 with SHA-384.
    case es384 = "ES384"
    /// ECDSA on P-521 with SHA-512.
    case es512 = "ES512"
    /// Ed25519.
    case edDSA = "EdDSA"
    /// RSA PKCS #1 v1.5 with SHA-256.
    case rs256 = "RS256"
    /// RSA PKCS #1 v1.5 with SHA-384.
    case rs384 = "RS384"
    /// RSA PKCS #1 v1.5 with SHA-512.
    case rs512 = "RS512"
    /// RSA-PSS with SHA-256 and a salt of 32 bytes.
    case ps256 = "PS256"
    /// RSA-PSS with SHA-384 and a salt of 48 bytes.
    case ps384 = "PS384"
    /// RSA-PSS with SHA-512 and a salt of 64 bytes.
    case ps512 = "PS512"

    static let rsaPKCS1: Set<SignatureAlgorithm> = [.rs256, .rs384, .rs512]
    static let rsaPSS: Set<SignatureAlgorithm> = [.ps256, .ps384, .ps512]
}
