import Crypto
import Encodings
import FoundationEssentials

/// A public key for Diffie-Hellman on one of the NIST curves.
enum AgreementPublicKey: Sendable {
    case p256(P256.KeyAgreement.PublicKey)
    case p384(P384.KeyAgreement.PublicKey)
    case p521(P521.KeyAgreement.PublicKey)

    /// A key from its uncompressed point, which must lie on the curve.
    init(curve: EllipticCurve, point: [UInt8]) throws(JOSEError) {
        self = try replacingErrors(by: .invalidKey("The key's point does not lie on \(curve.rawValue)")) {
            switch curve {
            case .p256: .p256(try P256.KeyAgreement.PublicKey(x963Representation: point))
            case .p384: .p384(try P384.KeyAgreement.PublicKey(x963Representation: point))
            case .p521: .p521(try P521.KeyAgreement.PublicKey(x963Representation: point))
            }
        }
    }

    var curve: EllipticCurve {
        switch self {
        case .p256: .p256
        case .p384: .p384
        case .p521: .p521
        }
    }

    var point: [UInt8] {
        switch self {
        case .p256(let key): Array(key.x963Representation)
        case .p384(let key): Array(key.x963Representation)
        case .p521(let key): Array(key.x963Representation)
        }
    }

    /// The members `crv`, `kty`, `x`, `y` in the order of a header's `epk`.
    var ephemeralMembers: JSONObject {
        let (x, y) = curve.coordinates(of: point)
        return ["crv": .string(curve.rawValue), "kty": "EC", "x": x, "y": y]
    }
}

/// A private key for Diffie-Hellman on one of the NIST curves.
enum AgreementPrivateKey: Sendable {
    case p256(P256.KeyAgreement.PrivateKey)
    case p384(P384.KeyAgreement.PrivateKey)
    case p521(P521.KeyAgreement.PrivateKey)

    static func generate(_ curve: EllipticCurve) -> AgreementPrivateKey {
        switch curve {
        case .p256: .p256(P256.KeyAgreement.PrivateKey())
        case .p384: .p384(P384.KeyAgreement.PrivateKey())
        case .p521: .p521(P521.KeyAgreement.PrivateKey())
        }
    }

    /// A key from PKCS #8 or SEC 1 DER; `nil` when it is none on these curves.
    init?(der: [UInt8]) {
        if let key = try? P256.KeyAgreement.PrivateKey(derRepresentation: der) {
            self = .p256(key)
        } else if let key = try? P384.KeyAgreement.PrivateKey(derRepresentation: der) {
            self = .p384(key)
        } else if let key = try? P521.KeyAgreement.PrivateKey(derRepresentation: der) {
            self = .p521(key)
        } else {
            return nil
        }
    }

    var publicKey: AgreementPublicKey {
        switch self {
        case .p256(let key): .p256(key.publicKey)
        case .p384(let key): .p384(key.publicKey)
        case .p521(let key): .p521(key.publicKey)
        }
    }

    /// PKCS #8 in PEM.
    var pem: String {
        switch self {
        case .p256(let key): key.pemRepresentation
        case .p384(let key): key.pemRepresentation
        case .p521(let key): key.pemRepresentation
        }
    }

    /// The shared secret with a key on the same curve; throws for another one.
    func sharedSecret(with peer: AgreementPublicKey) throws -> SharedSecret {
        switch (self, peer) {
        case (.p256(let own), .p256(let peer)): try own.sharedSecretFromKeyAgreement(with: peer)
        case (.p384(let own), .p384(let peer)): try own.sharedSecretFromKeyAgreement(with: peer)
        case (.p521(let own), .p521(let peer)): try own.sharedSecretFromKeyAgreement(with: peer)
        default: throw JOSEError.decryptionFailed
        }
    }
}
