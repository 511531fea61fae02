import Encodings

/// What only the owner of the key-encryption key may know about a layer; travels inside an `AnnotationPacket`.
public struct PrivateLayerOptions: Sendable {
    /// The layer's key, 32 bytes: for the cipher and for the HMAC.
    public let key: SecretBytes
    /// The digest of the plaintext layer, for example `sha256:…`.
    public let plaintextDigest: BlobDigest
    /// The first counter block, 16 bytes; nil when the options do not carry it.
    public let nonce: [UInt8]?

    /// Options from their parts.
    public init(key: SecretBytes, plaintextDigest: BlobDigest, nonce: [UInt8]?) {
        self.key = key
        self.plaintextDigest = plaintextDigest
        self.nonce = nonce
    }

    /// Reads `{"symkey":…,"digest":…,"cipheroptions":{"nonce":…}}`, byte strings in base64.
    ///
    /// - Throws: `ImageEncryptionError` with `malformed` or `unsupported`.
    public init(parsing secret: SecretBytes) throws {
        let document = "layer's private options"
        let object = try JSONDocument.object(secret.copyBytes(), of: document)
        key = SecretBytes(try JSONDocument.base64("symkey", in: object, of: document))
        plaintextDigest = try BlobDigest(JSONDocument.string("digest", in: object, of: document))
        nonce = try LayerNonce.read(object, document)
    }

    /// The options' JSON, member order as ocicrypt writes it.
    public func serialized() -> SecretBytes {
        var object = JSONObject()
        object["symkey"] = .string(key.withUnsafeBytes { Base64.encode([UInt8]($0)) })
        object["digest"] = .string(plaintextDigest.description)
        var cipherOptions = JSONObject()
        if let nonce { cipherOptions["nonce"] = .string(Base64.encode(nonce)) }
        object["cipheroptions"] = .object(cipherOptions)
        return SecretBytes(JSONValue.object(object).serialized())
    }
}

/// What everybody may know about an encrypted layer; the annotation `org.opencontainers.image.enc.pubopts`.
public struct PublicLayerOptions: Sendable, Hashable {
    /// The cipher's name, `AES_256_CTR_HMAC_SHA256`.
    public let cipher: String
    /// HMAC-SHA256 over the ciphertext, 32 bytes.
    public let authenticationCode: [UInt8]
    /// A nonce that travels in the open; ocicrypt keeps it in the private options.
    public let nonce: [UInt8]?

    /// Options for a layer that `LayerEncryptor` encrypted.
    public init(authenticationCode: [UInt8]) {
        cipher = LayerEncryptor.cipherName
        self.authenticationCode = authenticationCode
        nonce = nil
    }

    /// Reads `{"cipher":…,"hmac":…,"cipheroptions":{}}`.
    ///
    /// - Throws: `ImageEncryptionError` with `malformed`.
    public init(parsing bytes: [UInt8]) throws {
        let document = "layer's public options"
        let object = try JSONDocument.object(bytes, of: document)
        cipher = try JSONDocument.string("cipher", in: object, of: document)
        authenticationCode = try JSONDocument.base64("hmac", in: object, of: document)
        nonce = try LayerNonce.read(object, document)
    }

    /// The options' JSON, member order as ocicrypt writes it.
    public func serialized() -> [UInt8] {
        var object = JSONObject()
        object["cipher"] = .string(cipher)
        object["hmac"] = .string(Base64.encode(authenticationCode))
        object["cipheroptions"] = .object(JSONObject())
        return JSONValue.object(object).serialized()
    }
}

private enum LayerNonce {
    static func read(_ options: JSONObject, _ document: String) throws -> [UInt8]? {
        guard case .object(let cipherOptions)? = options["cipheroptions"], cipherOptions["nonce"] != nil else {
            return nil
        }
        return try JSONDocument.base64("nonce", in: cipherOptions, of: document)
    }
}
