import Crypto
import CryptoExtras
import Encodings
import FoundationEssentials

/// The public key of a guest, checked, to which secrets are sealed.
public struct JWERecipient: Sendable {
    private enum Material: Sendable {
        case curve(AgreementPublicKey)
        case rsa(RSANumbers)
        case mlKEM(MLKEM768.PublicKey)
    }

    /// How content keys are sealed to this recipient: the key's `alg`.
    public let algorithm: KeyManagementAlgorithm
    /// The key as it was given.
    public let jwk: JSONObject
    private let material: Material

    /// Reads a public key: EC on P-256, P-384 or P-521 (coordinates of exactly the curve's size, on the curve), RSA of
    /// 2048 to 8192 bits, or AKP for ML-KEM-768 (1184 bytes). `alg` is required and must be among `allowing`; a
    /// key whose private members came along is refused; members that are not known are ignored.
    public init(jwk: JSONObject, allowing: Set<KeyManagementAlgorithm> = .standard) throws(JOSEError) {
        let name = try jwk.requiredName("alg")
        guard let algorithm = KeyManagementAlgorithm(rawValue: name) else {
            throw .unsupportedAlgorithm("The key's `alg` is not a supported way to encrypt")
        }
        guard allowing.contains(algorithm) else {
            throw JOSEError(code: "algorithm_not_allowed", message: "\(algorithm.rawValue) is switched off here")
        }
        try jwk.requirePublic()
        try jwk.requirePurpose(use: "enc", operations: ["encrypt", "wrapKey", "deriveKey", "deriveBits"])
        self.algorithm = algorithm
        self.jwk = jwk
        material = try Self.material(of: jwk, algorithm: algorithm)
    }

    /// Whether a point lies on the named curve (`P-256`, `P-384` or `P-521`). Coordinates are big-endian and must have
    /// exactly the curve's size (32, 48 or 66 bytes), else the answer is no.
    public static func isOnCurve(_ curveName: String, x: [UInt8], y: [UInt8]) -> Bool {
        guard let curve = EllipticCurve(rawValue: curveName), x.count == curve.coordinateSize,
            y.count == curve.coordinateSize
        else { return false }
        return (try? AgreementPublicKey(curve: curve, point: [4] + x + y)) != nil
    }

    /// Seals to this recipient: flattened JWE JSON with AES-256-GCM under a fresh content key, in the one byte layout
    /// that every guest release takes.
    public func encrypt(_ plaintext: SecretBytes) throws(JOSEError) -> [UInt8] {
        try message(plaintext, members: [:]).serialized()
    }

    /// A message under a fresh content key, with members of the sender's own after those that everybody needs.
    func message(_ plaintext: SecretBytes, members own: JSONObject) throws(JOSEError) -> JWEMessage {
        let contentKey = SymmetricKey(size: .bits256)
        let (encryptedKey, members) = try seal(contentKey)
        var header: JSONObject = ["alg": .string(algorithm.rawValue), "enc": "A256GCM"]
        for (name, value) in members { header[name] = value }
        for (name, value) in own where !header.contains(name) { header[name] = value }
        let protected = Base64.encodeURL(header.serialized())
        let content = try SealedContent.seal(plaintext, with: contentKey, authenticating: Array(protected.utf8))
        return JWEMessage(protected: protected, encryptedKey: encryptedKey, content: content)
    }

    /// Seals in the format of KBS protocol 0.1: RSA1_5, the header as plain text, nothing authenticated but the
    /// ciphertext, its tag at the ciphertext's end and `tag` empty. Only for a key whose `alg` is RSA1_5.
    public func encryptLegacy(_ plaintext: SecretBytes) throws(JOSEError) -> [UInt8] {
        guard algorithm == .rsa15 else {
            throw .unsupportedKey("The format of protocol 0.1 needs a key with `alg` RSA1_5")
        }
        let contentKey = SymmetricKey(size: .bits256)
        let (encryptedKey, _) = try seal(contentKey)
        let header: JSONObject = ["alg": .string(algorithm.rawValue), "enc": "A256GCM"]
        var content = try SealedContent.seal(plaintext, with: contentKey, authenticating: [])
        content.ciphertext += content.tag
        content.tag = []
        return JWEMessage(protected: header.serializedString(), encryptedKey: encryptedKey, content: content)
            .serialized()
    }

