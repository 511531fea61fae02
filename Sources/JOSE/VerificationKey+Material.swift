import Crypto
import CryptoExtras
import Encodings
import FoundationEssentials

extension VerificationKey.Material {
    init(jwk: JSONObject) throws(JOSEError) {
        switch try jwk.requiredName("kty") {
        case "EC": self = try Self.elliptic(jwk)
        case "OKP": self = try Self.edwards(jwk)
        case "RSA":
            let numbers = try RSANumbers(jwk: jwk)
            self = try replacingErrors(by: .invalidKey("The RSA key is not valid")) {
                .rsa(try _RSA.Signing.PublicKey(n: numbers.modulus, e: numbers.exponent))
            }
        default: throw .unsupportedKey("Keys of this `kty` cannot verify signatures here")
        }
    }

    init(der: [UInt8]) throws(JOSEError) {
        if let bytes = Ed25519DER.publicKey(subjectPublicKeyInfo: der),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        {
            self = .ed25519(key)
        } else if let key = try? P256.Signing.PublicKey(derRepresentation: der) {
            self = .p256(key)
        } else if let key = try? P384.Signing.PublicKey(derRepresentation: der) {
            self = .p384(key)
        } else if let key = try? P521.Signing.PublicKey(derRepresentation: der) {
            self = .p521(key)
        } else if let key = try? _RSA.Signing.PublicKey(derRepresentation: der),
            RSANumbers.modulusBits.contains(key.keySizeInBits)
        {
            self = .rsa(key)
        } else {
            throw .unsupportedKey(
                "The key is none of EC on a NIST curve, Ed25519, and RSA of 2048 to 8192 bits, or it is damaged")
        }
    }

    /// Keys whose SubjectPublicKeyInfo names RSASSA-PSS verify nothing else (RFC 4055 section 1.2).
    static func restriction(in der: [UInt8]) -> Set<SignatureAlgorithm>? {
        let identifier: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A]
        let head = der.prefix(32)
        let names = head.indices.contains { head[$0...].starts(with: identifier) }
        return names ? SignatureAlgorithm.rsaPSS : nil
    }

    private static func elliptic(_ jwk: JSONObject) throws(JOSEError) -> Self {
        let curve = try EllipticCurve(of: jwk)
        let point = try curve.point(of: jwk)
        return try replacingErrors(by: .invalidKey("The key's point does not lie on \(curve.rawValue)")) {
            switch curve {
            case .p256: .p256(try P256.Signing.PublicKey(x963Representation: point))
            case .p384: .p384(try P384.Signing.PublicKey(x963Representation: point))
            case .p521: .p521(try P521.Signing.PublicKey(x963Representation: point))
            }
        }
    }

    private static func edwards(_ jwk: JSONObject) throws(JOSEError) -> Self {
        guard try jwk.requiredName("crv") == "Ed25519" else {
            throw .unsupportedKey("Of the OKP curves only Ed25519 verifies signatures here")
        }
        let bytes = try jwk.base64URL("x")
        guard bytes.count == 32 else { throw .invalidKey("An Ed25519 key must have exactly 32 bytes") }
        return try replacingErrors(by: .invalidKey("The Ed25519 key is not valid")) {
            .ed25519(try Curve25519.Signing.PublicKey(rawRepresentation: bytes))
        }
    }

    var algorithms: Set<SignatureAlgorithm> {
        switch self {
        case .p256: [.es256]
        case .p384: [.es384]
        case .p521: [.es512]
        case .ed25519: [.edDSA]
        case .rsa: SignatureAlgorithm.rsaPKCS1.union(SignatureAlgorithm.rsaPSS)
        }
    }

    var subjectPublicKeyInfo: [UInt8] {
        switch self {
        case .p256(let key): Array(key.derRepresentation)
        case .p384(let key): Array(key.derRepresentation)
        case .p521(let key): Array(key.derRepresentation)
        case .ed25519(let key): Ed25519DER.subjectPublicKeyInfo(Array(key.rawRepresentation))
        case .rsa(let key): Array(key.derRepresentation)
        }
    }

    var jwk: JSONObject {
        switch self {
        case .p256(let key): return Self.jwk(.p256, Array(key.x963Representation))
        case .p384(let key): return Self.jwk(.p384, Array(key.x963Representation))
        case .p521(let key): return Self.jwk(.p521, Array(key.x963Representation))
        case .ed25519(let key):
            return ["kty": "OKP", "crv": "Ed25519", "x": .string(Base64.encodeURL(Array(key.rawRepresentation)))]
        case .rsa(let key):
            guard let numbers = try? key.getKeyPrimitives() else { return ["kty": "RSA"] }
            return [
                "kty": "RSA", "n": .string(Base64.encodeURL(Array(numbers.modulus))),
                "e": .string(Base64.encodeURL(Array(numbers.publicExponent))),
            ]
        }
    }

    private static func jwk(_ curve: EllipticCurve, _ point: [UInt8]) -> JSONObject {
        let (x, y) = curve.coordinates(of: point)
        return ["kty": "EC", "crv": .string(curve.rawValue), "x": x, "y": y]
    }

    func isValid(_ signature: [UInt8], for bytes: [UInt8], algorithm: SignatureAlgorithm) -> Bool {
        switch (self, algorithm) {
        case (.p256(let key), .es256):
            (try? P256.Signing.ECDSASignature(rawRepresentation: signature))
                .map { key.isValidSignature($0, for: bytes) } ?? false
        case (.p384(let key), .es384):
            (try? P384.Signing.ECDSASignature(rawRepresentation: signature))
                .map { key.isValidSignature($0, for: bytes) } ?? false
        case (.p521(let key), .es512):
            (try? P521.Signing.ECDSASignature(rawRepresentation: signature))
                .map { key.isValidSignature($0, for: bytes) } ?? false
        case (.ed25519(let key), .edDSA): key.isValidSignature(signature, for: bytes)
        case (.rsa(let key), _): Self.isValid(signature, for: bytes, algorithm: algorithm, key: key)
        default: false
        }
    }

    private static func isValid(
        _ signature: [UInt8], for bytes: [UInt8], algorithm: SignatureAlgorithm, key: _RSA.Signing.PublicKey
    ) -> Bool {
        let padding: _RSA.Signing.Padding
        if SignatureAlgorithm.rsaPSS.contains(algorithm) {
            padding = .PSS
        } else if SignatureAlgorithm.rsaPKCS1.contains(algorithm) {
            padding = .insecurePKCS1v1_5
        } else {
            return false
        }
        let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
        return switch algorithm {
        case .rs256, .ps256: key.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: padding)
        case .rs384, .ps384: key.isValidSignature(signature, for: SHA384.hash(data: bytes), padding: padding)
        case .rs512, .ps512: key.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: padding)
        default: false
        }
    }
}
