import Crypto
public import Encodings
import FoundationEssentials

extension SigningKey {
    /// Reads a private JWK: EC on P-256, P-384 or P-521 (RFC 7518 section 6.2), or OKP with Ed25519 (RFC 8037).
    ///
    /// The public members must be those of the private key. An `alg`, `use` or `key_ops` that means something else is refused.
    public init(privateJWK jwk: JSONObject) throws(JOSEError) {
        try jwk.requirePurpose(use: "sig", operations: ["sign"])
        var secret = try jwk.base64URL("d")
        defer { wipe(&secret) }
        let key = try SigningKey(Self.material(jwk, secret))
        if let stated = try jwk.optionalName("alg"), stated != key.algorithm.rawValue {
            throw .unsupportedAlgorithm("The JWK's `alg` does not suit its kind of key")
        }
        for (name, value) in key.verificationKey.jwk where jwk[name] != value {
            throw .invalidKey("The private JWK's `\(name)` is not the one of its private key")
        }
        self = key
    }

    private static func material(_ jwk: JSONObject, _ secret: [UInt8]) throws(JOSEError) -> Material {
        let invalid = JOSEError.invalidKey("The private key is not valid")
        switch try jwk.requiredName("kty") {
        case "EC":
            let curve = try EllipticCurve(of: jwk)
            guard secret.count == curve.coordinateSize else { throw invalid }
            return try replacingErrors(by: invalid) {
                switch curve {
                case .p256: .p256(try P256.Signing.PrivateKey(rawRepresentation: secret))
                case .p384: .p384(try P384.Signing.PrivateKey(rawRepresentation: secret))
                case .p521: .p521(try P521.Signing.PrivateKey(rawRepresentation: secret))
                }
            }
        case "OKP":
            guard try jwk.requiredName("crv") == "Ed25519", secret.count == 32 else { throw invalid }
            return try replacingErrors(by: invalid) {
                .ed25519(try Curve25519.Signing.PrivateKey(rawRepresentation: secret))
            }
        default: throw .unsupportedKey("Keys of this `kty` cannot sign here")
        }
    }

    /// The key as a private JWK: the members of ``publicJWK``, then `d`. The result is a secret.
    public func privateJWK() -> JSONObject {
        var secret: [UInt8] =
            switch material {
            case .p256(let key): Array(key.rawRepresentation)
            case .p384(let key): Array(key.rawRepresentation)
            case .p521(let key): Array(key.rawRepresentation)
            case .ed25519(let key): Array(key.rawRepresentation)
            }
        defer { wipe(&secret) }
        var jwk = publicJWK
        jwk["d"] = .string(Base64.encodeURL(secret))
        return jwk
    }
}