    private static func material(of jwk: JSONObject, algorithm: KeyManagementAlgorithm) throws(JOSEError) -> Material {
        switch (try jwk.requiredName("kty"), algorithm) {
        case ("EC", .ecdhESA256KW):
            let curve = try EllipticCurve(of: jwk)
            return .curve(try AgreementPublicKey(curve: curve, point: try curve.point(of: jwk)))
        case ("RSA", .rsaOAEP256), ("RSA", .rsa15):
            let numbers = try RSANumbers(jwk: jwk)
            _ = try encryptionKey(numbers)
            return .rsa(numbers)
        case ("AKP", .mlKEM768A192KW):
            let bytes = try jwk.base64URL("pub")
            guard bytes.count == 1184 else {
                throw .invalidKey("The ML-KEM-768 public key has the wrong length: \(bytes.count) bytes, not 1184")
            }
            return try replacingErrors(by: .invalidKey("The ML-KEM-768 public key is not valid")) {
                .mlKEM(try MLKEM768.PublicKey(rawRepresentation: bytes))
            }
        default: throw .unsupportedKey("The key's `kty` and `alg` do not fit together")
        }
    }

    private static func encryptionKey(_ numbers: RSANumbers) throws(JOSEError) -> _RSA.Encryption.PublicKey {
        try replacingErrors(by: .invalidKey("The RSA key is not valid")) {
            try _RSA.Encryption.PublicKey(n: numbers.modulus, e: numbers.exponent)
        }
    }

    /// The content key sealed to this recipient, and the header members that the recipient needs besides `alg` and `enc`.
    private func seal(_ contentKey: SymmetricKey) throws(JOSEError) -> (encryptedKey: [UInt8], members: JSONObject) {
        switch material {
        case .curve(let key): try seal(contentKey, to: key)
        case .mlKEM(let key): try seal(contentKey, to: key)
        case .rsa(let numbers): (try seal(contentKey, to: numbers), [:])
        }
    }

    private static let sealingFailed = JOSEError(
        code: "encryption_failed", message: "The content key could not be encrypted to the recipient's key")

    private func seal(_ contentKey: SymmetricKey, to key: AgreementPublicKey) throws(JOSEError) -> ([UInt8], JSONObject)
    {
        let ephemeral = AgreementPrivateKey.generate(key.curve)
        let wrapped = try replacingErrors(by: Self.sealingFailed) {
            let wrappingKey = KeyDerivation.concatKDF(try ephemeral.sharedSecret(with: key), algorithm: .ecdhESA256KW)
            return Array(try AES.KeyWrap.wrap(contentKey, using: wrappingKey))
        }
        return (wrapped, ["epk": .object(ephemeral.publicKey.ephemeralMembers)])
    }

    private func seal(_ contentKey: SymmetricKey, to key: MLKEM768.PublicKey) throws(JOSEError) -> ([UInt8], JSONObject)
    {
        try replacingErrors(by: Self.sealingFailed) {
            let encapsulation = try key.encapsulate()
            let wrappingKey = KeyDerivation.kemKey(encapsulation.sharedSecret)
            let wrapped = Array(try AES.KeyWrap.wrap(contentKey, using: wrappingKey))
            return (wrapped, ["ek": .string(Base64.encodeURL(Array(encapsulation.encapsulated)))])
        }
    }

    private func seal(_ contentKey: SymmetricKey, to numbers: RSANumbers) throws(JOSEError) -> [UInt8] {
        let key = try Self.encryptionKey(numbers)
        let padding: _RSA.Encryption.Padding =
            algorithm == .rsa15 ? ._WEAK_AND_INSECURE_PKCS_V1_5 : .PKCS1_OAEP_SHA256
        return try replacingErrors(by: Self.sealingFailed) {
            try contentKey.withUnsafeBytes { Array(try key.encrypt($0, padding: padding)) }
        }
    }
}
