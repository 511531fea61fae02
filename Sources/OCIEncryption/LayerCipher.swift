import Crypto
import Encodings
import FoundationEssentials

/// Encrypts one layer, chunk by chunk: AES-256-CTR, then HMAC-SHA256 over the ciphertext, both under the layer's key.
public struct LayerEncryptor {
    /// The name that the public options carry for this construction.
    public static let cipherName = "AES_256_CTR_HMAC_SHA256"

    private var mode: CounterMode
    private var authentication: HMAC<SHA256>

    /// Starts a stream.
    ///
    /// - Parameters:
    ///   - key: 32 bytes.
    ///   - nonce: 16 bytes, never used twice with the same key.
    /// - Throws: `ImageEncryptionError` with `invalid_key`.
    public init(key: SecretBytes, nonce: [UInt8]) throws {
        let symmetricKey = try key.aes256Key()
        mode = try CounterMode(key: symmetricKey, nonce: nonce)
        authentication = HMAC<SHA256>(key: symmetricKey)
    }

    /// The ciphertext of the next chunk, which may have any size.
    public mutating func encrypt(_ chunk: [UInt8]) throws -> [UInt8] {
        let ciphertext = try mode.apply(chunk)
        authentication.update(data: ciphertext)
        return ciphertext
    }

    /// The 32-byte HMAC over all ciphertext so far.
    public func authenticationCode() -> [UInt8] {
        [UInt8](authentication.finalize())
    }
}

/// Decrypts one layer, chunk by chunk. Nothing that came out may be used before `verify` returned.
public struct LayerDecryptor {
    private var mode: CounterMode
    private var authentication: HMAC<SHA256>
    private let expectedCode: [UInt8]

    /// Starts a stream with the layer's private options (unwrapped) and public options (from its annotation).
    ///
    /// - Throws: `ImageEncryptionError` with `invalid_key` or `unsupported`.
    public init(privateOptions: PrivateLayerOptions, publicOptions: PublicLayerOptions) throws {
        guard publicOptions.cipher == LayerEncryptor.cipherName else {
            throw ImageEncryptionError(.unsupported, "the layer is encrypted with \(publicOptions.cipher)")
        }
        let symmetricKey = try privateOptions.key.aes256Key()
        guard let nonce = privateOptions.nonce ?? publicOptions.nonce else {
            throw ImageEncryptionError(.malformed, "the layer's options hold no nonce")
        }
        mode = try CounterMode(key: symmetricKey, nonce: nonce)
        authentication = HMAC<SHA256>(key: symmetricKey)
        expectedCode = publicOptions.authenticationCode
    }

    /// The (not yet authenticated) plaintext of the next chunk, which may have any size.
    public mutating func decrypt(_ chunk: [UInt8]) throws -> [UInt8] {
        authentication.update(data: chunk)
        return try mode.apply(chunk)
    }

    /// Compares the HMAC of what was read with the one of the public options, in constant time.
    ///
    /// - Throws: `ImageEncryptionError` with `authentication_failed`.
    public func verify() throws {
        guard constantTimeEqual([UInt8](authentication.finalize()), expectedCode) else {
            throw ImageEncryptionError(.authenticationFailed, "the HMAC of the encrypted layer does not match")
        }
    }
}
