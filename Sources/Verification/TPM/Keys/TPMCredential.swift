import Crypto
import CryptoExtras
import Encodings
import RATS
import X509Trust

/// A secret that only one TPM can read, and only while it holds a key of one name (TPM2_MakeCredential; TPM 2.0 Library,
/// part 1, section 24).
///
/// The name is the digest of everything that a TPM says of a key, so that whoever returns the secret has that very key, with
/// those attributes, in the same TPM as the endorsement key.
package struct TPMCredential: Sendable, Hashable {
    /// The encrypted secret (TPM2B_ID_OBJECT).
    package let blob: [UInt8]
    /// What the endorsement key decrypts (TPM2B_ENCRYPTED_SECRET).
    package let encryptedSeed: [UInt8]

    /// A credential for the key of this name, to be activated with an endorsement key.
    ///
    /// Throws `key_not_allowed` for an endorsement key that is none, or whose algorithms are not RSA from 2048 bits, P-256 or
    /// P-384 with SHA-2 and AES in CFB mode.
    package init(_ secret: [UInt8], for name: [UInt8], to key: TPMPublicArea) throws(VerificationError) {
        guard key.attributes.makeStorageKey, let hash = TCGHash(rawValue: key.nameAlgorithm), hash.isSHA2,
            let cipher = key.cipher, cipher.algorithm == 0x0006, [128, 192, 256].contains(cipher.keyBits),
            cipher.mode == 0x0043
        else { throw .endorsementKeyNotAllowed }
        let (seed, encrypted) = try Self.seed(for: key, hash)
        let storageKey = TPMKeyDerivation.kdfa(
            hash, seed, label: "STORAGE", name, [], bits: Int(cipher.keyBits))
        let integrityKey = TPMKeyDerivation.kdfa(hash, seed, label: "INTEGRITY", [], [], bits: 8 * hash.digestSize)
        guard let iv = try? AES._CFB.IV(ivBytes: [UInt8](repeating: 0, count: 16)),
            let identity = try? AES._CFB.encrypt(
                TPMWriting.counted(secret), using: SymmetricKey(data: storageKey), iv: iv)
        else { throw .endorsementKeyNotAllowed }
        let code = TPMKeyDerivation.code(hash, integrityKey, over: Array(identity) + name)
        blob = TPMWriting.counted(TPMWriting.counted(code) + identity)
        encryptedSeed = TPMWriting.counted(encrypted)
    }

    /// A seed, and what the endorsement key makes it of.
    private static func seed(
        for key: TPMPublicArea, _ hash: TCGHash
    ) throws(VerificationError) -> (seed: [UInt8], encrypted: [UInt8]) {
        switch (key.key.kind, hash.oaepDigest) {
        case (.rsa(let bits, 65537), let digest?) where bits >= 2048:
            let seed = SymmetricKey(size: SymmetricKeySize(bitCount: 8 * hash.digestSize)).withUnsafeBytes(Array.init)
            do throws(X509Error) {
                return (seed, try key.key.encryptOAEP(seed, hash: digest, label: Array("IDENTITY\0".utf8)))
            } catch {
                throw .endorsementKeyNotAllowed
            }
        case (.ec(.p256), _): return try agreement(P256.KeyAgreement.PrivateKey(), with: key, hash)
        case (.ec(.p384), _): return try agreement(P384.KeyAgreement.PrivateKey(), with: key, hash)
        default: throw .endorsementKeyNotAllowed
        }
    }

    private static func agreement(
        _ own: some AgreementKey, with key: TPMPublicArea, _ hash: TCGHash
    ) throws(VerificationError) -> (seed: [UInt8], encrypted: [UInt8]) {
        guard let other = key.key.x963, let shared = own.sharedNumber(with: other) else {
            throw .endorsementKeyNotAllowed
        }
        let half = other.count / 2
        let (x, y) = (Array(own.point[1...half]), Array(own.point[(half + 1)...]))
        let seed = TPMKeyDerivation.kdfe(
            hash, shared, label: "IDENTITY", x, Array(other[1...half]), bits: 8 * hash.digestSize)
        return (seed, TPMWriting.counted(x) + TPMWriting.counted(y))
    }
}

