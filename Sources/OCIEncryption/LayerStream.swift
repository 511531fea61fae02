import Crypto
import Encodings

/// Decrypts one layer as it flows by, in memory that does not depend on its size.
///
/// What comes out is authenticated only when `finish` has returned: whoever reads the output must drop it otherwise.
public struct LayerStream {
    private let layer: Descriptor
    private let plaintextDigest: BlobDigest
    private var decryptor: LayerDecryptor
    private var hash = SHA256()

    /// A stream for an encrypted layer.
    ///
    /// - Parameters:
    ///   - layer: the descriptor of the encrypted layer.
    ///   - unwrap: opens one packet of the layer; packets are tried in their order until one opens.
    /// - Throws: `ImageEncryptionError`, and what `unwrap` throws for the first packet when none opens.
    public init(_ layer: Descriptor, unwrap: (AnnotationPacket) async throws -> SecretBytes) async throws {
        _ = try MediaType.decrypted(layer.mediaType)
        let encryption = try LayerEncryption(layer)
        var firstError: (any Error)?
        var opened: PrivateLayerOptions?
        for packet in encryption.packets where opened == nil {
            do {
                opened = try PrivateLayerOptions(parsing: await unwrap(packet))
            } catch {
                firstError = firstError ?? error
            }
        }
        guard let opened else {
            throw firstError
                ?? ImageEncryptionError(.unsupported, "layer \(layer.digest) is encrypted for no key provider")
        }
        self.layer = layer
        plaintextDigest = opened.plaintextDigest
        decryptor = try LayerDecryptor(privateOptions: opened, publicOptions: encryption.publicOptions)
    }

    /// The plaintext of the next bytes, however many they are.
    public mutating func decrypt(_ chunk: [UInt8]) throws -> [UInt8] {
        let plain = try decryptor.decrypt(chunk)
        hash.update(data: plain)
        return plain
    }

    /// Compares the HMAC of all that was read, and the digest of all that came out.
    ///
    /// - Throws: `ImageEncryptionError` with `authentication_failed` or `digest_mismatch`.
    public func finish() throws {
        try decryptor.verify()
        guard BlobDigest(hash.finalize()) == plaintextDigest else {
            throw ImageEncryptionError(
                .digestMismatch, "decrypted layer \(layer.digest) does not have the digest \(plaintextDigest)")
        }
    }
}
