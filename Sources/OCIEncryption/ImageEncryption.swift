import Encodings

/// Encrypts and decrypts images in OCI layouts, layer by layer, in the format of ocicrypt (containers' skopeo, podman,
/// containerd's imgcrypt and CoCo's image-rs read and write the same).
public enum ImageEncryption {
    /// The provider's name in the layers' annotations; readers look it up in their key-provider configuration.
    public static let defaultProvider = "attestation-agent"

    /// How far a layer has come: its digest, bytes done and bytes in all.
    public typealias Progress = (_ layer: BlobDigest, _ done: Int64, _ total: Int64) -> Void

    /// What was done.
    public struct Outcome: Sendable, Hashable {
        /// The new manifest's or index's digest.
        public let image: BlobDigest
        /// The layers that were replaced: digest before and after.
        public let layers: [LayerChange]
    }

    /// One replaced layer.
    public struct LayerChange: Sendable, Hashable {
        /// The digest in the source image.
        public let before: BlobDigest
        /// The digest in the new image.
        public let after: BlobDigest
    }

    /// Encrypts layers of an image into another layout (or under another tag of the same one).
    ///
    /// Each layer gets a key and nonce of its own; memory use does not depend on the layer's size.
    ///
    /// - Parameters:
    ///   - wrap: seals a layer's private options, once per layer; one packet per recipient.
    /// - Throws: `ImageEncryptionError`, and what `wrap` throws.
    public static func encrypt(
        _ source: ImageReference, to destination: ImageReference, layers selection: LayerSelection = .all,
        provider: String = defaultProvider, progress: Progress? = nil,
        wrap: (SecretBytes) async throws -> [AnnotationPacket]
    ) async throws -> Outcome {
        try await rewrite(source, to: destination) { reader, writer, layer, position in
            guard try selection.contains(position.index, of: position.count) else { return nil }
            let mediaType = try MediaType.encrypted(layer.mediaType)
            let options = PrivateLayerOptions(
                key: .random(count: 32), plaintextDigest: layer.digest, nonce: SecretBytes.random(count: 16).copyBytes()
            )
            let (stored, code) = try encryptBlob(layer, options, from: reader, to: writer, progress)
            let packets = try await wrap(options.serialized())
            guard !packets.isEmpty else {
                throw ImageEncryptionError(.invalidRequest, "no key was given to encrypt for")
            }
            return try layer.describing(mediaType: mediaType, digest: stored.digest, size: stored.size)
                .annotated(
                    EncryptionAnnotation.providerPrefix + provider,
                    packets.map { Base64.encode($0.serialized()) }.joined(separator: ",")
                )
                .annotated(
                    EncryptionAnnotation.publicOptions,
                    Base64.encode(PublicLayerOptions(authenticationCode: code).serialized()))
        }
    }

    /// Decrypts the encrypted layers of an image into another layout (or under another tag of the same one).
    ///
    /// A layer's plaintext is stored only after its HMAC and its digest were checked.
    ///
    /// - Parameters:
    ///   - unwrap: opens one packet of a layer; packets are tried in their order until one opens.
    /// - Throws: `ImageEncryptionError`, and what `unwrap` throws for the first packet when none opens.
    public static func decrypt(
        _ source: ImageReference, to destination: ImageReference, layers selection: LayerSelection = .all,
        progress: Progress? = nil, unwrap: (AnnotationPacket) async throws -> SecretBytes
    ) async throws -> Outcome {
        let outcome = try await rewrite(source, to: destination) { reader, writer, layer, position in
            guard try selection.contains(position.index, of: position.count),
                layer.mediaType.hasSuffix("+encrypted")
            else { return nil }
            let mediaType = try MediaType.decrypted(layer.mediaType)
            let encryption = try LayerEncryption(layer)
            let options = try await open(encryption.packets, of: layer, with: unwrap)
            let stored = try decryptBlob(layer, options, encryption.publicOptions, from: reader, to: writer, progress)
            var plain = try layer.describing(mediaType: mediaType, digest: stored.digest, size: stored.size)
            for name in layer.annotations.keys where name.hasPrefix(EncryptionAnnotation.prefix) {
                plain = try plain.annotated(name, nil)
            }
            return plain
        }
        guard !outcome.layers.isEmpty else {
            throw ImageEncryptionError(.invalidRequest, "\(source) has no encrypted layer to decrypt")
        }
        return outcome
    }

    private static func rewrite(
        _ source: ImageReference, to destination: ImageReference,
        _ transform: (ImageLayout, ImageLayout, Descriptor, ImageRewriting.LayerPosition) async throws -> Descriptor?
    ) async throws -> Outcome {
        let reader = try ImageLayout.open(source.directory)
        let image = try reader.image(tagged: source.tag)
        let writer = try ImageLayout.openOrCreate(destination.directory)
        var changes: [LayerChange] = []
        let rewritten = try await withoutActuallyEscaping(transform) { transform in
            var rewriting = ImageRewriting(source: reader, destination: writer) { layer, position in
                guard let replaced = try await transform(reader, writer, layer, position) else { return nil }
                changes.append(LayerChange(before: layer.digest, after: replaced.digest))
                return replaced
            }
            return try await rewriting.rewrite(image)
        }
        try writer.publish(rewritten, tag: destination.tag ?? source.tag)
        return Outcome(image: rewritten.digest, layers: changes)
    }

    private static func open(
        _ packets: [AnnotationPacket], of layer: Descriptor, with unwrap: (AnnotationPacket) async throws -> SecretBytes
    ) async throws -> PrivateLayerOptions {
        var firstError: (any Error)?
        for packet in packets {
            do {
                return try PrivateLayerOptions(parsing: await unwrap(packet))
            } catch {
                firstError = firstError ?? error
            }
        }
        throw firstError
            ?? ImageEncryptionError(.unsupported, "layer \(layer.digest) is encrypted for no key provider")
    }

    private static func encryptBlob(
        _ layer: Descriptor, _ options: PrivateLayerOptions, from source: ImageLayout, to destination: ImageLayout,
        _ progress: Progress?
    ) throws -> (stored: (digest: BlobDigest, size: Int64), code: [UInt8]) {
        let reader = try source.blobReader(layer)
        let writer = try destination.blobWriter()
        var cipher = try LayerEncryptor(key: options.key, nonce: options.nonce ?? [])
        var done: Int64 = 0
        while let chunk = try reader.next() {
            try writer.write(cipher.encrypt(chunk))
            done += Int64(chunk.count)
            progress?(layer.digest, done, layer.size)
        }
        return (try writer.commit(), cipher.authenticationCode())
    }

    private static func decryptBlob(
        _ layer: Descriptor, _ options: PrivateLayerOptions, _ publicOptions: PublicLayerOptions,
        from source: ImageLayout, to destination: ImageLayout, _ progress: Progress?
    ) throws -> (digest: BlobDigest, size: Int64) {
        let reader = try source.blobReader(layer)
        let writer = try destination.blobWriter()
        var cipher = try LayerDecryptor(privateOptions: options, publicOptions: publicOptions)
        var done: Int64 = 0
        while let chunk = try reader.next() {
            try writer.write(cipher.decrypt(chunk))
            done += Int64(chunk.count)
            progress?(layer.digest, done, layer.size)
        }
        try cipher.verify()
        guard writer.currentDigest == options.plaintextDigest else {
            throw ImageEncryptionError(
                .digestMismatch, "decrypted layer \(layer.digest) does not have the digest \(options.plaintextDigest)")
        }
        return try writer.commit()
    }
}
