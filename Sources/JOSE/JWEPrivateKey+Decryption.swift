import Crypto
import CryptoExtras
import Encodings
import FoundationEssentials

extension JWEPrivateKey {
    /// Opens a JWE in the flattened JSON serialisation (RFC 7516 section 5.2).
    ///
    /// The content must be A256GCM and the header's `alg` must suit the key and be among `allowing`. The header is
    /// authenticated as received. Every cryptographic failure is the same `decryption_failed`.
    public func decrypt(
        _ flattened: [UInt8], allowing: Set<KeyManagementAlgorithm> = .standard
    ) throws(JOSEError) -> SecretBytes {
        try open(JWEMessage(parsing: flattened), allowing: allowing)
    }

    func open(
        _ message: JWEMessage, allowing: Set<KeyManagementAlgorithm>
    ) throws(JOSEError) -> SecretBytes {
        let header = try message.header()
        let algorithm = try Self.algorithm(of: header, allowing: allowing)
        let contentKey = try contentKey(message.encryptedKey, header: header, algorithm: algorithm)
        return try message.content.open(with: contentKey, authenticating: message.authenticatedData)
    }

    /// Opens a message in the format of KBS protocol 0.1 (RSA1_5; see `JWERecipient.encryptLegacy(_:)`). Its header is not
    /// authenticated; only A256GCM is accepted.
    public func decryptLegacy(_ message: [UInt8]) throws(JOSEError) -> SecretBytes {
        let message = try JWEMessage(parsing: message)
        let header = try message.literalHeader()
        let algorithm = try Self.algorithm(of: header, allowing: [.rsa15])
        guard message.content.tag.isEmpty, message.content.ciphertext.count >= SealedContent.tagSize else {
            throw .malformed("The encrypted message does not have the form of protocol 0.1")
        }
        let contentKey = try contentKey(message.encryptedKey, header: header, algorithm: algorithm)
        var content = message.content
        content.tag = Array(content.ciphertext.suffix(SealedContent.tagSize))
        content.ciphertext.removeLast(SealedContent.tagSize)
        return try content.open(with: contentKey, authenticating: [])
    }

    private static func algorithm(
        of header: JSONObject, allowing: Set<KeyManagementAlgorithm>
    ) throws(JOSEError) -> KeyManagementAlgorithm {
        guard let algorithm = KeyManagementAlgorithm(rawValue: try header.requiredName("alg")) else {
            throw .unsupportedAlgorithm("The encrypted message's `alg` is not supported")
        }
        guard allowing.contains(algorithm) else {
            throw JOSEError(code: "algorithm_not_allowed", message: "\(algorithm.rawValue) is not allowed here")
        }
        guard try header.requiredName("enc") == "A256GCM" else {
            throw .unsupportedAlgorithm("The encrypted message's `enc` is not A256GCM")
        }
        return algorithm
    }

    private func contentKey(
        _ encryptedKey: [UInt8], header: JSONObject, algorithm: KeyManagementAlgorithm
    ) throws(JOSEError) -> SymmetricKey {
        switch (material, algorithm) {
        case (.curve(let key), .ecdhESA256KW): return try unwrap(encryptedKey, header: header, with: key)
        case (.rsa(let key), .rsaOAEP256): return try decryptOAEP(encryptedKey, with: key)
        case (.rsa(let key), .rsa15): return decryptPKCS1(encryptedKey, with: key)
        case (.mlKEM(let key), .mlKEM768A192KW): return try unwrap(encryptedKey, header: header, with: key)
        default: throw .unsupportedKey("The encrypted message is for another kind of key")
        }
    }

    private func unwrap(
        _ encryptedKey: [UInt8], header: JSONObject, with key: AgreementPrivateKey
    ) throws(JOSEError) -> SymmetricKey {
        guard let ephemeral = header["epk"]?.objectValue, ephemeral["kty"] == "EC" else {
            throw .malformed("The encrypted message's header has no EC key in `epk`")
        }
        let curve = try EllipticCurve(of: ephemeral)
        guard curve == key.publicKey.curve else { throw .malformed("The ephemeral key is on another curve") }
        let peer = try AgreementPublicKey(curve: curve, point: try curve.point(of: ephemeral))
        let partyU = header.contains("apu") ? try header.base64URL("apu") : []
        let partyV = header.contains("apv") ? try header.base64URL("apv") : []
        return try Self.unwrap(encryptedKey) {
            KeyDerivation.concatKDF(
                try key.sharedSecret(with: peer), algorithm: .ecdhESA256KW, partyU: partyU, partyV: partyV)
        }
    }

    private func unwrap(
        _ encryptedKey: [UInt8], header: JSONObject, with key: MLKEM768.PrivateKey
    ) throws(JOSEError) -> SymmetricKey {
        let encapsulated = try header.base64URL("ek")
        guard encapsulated.count == 1088 else {
            throw .malformed("The encapsulated key has the wrong length: \(encapsulated.count) bytes, not 1088")
        }
        return try Self.unwrap(encryptedKey) { KeyDerivation.kemKey(try key.decapsulate(encapsulated)) }
    }

    private static func unwrap(
        _ encryptedKey: [UInt8], wrappingKey: () throws -> SymmetricKey
    ) throws(JOSEError) -> SymmetricKey {
        guard encryptedKey.count == 40 else { throw .malformed("The encrypted key must have 40 bytes") }
        return try replacingErrors(by: .decryptionFailed) {
            try AES.KeyWrap.unwrap(encryptedKey, using: try wrappingKey())
        }
    }

    private func decryptOAEP(_ encryptedKey: [UInt8], with key: _RSA.Signing.PrivateKey) throws(JOSEError)
        -> SymmetricKey
    {
        let contentKey = try replacingErrors(by: .decryptionFailed) {
            try Self.rsaDecrypt(encryptedKey, with: key, padding: .PKCS1_OAEP_SHA256)
        }
        guard contentKey.bitCount == 256 else { throw .decryptionFailed }
        return contentKey
    }

    /// A message whose padding is wrong gets a random content key, so that it fails in the same place and way as a forged
    /// one (RFC 7516 section 11.5).
    private func decryptPKCS1(_ encryptedKey: [UInt8], with key: _RSA.Signing.PrivateKey) -> SymmetricKey {
        let substitute = SymmetricKey(size: .bits256)
        let contentKey = try? Self.rsaDecrypt(encryptedKey, with: key, padding: ._WEAK_AND_INSECURE_PKCS_V1_5)
        guard let contentKey, contentKey.bitCount == 256 else { return substitute }
        return contentKey
    }

    private static func rsaDecrypt(
        _ encryptedKey: [UInt8], with key: _RSA.Signing.PrivateKey, padding: _RSA.Encryption.Padding
    ) throws -> SymmetricKey {
        var der = key.derRepresentation
        defer { der.withUnsafeMutableBytes { wipe($0) } }
        var plaintext = try _RSA.Encryption.PrivateKey(derRepresentation: der).decrypt(encryptedKey, padding: padding)
        defer { plaintext.withUnsafeMutableBytes { wipe($0) } }
        return plaintext.withUnsafeBytes { SymmetricKey(data: $0) }
    }
}
