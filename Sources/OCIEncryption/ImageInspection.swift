import Encodings

/// What an image consists of, and for which keys its layers are encrypted. Reads no layer.
public struct ImageInspection: Sendable, Hashable {
    /// One image of a layout: one platform.
    public struct Image: Sendable, Hashable {
        /// The manifest's digest.
        public let manifest: BlobDigest
        /// `os/architecture[/variant]` as the index says; nil for an image that stands alone.
        public let platform: String?
        /// The layers, lowest first.
        public let layers: [Layer]
    }

    /// One layer.
    public struct Layer: Sendable, Hashable {
        /// The layer's descriptor.
        public let descriptor: Descriptor
        /// The encryption; nil for a plain layer.
        public let encryption: LayerEncryption?
    }

    /// The images, one per platform.
    public let images: [Image]

    /// Reads an image's manifests.
    ///
    /// - Throws: `ImageEncryptionError`.
    public init(_ reference: ImageReference) throws {
        let layout = try ImageLayout.open(reference.directory)
        var allowance = DocumentAllowance()
        images = try Self.images(of: layout.image(tagged: reference.tag), in: layout, depth: 0, &allowance)
    }

    private static func images(
        of descriptor: Descriptor, in layout: ImageLayout, depth: Int, _ allowance: inout DocumentAllowance
    ) throws -> [Image] {
        try allowance.spend()
        guard depth < 4 else {
            throw ImageEncryptionError(.unsupported, "image indices are nested too deeply")
        }
        let object = try JSONDocument.object(layout.document(descriptor), of: "manifest \(descriptor.digest)")
        switch descriptor.mediaType {
        case MediaType.index, MediaType.dockerManifestList:
            let children = try ImageLayout.descriptors("manifests", of: object, document: "image index")
            return try children.flatMap { try images(of: $0, in: layout, depth: depth + 1, &allowance) }
        default:
            let layers = try ImageLayout.descriptors("layers", of: object, document: "manifest")
            return [
                Image(
                    manifest: descriptor.digest, platform: platform(of: descriptor),
                    layers: try layers.map { layer in
                        let isEncrypted = layer.mediaType.hasSuffix("+encrypted")
                        return Layer(descriptor: layer, encryption: isEncrypted ? try LayerEncryption(layer) : nil)
                    })
            ]
        }
    }

    private static func platform(of descriptor: Descriptor) -> String? {
        guard case .object(let platform)? = descriptor.object["platform"] else { return nil }
        let parts = ["os", "architecture", "variant"].compactMap { platform[$0]?.stringValue }
        return parts.isEmpty ? nil : parts.joined(separator: "/")
    }
}
