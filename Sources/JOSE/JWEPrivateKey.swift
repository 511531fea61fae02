import Crypto
import CryptoExtras
import Encodings
import FoundationEssentials

/// A guest's private key, with which it opens what a broker sealed to it.
public struct JWEPrivateKey: Sendable {
    /// Kinds of keys that can be generated, named as in agent configurations.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// ECDH-ES+A256KW on P-256; what guests use unless told otherwise.
        case ecP256 = "ECDH-ES+A256KW-P256"
        /// ECDH-ES+A256KW on P-384.
        case ecP384 = "ECDH-ES+A256KW-P384"
        /// ECDH-ES+A256KW on P-521.
        case ecP521 = "ECDH-ES+A256KW-P521"
        /// RSA-OAEP-256 with 2048 bits.
        case rsa2048 = "RSA-OAEP-256"
        /// RSA-OAEP-256 with 3072 bits.
        case rsa3072 = "RSA-OAEP-256-3072"
        /// ML-KEM-768+A192KW.
        case mlKEM768 = "ML-KEM-768+A192KW"
    }

    enum Material: Sendable {
        case curve(AgreementPrivateKey)
        case rsa(_RSA.Signing.PrivateKey)
        case mlKEM(MLKEM768.PrivateKey)
    }

    let material: Material

    /// A fresh key.
    public static func generate(_ kind: Kind = .ecP256) throws(JOSEError) -> JWEPrivateKey {
        try replacingErrors(by: JOSEError(code: "invalid_key", message: "The key could not be generated")) {
            switch kind {
            case .ecP256: JWEPrivateKey(material: .curve(.generate(.p256)))
            case .ecP384: JWEPrivateKey(material: .curve(.generate(.p384)))
            case .ecP521: JWEPrivateKey(material: .curve(.generate(.p521)))
            case .rsa2048: JWEPrivateKey(material: .rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048)))
            case .rsa3072: JWEPrivateKey(material: .rsa(try _RSA.Signing.PrivateKey(keySize: .bits3072)))
            case .mlKEM768: JWEPrivateKey(material: .mlKEM(try MLKEM768.PrivateKey.generate()))
            }
        }
    }

    private init(material: Material) { self.material = material }

    /// Reads an unencrypted key in PEM: PKCS #8 or SEC 1 for EC, PKCS #8 or PKCS #1 for RSA.
    public init(pem: String) throws(JOSEError) {
        var block = try PEMDocument.block(in: pem, labelled: ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"])
        defer { wipe(&block.der) }
        if let key = AgreementPrivateKey(der: block.der) {
            material = .curve(key)
        } else if let key = try? _RSA.Signing.PrivateKey(derRepresentation: block.der), key.keySizeInBits % 8 == 0 {
            material = .rsa(key)
        } else {
            throw .unsupportedKey("The PEM text holds no EC key on a NIST curve and no RSA key of 2048 bits or more")
        }
    }

    /// An ML-KEM-768 key from its seed `d ‖ z` of 64 bytes (FIPS 203).
    public init(mlKEM768Seed seed: SecretBytes) throws(JOSEError) {
        let key = try replacingErrors(by: .invalidKey("The ML-KEM-768 seed must have 64 bytes")) {
            try seed.withUnsafeBytes { try MLKEM768.PrivateKey(seedRepresentation: $0, publicKey: nil) }
        }
        material = .mlKEM(key)
    }

    /// The key in PEM, as guests hand it on: PKCS #8 for curves, PKCS #1 for RSA. The result is a secret. ML-KEM keys are
    /// refused with code `unsupported_key`.
    public func pemRepresentation() throws(JOSEError) -> String {
        switch material {
        case .curve(let key): return key.pem
        case .rsa(let key): return key.pemRepresentation
        case .mlKEM: throw .unsupportedKey("ML-KEM keys have no PEM form here")
        }
    }

    /// The public key as a JWK, members in the order in which guests send them: `kty`, `crv`, `alg`, `x`, `y`;
    /// `kty`, `alg`, `n`, `e`; or `kty`, `alg`, `pub`.
    public var publicJWK: JSONObject {
        let alg = JSONValue.string(algorithm.rawValue)
        switch material {
        case .curve(let key):
            let curve = key.publicKey.curve
            let (x, y) = curve.coordinates(of: key.publicKey.point)
            return ["kty": "EC", "crv": .string(curve.rawValue), "alg": alg, "x": x, "y": y]
        case .rsa(let key):
            guard let numbers = try? key.publicKey.getKeyPrimitives() else { return ["kty": "RSA", "alg": alg] }
            return [
                "kty": "RSA", "alg": alg, "n": .string(Base64.encodeURL(Array(numbers.modulus))),
                "e": .string(Base64.encodeURL(Array(numbers.publicExponent))),
            ]
        case .mlKEM(let key):
            let bytes = Array(key.publicKey.rawRepresentation)
            return ["kty": "AKP", "alg": alg, "pub": .string(Base64.encodeURL(bytes))]
        }
    }

    /// The algorithm that the public key announces.
    public var algorithm: KeyManagementAlgorithm {
        switch material {
        case .curve: .ecdhESA256KW
        case .rsa: .rsaOAEP256
        case .mlKEM: .mlKEM768A192KW
        }
    }
}

extension JWEPrivateKey: CustomStringConvertible, CustomReflectable {
    /// Names the algorithm and nothing of the key.
    public var description: String { "<private key for \(algorithm.rawValue)>" }
    /// A mirror without children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
