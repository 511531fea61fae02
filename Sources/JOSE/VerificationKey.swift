import Crypto
import CryptoExtras
import Encodings
import FoundationEssentials

/// A public key that signatures are checked with, tied to the algorithms that it may be used for.
public struct VerificationKey: Sendable {
    enum Material: Sendable {
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
        case rsa(_RSA.Signing.PublicKey)
    }

    /// What this key may verify: the JWK's `alg` if it has one, else everything that suits the kind of key.
    public let algorithms: Set<SignatureAlgorithm>
    /// The JWK's `kid`, if any.
    public let keyID: String?
    /// The key as DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
    public let subjectPublicKeyInfoDER: [UInt8]
    /// The RFC 7638 thumbprint: SHA-256, base64url.
    public let thumbprint: String
    let material: Material

    init(material: Material, algorithms: Set<SignatureAlgorithm>? = nil, keyID: String? = nil) throws(JOSEError) {
        self.material = material
        self.algorithms = algorithms ?? material.algorithms
        self.keyID = keyID
        subjectPublicKeyInfoDER = material.subjectPublicKeyInfo
        thumbprint = try JWKThumbprint.sha256(of: material.jwk)
    }

    /// Reads a public JWK: EC on P-256, P-384 or P-521, OKP with Ed25519, or RSA of 2048 to 8192 bits.
    ///
    /// A key that announces another purpose (`use`, `key_ops`), an `alg` that is no supported signature algorithm or does
    /// not suit it, or private members, is refused. Certificates in the JWK are not looked at.
    public init(jwk: JSONObject) throws(JOSEError) {
        try jwk.requirePurpose(use: "sig", operations: ["verify"])
        try jwk.requirePublic()
        let material = try Material(jwk: jwk)
        var algorithms: Set<SignatureAlgorithm>?
        if let name = try jwk.optionalName("alg") {
            guard let algorithm = SignatureAlgorithm(rawValue: name), material.algorithms.contains(algorithm) else {
                throw .unsupportedAlgorithm("The JWK's `alg` is no supported signature algorithm for its kind of key")
            }
            algorithms = [algorithm]
        }
        try self.init(material: material, algorithms: algorithms, keyID: try jwk.optionalString("kid"))
    }

    /// Reads one public key in PEM: SubjectPublicKeyInfo, or PKCS #1 for RSA.
    public init(pem: String) throws(JOSEError) {
        let block = try PEMDocument.block(in: pem, labelled: ["PUBLIC KEY", "RSA PUBLIC KEY"])
        try self.init(subjectPublicKeyInfo: block.der)
    }

    /// Reads a DER SubjectPublicKeyInfo, as certificates carry it.
    public init(subjectPublicKeyInfo der: [UInt8]) throws(JOSEError) {
        let material = try Material(der: der)
        try self.init(material: material, algorithms: Material.restriction(in: der))
    }

    /// The public key as a JWK without `alg` and `kid`: `kty`, `crv`, `x`, `y`; `kty`, `crv`, `x`; or `kty`, `n`, `e`.
    public var jwk: JSONObject { material.jwk }

    /// Whether the signature (raw r‖s for ECDSA, RFC 7518 section 3.4) fits the bytes, with an algorithm that this key may
    /// be used for.
    public func isValid(signature: [UInt8], for bytes: [UInt8], algorithm: SignatureAlgorithm) -> Bool {
        algorithms.contains(algorithm) && material.isValid(signature, for: bytes, algorithm: algorithm)
    }
}

extension VerificationKey: Hashable {
    /// Keys are equal when the public key, its identifier and its algorithms are.
    public static func == (left: VerificationKey, right: VerificationKey) -> Bool {
        left.subjectPublicKeyInfoDER == right.subjectPublicKeyInfoDER && left.keyID == right.keyID
            && left.algorithms == right.algorithms
    }

    /// Hashes consistently with `==`.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(subjectPublicKeyInfoDER)
        hasher.combine(keyID)
        hasher.combine(algorithms)
    }
}