/// How TPMs derive keys (TPM 2.0 Library, part 1, section 11.4.10).
package enum TPMKeyDerivation {
    /// KDFa: counter mode of SP 800-108 with HMAC.
    package static func kdfa(
        _ hash: TCGHash, _ key: [UInt8], label: String, _ first: [UInt8], _ second: [UInt8], bits: Int
    ) -> [UInt8] {
        let fixed = Array(label.utf8) + [0] + first + second + TPMWriting.number(UInt32(bits))
        return blocks(bits, hash) { code(hash, key, over: TPMWriting.number($0) + fixed) }
    }

    /// KDFe: the one-step derivation of SP 800-56A from a number that two keys have in common.
    static func kdfe(
        _ hash: TCGHash, _ shared: [UInt8], label: String, _ first: [UInt8], _ second: [UInt8], bits: Int
    ) -> [UInt8] {
        let fixed = shared + Array(label.utf8) + [0] + first + second
        return blocks(bits, hash) { hash.digest(of: TPMWriting.number($0) + fixed) ?? [] }
    }

    /// HMAC.
    package static func code(_ hash: TCGHash, _ key: [UInt8], over message: [UInt8]) -> [UInt8] {
        let key = SymmetricKey(data: key)
        return switch hash {
        case .sha384: Array(HMAC<SHA384>.authenticationCode(for: message, using: key))
        case .sha512: Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
        default: Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        }
    }

    private static func blocks(_ bits: Int, _ hash: TCGHash, _ block: (UInt32) -> [UInt8]) -> [UInt8] {
        let count = bits / 8
        let rounds = (count + hash.digestSize - 1) / hash.digestSize
        return Array((0..<rounds).flatMap { block(UInt32($0 + 1)) }.prefix(count))
    }
}

/// Numbers and fields as TPM structures have them.
package enum TPMWriting {
    /// Bytes behind their count (TPM2B).
    package static func counted(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }

    /// A number of 32 bits, most significant byte first.
    static func number(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}

extension TCGHash {
    /// Whether the algorithm is one of those that credentials are made with.
    fileprivate var isSHA2: Bool { [.sha256, .sha384, .sha512].contains(self) }

    fileprivate var oaepDigest: DigestAlgorithm? {
        switch self {
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        case .sha1, .sm3: nil
        }
    }
}

/// A key on one of the curves of endorsement keys.
private protocol AgreementKey {
    /// The public half: 4, x and y.
    var point: [UInt8] { get }
    /// The x coordinate that both keys lead to.
    func sharedNumber(with other: [UInt8]) -> [UInt8]?
}

extension P256.KeyAgreement.PrivateKey: AgreementKey {
    fileprivate var point: [UInt8] { Array(publicKey.x963Representation) }
    fileprivate func sharedNumber(with other: [UInt8]) -> [UInt8]? {
        guard let key = try? P256.KeyAgreement.PublicKey(x963Representation: other) else { return nil }
        return try? sharedSecretFromKeyAgreement(with: key).withUnsafeBytes(Array.init)
    }
}

extension P384.KeyAgreement.PrivateKey: AgreementKey {
    fileprivate var point: [UInt8] { Array(publicKey.x963Representation) }
    fileprivate func sharedNumber(with other: [UInt8]) -> [UInt8]? {
        guard let key = try? P384.KeyAgreement.PublicKey(x963Representation: other) else { return nil }
        return try? sharedSecretFromKeyAgreement(with: key).withUnsafeBytes(Array.init)
    }
}

extension VerificationError {
    fileprivate static let endorsementKeyNotAllowed = VerificationError(
        code: "key_not_allowed",
        message: "The TPM's endorsement key is not one: RSA from 2048 bits, P-256 or P-384, restricted to decryption, "
            + "with SHA-2 and AES in CFB mode.")
}
