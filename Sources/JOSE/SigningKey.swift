import Crypto
import Encodings
import FoundationEssentials

/// A private key that signs with one algorithm.
public struct SigningKey: Sendable {
    enum Material: Sendable {
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case p521(P521.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
    }

    let material: Material
    /// The public half.
    public let verificationKey: VerificationKey

    /// The algorithm that this key signs with.
    public var algorithm: SignatureAlgorithm {
        switch material {
        case .p256: .es256
        case .p384: .es384
        case .p521: .es512
        case .ed25519: .edDSA
        }
    }

    /// A fresh key for ES256, ES384, ES512 or EdDSA; RSA keys are refused with code `unsupported_algorithm`, they cost the
    /// broker too much per token.
    public static func generate(_ algorithm: SignatureAlgorithm) throws(JOSEError) -> SigningKey {
        switch algorithm {
        case .es256: try SigningKey(.p256(P256.Signing.PrivateKey()))
        case .es384: try SigningKey(.p384(P384.Signing.PrivateKey()))
        case .es512: try SigningKey(.p521(P521.Signing.PrivateKey()))
        case .edDSA: try SigningKey(.ed25519(Curve25519.Signing.PrivateKey()))
        default: throw .unsupportedAlgorithm("Keys for \(algorithm.rawValue) are not generated here")
        }
    }

    /// Reads an unencrypted key in PEM: EC on P-256, P-384 or P-521 in PKCS #8 or SEC 1, Ed25519 in PKCS #8.
    public init(pem: String) throws(JOSEError) {
        var block = try PEMDocument.block(in: pem, labelled: ["PRIVATE KEY", "EC PRIVATE KEY"])
        defer { wipe(&block.der) }
        try self.init(Self.material(der: block.der))
    }

    init(_ material: Material) throws(JOSEError) {
        self.material = material
        verificationKey =
            switch material {
            case .p256(let key): try VerificationKey(material: .p256(key.publicKey))
            case .p384(let key): try VerificationKey(material: .p384(key.publicKey))
            case .p521(let key): try VerificationKey(material: .p521(key.publicKey))
            case .ed25519(let key): try VerificationKey(material: .ed25519(key.publicKey))
            }
    }

    private static func material(der: [UInt8]) throws(JOSEError) -> Material {
        if let parts = Ed25519DER.seed(pkcs8: der) {
            var seed = parts.seed
            defer { wipe(&seed) }
            guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
                parts.publicKey == nil || parts.publicKey == Array(key.publicKey.rawRepresentation)
            else { throw .invalidKey("The Ed25519 key contradicts itself") }
            return .ed25519(key)
        }
        if let key = try? P256.Signing.PrivateKey(derRepresentation: der) { return .p256(key) }
        if let key = try? P384.Signing.PrivateKey(derRepresentation: der) { return .p384(key) }
        if let key = try? P521.Signing.PrivateKey(derRepresentation: der) { return .p521(key) }
        throw .unsupportedKey("The PEM text holds no EC key on a NIST curve and no Ed25519 key")
    }

    /// The key in PEM (PKCS #8). The result is a secret.
    public func pemRepresentation() throws(JOSEError) -> String {
        switch material {
        case .p256(let key): return key.pemRepresentation
        case .p384(let key): return key.pemRepresentation
        case .p521(let key): return key.pemRepresentation
        case .ed25519(let key):
            var seed = Array(key.rawRepresentation)
            var der = Ed25519DER.pkcs8(seed: seed)
            defer {
                wipe(&seed)
                wipe(&der)
            }
            return PEMDocument.text(label: "PRIVATE KEY", der: der)
        }
    }

    /// The public key as a JWK, members in the order `alg`, `kty`, `crv`, `x`, `y`.
    public var publicJWK: JSONObject {
        var jwk: JSONObject = ["alg": .string(algorithm.rawValue)]
        for (name, value) in verificationKey.jwk { jwk[name] = value }
        return jwk
    }

    /// The public key in PEM (SubjectPublicKeyInfo).
    public var publicPEM: String {
        PEMDocument.text(label: "PUBLIC KEY", der: verificationKey.subjectPublicKeyInfoDER)
    }

    /// Signs bytes: raw r‖s for ECDSA (RFC 7518 section 3.4), 64 bytes for Ed25519.
    public func sign(_ bytes: [UInt8]) throws(JOSEError) -> [UInt8] {
        try replacingErrors(by: JOSEError(code: "signing_failed", message: "The bytes could not be signed")) {
            switch material {
            case .p256(let key): Array(try key.signature(for: bytes).rawRepresentation)
            case .p384(let key): Array(try key.signature(for: bytes).rawRepresentation)
            case .p521(let key): Array(try key.signature(for: bytes).rawRepresentation)
            case .ed25519(let key): Array(try key.signature(for: bytes))
            }
        }
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    /// Names the algorithm and nothing of the key.
    public var description: String { "<\(algorithm.rawValue) signing key>" }
    /// A mirror without children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
